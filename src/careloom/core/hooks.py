"""The words for what comes in by itself (webhooks) and for what is told to others (change events)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from careloom.core.ports import Finding
from careloom.core.streams import Record, Unreadable


@dataclass(frozen=True, slots=True, kw_only=True)
class HookRequest:
    """A request as it came. Header names are lower case; of repeated query names the last one stands."""

    method: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class HookAnswer:
    """Answer at once, store nothing: a handshake, a ping, or a refusal (401, 400, 405, 415)."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    reason: str = ""
    """Machine's name of a refusal, for logs and counters; "" where it is none."""
    thanks_for: str = ""
    """What a 2xx thanks for though nothing is kept of it: ping, verification. Without it, a POST is never thanked for so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A verified event to be stored. `event_id` is unique for the source: a second one of it is the same event."""

    event_id: str
    event: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEvent:
    """An accepted event, as it is kept. `asked`: how often its system was asked and did not show yet what the event says."""

    id: int
    event_id: str
    event: str
    received_at: datetime
    body: bytes = field(repr=False)
    asked: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """The record of `key` changed in `stream`: fetch it, since the event itself cannot be trusted to be the latest.

    What the system answers may be seconds behind what it has told. `told`: the record as the event gives it, as far as it does,
    in the form in which a fetch would; an answer that says otherwise is asked for again. `made`: the event says that the record
    is new, so that its absence is no deletion. `gone`: the event says that it was deleted.
    """

    stream: str
    key: str
    told: Mapping[str, Any] | None = field(default=None, compare=False, repr=False)
    made: bool = field(default=False, compare=False)
    gone: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What an event says. All empty: an event that means nothing to us, which is not a fault.

    `content`: SHA-256 of what it says, where nothing but that tells a repetition: sealed anew, it comes as another event. What it
    tells is then as old as the first event that told it.
    """

    records: Sequence[Record] = ()
    hints: Sequence[Hint] = ()
    unreadable: Sequence[Unreadable] = ()
    content: bytes = b""


class Hooks(Protocol):
    """A system that calls us."""

    def receive(self, request: HookRequest) -> Accepted | HookAnswer:
        """Verify on the raw bytes, in constant time; parse no more than that needs. Never raises for what came in."""
        ...

    def read(self, event: StoredEvent) -> Reading:
        """What the event says. Hold (with a code, no values in its message) where it cannot be read; it is kept then."""
        ...

    def check(self) -> Sequence[Finding]:
        """Whether anything could come in: the secrets and keys of this side."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeEvent:
    """A row of a landing table changed. Ids only, never a person's values. `operation`: INSERT, UPDATE or DELETE."""

    id: int
    table: str
    operation: str
    record_id: str
    vendor_id: str
    vendor_key: str
    """The name under which `vendor_id` travels: the landing table's key column."""
    timestamp: datetime


class Publisher(Protocol):
    """A place that change events are told to, at least once, in order for each record."""

    def publish(self, events: Sequence[ChangeEvent]) -> Sequence[int]:
        """Tell these, in order; returns the ids that were acknowledged. Later if the place does not answer at all."""
        ...

    def check(self) -> Sequence[Finding]:
        """Whether the place could be told, without telling it anything; an error is the fault."""
        ...

    def close(self) -> None:
        """Flush and give back connections; harmless when called twice."""
        ...


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
