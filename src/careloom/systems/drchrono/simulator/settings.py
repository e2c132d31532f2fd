"""What can be set about the practice in a box, from outside and while it runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

TIERS = ("standard", "unlimited")


@dataclass(slots=True, kw_only=True)
class Settings:
    """`says_wait`: whether a 429 names its seconds. `envelope`: what a listing calls its array. `lag_seconds`: how long a write stays unseen by reads.

    `retry_hours`: when a webhook that failed is sent again, after its first sending; `hour_seconds` is how long an hour of
    that takes here. `drop_percent` of the events are never sent, `repeat_percent` sent twice; `shuffle_seconds`: each is
    sent late by up to so much, so that the order is lost. `list_polls`: how often a list says that it is in progress.
    """

    envelope: Literal["results", "data"] = "results"
    limited: bool = True
    hourly: int = 500
    secondly: int = 10
    says_wait: bool = True
    latency_ms: int = 0
    lag_seconds: float = 0.0
    token_seconds: int = 172_800
    list_polls: int = 1
    list_life_seconds: float = 3600.0
    hooks_url: str = ""
    drop_percent: float = 0.0
    repeat_percent: float = 0.0
    shuffle_seconds: float = 0.0
    retry_hours: tuple[float, ...] = (1, 3, 7)
    hour_seconds: float = 1.0
    client_id: str = "sim-client"
    client_secret: str = field(default="sim-client-secret", repr=False)
    webhook_secret: str = field(default="sim-webhook-secret", repr=False)
