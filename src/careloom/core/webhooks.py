"""The words for what comes in by itself: requests of systems that call us, and what they say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from careloom.core.ports import Finding
from careloom.core.streams import Record, Unreadable


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookRequest:
    """A request as it came. Header names are lower case; of repeated query names the last one stands.

    `url`: the whole address that the sender called, with its query, as some vendors sign it: the public one where a proxy
    stands before us.
    """

    method: str
    headers: Mapping[str, str] = field(repr=False)
    query: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    url: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookAnswer:
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
class ThinEvent:
    """The record of `key` changed in `stream`: fetch it, since the event itself cannot be trusted to be the latest.

    What the system answers may be seconds behind what it has told. `content`: the record as the event gives it, as far as it does,
    in the form in which a fetch would; an answer that says otherwise is asked for again. `is_new`: the event says that the
    record is new, so that its absence is no deletion. `is_gone`: the event says that it was deleted.
    """

    stream: str
    key: str
    content: Mapping[str, Any] | None = field(default=None, compare=False, repr=False)
    is_new: bool = field(default=False, compare=False)
    is_gone: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What an event says. All empty: an event that means nothing to us, which is not a fault.

    `content`: SHA-256 of what it says, where nothing but that tells a repetition: sealed anew, it comes as another event. What it
    tells is then as old as the first event that told it.
    """

    records: Sequence[Record] = ()
    thin_events: Sequence[ThinEvent] = ()
    unreadable: Sequence[Unreadable] = ()
    content: bytes = b""


class Webhooks(Protocol):
    """A system that calls us."""

    def receive(self, request: WebhookRequest) -> Accepted | WebhookAnswer:
        """Verify on the raw bytes, in constant time; parse no more than that needs. Never raises for what came in."""
        ...

    def read(self, event: StoredEvent) -> Reading:
        """What the event says. Hold (with a code, no values in its message) where it cannot be read; it is kept then."""
        ...

    def check(self) -> Sequence[Finding]:
        """Whether anything could come in: the secrets and keys of this side."""
        ...
