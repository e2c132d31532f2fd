"""What a project writes under `systems:` for a CollaborateMD account."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class LimitOptions(BaseModel):
    """How large an answer may be before it is held; a real report stays far below each."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    downloaded_mb: int = Field(default=1024, ge=1, description="Megabytes of one answer, as it comes over the wire.")
    unpacked_gb: float = Field(default=4.0, gt=0, description="Gigabytes of all CSV files of one answer together.")
    ratio: float = Field(default=200.0, gt=1, description="How many times larger a file may be than its packed form.")
    files: int = Field(default=100, ge=1, description="Files in one archive, those that are no CSV included.")


class Options(BaseModel):
    """A CollaborateMD partner's Web API."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: str = Field(
        default="https://webapi.collaboratemd.com",
        pattern=r"^https?://",
        description="Where the Web API answers: CollaborateMD itself, or a simulator such as http://127.0.0.1:8903.",
    )
    username: str = Field(min_length=1, description="The API user's name, or the name of its secret.")
    password: str = Field(
        min_length=1, description='Its password, by the name of its secret: "secret:collaboratemd-password".'
    )
    format: Literal["json", "xml"] = Field(default="json", description="The form of the answers that is asked for.")
    poll_seconds: float = Field(default=20.0, gt=0, le=600, description="How often a running report is asked after.")
    ceiling_minutes: float = Field(
        default=20.0, gt=0, description="After so long a run is given up; CollaborateMD does so after 15 to 20."
    )
    asks: int = Field(default=3, ge=1, description="How often a report is asked for anew before it is held.")
    grace_polls: int = Field(
        default=4,
        ge=0,
        description="How often a report that is done but without data is asked after before that is taken for its end.",
    )
    timeout_seconds: float = Field(
        default=120.0, gt=0, le=900, description="How long nothing may come before an answer counts as lost."
    )
    limits: LimitOptions = Field(default_factory=LimitOptions, description="Sizes that no report reaches.")
