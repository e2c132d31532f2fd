"""What a system of kind "pubsub" is configured with."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Options(BaseModel):
    """A topic of a Google Cloud project."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    project: str = Field(min_length=1, description="The Google Cloud project that owns the topic.")
    topic: str = Field(
        default="change-events",
        pattern=r"^[A-Za-z][A-Za-z0-9._~+%-]{2,254}$",
        description="The topic; it must exist.",
    )
    emulator: str = Field(default="", description="HOST:PORT of the Pub/Sub emulator, instead of Google Cloud.")
