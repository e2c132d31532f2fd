"""What a system of kind "redis" is configured with."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Options(BaseModel):
    """A stream of a Redis server."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field(min_length=1, description="redis://HOST:PORT/0, or secret:NAME where it holds a password.")
    stream: str = Field(
        default="careloom:changes",
        min_length=1,
        description="The stream's key. What is acknowledged is as safe as the server: on disk with `appendfsync always`, and kept "
        "when memory runs short with `maxmemory-policy noeviction`.",
    )
    keep: int = Field(default=1_000_000, ge=1, description="About how many entries stay; the oldest go first.")
