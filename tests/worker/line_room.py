"""A room whose senders write lines: "ID text\\n" in, "+ID\\n" or "-ID\\n" out. It shows what any framed protocol needs."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from careloom.core.errors import Hold
from careloom.core.listeners import FrameFault
from careloom.core.ports import Finding
from careloom.core.rooms import Room
from careloom.core.webhooks import Accepted, Reading, StoredEvent
from services.fake_rooms import VISITS, NoOptions, record


@dataclass
class LineListener:
    """`before_keeping` and `before_reply` are where a test interferes."""

    host: str = "127.0.0.1"
    port: int = 0
    most_bytes: int = 1000
    seconds: float = 5.0
    admitted: Callable[[str], bool] = lambda _address: True
    before_keeping: Callable[[bytes], object] = lambda _message: None
    before_reply: Callable[[bytes], object] = lambda _message: None
    read_events: list[str] = field(default_factory=list)

    def admits(self, address: str) -> bool:
        return self.admitted(address)

    def split(self, received: bytes) -> tuple[Sequence[bytes], bytes]:
        if b"\0" in received:
            raise FrameFault
        *lines, rest = received.split(b"\n")
        return lines, rest

    def receive(self, message: bytes) -> Accepted | None:
        self.before_keeping(message)
        key, _, text = message.partition(b" ")
        is_message = key.isascii() and key and text
        return Accepted(event_id=key.decode("latin-1"), event="line") if is_message else None

    def reply(self, message: bytes, *, is_kept: bool) -> bytes:
        if is_kept:
            self.before_reply(message)
        return (b"+" if is_kept else b"-") + message.partition(b" ")[0] + b"\n"

    def read(self, event: StoredEvent) -> Reading:
        self.read_events.append(event.event_id)
        try:
            text = event.body.decode()
        except UnicodeDecodeError:
            raise Hold("not-utf8", "the line is no text") from None
        return Reading(records=[record({"id": event.event_id, "room": text.partition(" ")[2]})])

    def check(self) -> Sequence[Finding]:
        return [Finding(level="ok", what="lines", detail=json.dumps(self.port))]


def line_room(listener: LineListener) -> Room:
    return Room(
        kind="lines", options=NoOptions, streams={"visits": VISITS}, listener=lambda _options, _context: listener
    )
