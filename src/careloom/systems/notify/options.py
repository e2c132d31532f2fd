"""What a system of kind "notify" is configured with."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Options(BaseModel):
    """A channel of the store's database."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    channel: str = Field(default="change_events", pattern=r"^[a-z][a-z0-9_]{0,62}$", description="What to LISTEN to.")
