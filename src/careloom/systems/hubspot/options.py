"""What a project writes under `systems:` for a HubSpot portal."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from careloom.systems.hubspot.client.paths import VERSION_PATTERN
from careloom.systems.hubspot.client.rate_limits import SEARCH_SECONDLY


class LimitOptions(BaseModel):
    """The project's own ceilings, where other programs share the portal's limits."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    ten_secondly: int | None = Field(
        default=None,
        ge=1,
        description="At most so many requests in 10 seconds. Empty: what the portal states (100 to 250).",
    )
    search_secondly: int = Field(
        default=SEARCH_SECONDLY,
        ge=1,
        le=5,
        description="At most so many searches in a second; HubSpot admits 5 for the whole account.",
    )
    daily: int | None = Field(
        default=None, ge=1, description="At most so many requests in a day. Empty: what the portal states."
    )


class Options(BaseModel):
    """A HubSpot portal."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    token: str = Field(
        min_length=1,
        description='The access token of a service key or app, by the name of its secret: "secret:hubspot-token".',
    )
    base_url: str = Field(
        default="https://api.hubapi.com",
        pattern=r"^https?://",
        description="Where the API answers: HubSpot itself, or a simulator such as http://127.0.0.1:8901.",
    )
    version: str = Field(
        default="2026-03",
        pattern=VERSION_PATTERN,
        description='The API version: a dated one such as "2026-03" or "2026-09", or "v3" (unsupported after 2027).',
    )
    limits: LimitOptions = Field(
        default_factory=LimitOptions, description="Ceilings below those of the portal, if any are wanted."
    )
    concurrency: int = Field(
        default=8, ge=1, le=32, description="How many requests may be under way at once in one process."
    )
    timeout_seconds: float = Field(
        default=60.0, gt=0, le=600, description="How long an answer may take before it counts as lost."
    )
