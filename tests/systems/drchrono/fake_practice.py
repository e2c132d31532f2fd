"""A practice in a box and a source that reads it, with tokens kept in memory."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from careloom.core.ports import Budget
from careloom.core.rooms import RoomContext
from careloom.core.streams import Page, Record
from careloom.core.tokens import Token
from careloom.systems.drchrono.client import Client
from careloom.systems.drchrono.options import Options
from careloom.systems.drchrono.simulator import RunningDrChrono
from careloom.systems.drchrono.source import DrChronoSource
from careloom.vendor_kit.retry import RetryPolicy

CALM = RetryPolicy(attempts=3, first_wait=0.0, longest_backoff=0.0, longest_wait=5.0)
UTC_ZONE = ZoneInfo("UTC")


@dataclass
class MemoryTokens:
    """`core.tokens.Tokens` as the store keeps them: one refresher at a time."""

    token: Token | None
    refreshes: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def current(self) -> Token | None:
        return self.token

    def refreshed(self, stale: Token, refresh: Callable[[Token], Token]) -> Token:
        with self.lock:
            if self.token is not None and self.token.access != stale.access:
                return self.token
            self.token = refresh(stale)
            self.refreshes += 1
            return self.token

    def store(self, token: Token) -> None:
        self.token = token


def token_of(simulator: RunningDrChrono, *, lives: timedelta = timedelta(days=2)) -> Token:
    pair = simulator.control("token")
    return Token(access=pair["access_token"], refresh=pair["refresh_token"], expires_at=datetime.now(UTC) + lives)


def options_of(url: str, **values: Any) -> Options:
    wanted = {
        "base_url": url,
        "client_id": "sim-client",
        "client_secret": "sim-client-secret",
        "webhook_secret": "sim-webhook-secret",
        "bulk_poll_seconds": 0.01,
        **values,
    }
    return Options.model_validate(wanted)


def context_of(tokens: MemoryTokens | None, **values: Any) -> RoomContext:
    wanted: dict[str, Any] = {"folder": Path(), "timezone": UTC_ZONE, "secret": lambda text: text, "tokens": tokens}
    return RoomContext(**{**wanted, **values})


def source_of(
    simulator: RunningDrChrono,
    *,
    pauses: list[float] | None = None,
    budget: Budget | None = None,
    patience: RetryPolicy = CALM,
    **values: Any,
) -> DrChronoSource:
    """A source on the simulator; `pauses` collects the waits, which are not slept."""
    waits = pauses if pauses is not None else []
    options = options_of(simulator.url, **values)
    context = context_of(MemoryTokens(token_of(simulator)), budget=budget)
    return DrChronoSource(options, context, client=Client(options, context, policy=patience, pause=waits.append))


def all_of(pages: Sequence[Page] | Any) -> dict[tuple[str, str], Record]:
    """Every record of some pages by stream and key; nothing may be unreadable, and nothing given twice."""
    found: dict[tuple[str, str], Record] = {}
    for page in pages:
        assert not page.unreadable
        for record in page.records:
            assert (record.stream, record.key) not in found
            found[record.stream, record.key] = record
    return found
