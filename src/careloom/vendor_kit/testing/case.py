"""What a room's test module gives to the suites, and what all suites look at."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import structlog

from careloom.core.errors import CareloomError
from careloom.core.rooms import RoomContext
from careloom.core.tokens import Token

UTC_ZONE = ZoneInfo("UTC")


class Contract:
    """A suite. `capability` is the field of `core.rooms.Room` whose promise it tests; a room's subclass says which `kind` it is."""

    capability: ClassVar[str] = ""
    kind: ClassVar[str] = ""


@dataclass(slots=True)
class MemoryTokens:
    """`core.tokens.Tokens` as the store keeps them: one refresher at a time."""

    token: Token | None
    refreshes: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def current(self) -> Token | None:
        """The pair as it stands."""
        return self.token

    def refreshed(self, stale: Token, refresh: Callable[[Token], Token]) -> Token:
        """A pair newer than `stale`."""
        with self._lock:
            if self.token is not None and self.token.access != stale.access:
                return self.token
            self.token = refresh(stale)
            self.refreshes += 1
            return self.token

    def store(self, token: Token) -> None:
        """Keep `token` as the newest pair."""
        self.token = token


def context_of(waits: list[float] | None = None, **values: Any) -> RoomContext:
    """A room's context without a store, in which nobody sleeps: `waits` collects what would have been slept."""
    seconds = waits if waits is not None else []
    plain: dict[str, Any] = {
        "folder": Path(),
        "timezone": UTC_ZONE,
        "secret": lambda reference: reference,
        "pause": seconds.append,
    }
    return RoomContext(**{**plain, **values})


@contextmanager
def nothing_leaks(private_texts: Sequence[str]) -> Iterator[list[BaseException]]:
    """Fails where a log line, or an error that is put into the list, holds one of the private texts."""
    errors: list[BaseException] = []
    with structlog.testing.capture_logs() as lines:
        yield errors
    output = "\n".join([*(str(line) for line in lines), *(f"{error!r} {error}" for error in errors)])
    leaks = [text for text in private_texts if text and text in output]
    assert not leaks, f"a log line or an error holds {len(leaks)} private texts"


def error_of(work: Callable[[], object], kind: type[CareloomError]) -> CareloomError:
    """The error of `kind` that `work` ends in; fails where it ends otherwise."""
    try:
        work()
    except kind as error:
        return error
    raise AssertionError(f"it ended well, and not in {kind.__name__}")
