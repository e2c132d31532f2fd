"""The words for OAuth2's tokens, and for the place that keeps them for all workers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """An OAuth2 token pair. `expires_at` is aware; `refresh` may be used once."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    expires_at: datetime


class Tokens(Protocol):
    """Where a system's token pair is kept, encrypted; one refresher at a time across all workers."""

    def current(self) -> Token | None:
        """The pair as it stands; None before anyone has connected."""
        ...

    def refreshed(self, stale: Token, refresh: Callable[[Token], Token]) -> Token:
        """A pair newer than `stale`: another worker's if it was quicker, else what `refresh` answers, stored before use."""
        ...

    def store(self, token: Token) -> None:
        """Keep a first pair (`careloom connect`), replacing what was there."""
        ...
