"""What a system of kind "nats" is configured with."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Options(BaseModel):
    """A subject, and the stream that keeps it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field(min_length=1, description="nats://HOST:PORT, or secret:NAME where it holds a password or token.")
    subject: str = Field(
        default="careloom.changes",
        pattern=r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$",
        description="What to subscribe to.",
    )
    stream: str = Field(
        default="CARELOOM",
        pattern=r"^[A-Za-z0-9_-]+$",
        description="The stream that keeps the subject; made, without limits, where it is absent.",
    )
