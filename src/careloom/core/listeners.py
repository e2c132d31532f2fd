"""The words for a system that speaks to us over a connection of its own, framed (MLLP and its like), instead of by HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from careloom.core.ports import Finding
from careloom.core.webhooks import Accepted, Reading, StoredEvent


class FrameFault(Exception):
    """What came can be no frame of this protocol, or is a larger one than is admitted; the connection ends."""


class Listener(Protocol):
    """A system that connects to us.

    `host`, `port`: where it is listened to. `most_bytes`: of one frame; `seconds`: in which a frame that has begun must end.
    """

    host: str
    port: int
    most_bytes: int
    seconds: float

    def admits(self, address: str) -> bool:
        """Whether one who calls from this IP address is listened to."""
        ...

    def split(self, data: bytes) -> tuple[Sequence[bytes], bytes]:
        """The whole messages at the beginning of what was received, without their frames, and what is left of it.

        FrameFault where no frame can come of it any more.
        """
        ...

    def receive(self, message: bytes) -> Accepted | None:
        """What is to be kept of a message; None: nothing, and `reply` refuses it. Never raises for what came in."""
        ...

    def reply(self, message: bytes, *, is_kept: bool) -> bytes:
        """The framed acknowledgement, once the message is on disk; else the framed refusal, "" to end the connection."""
        ...

    def read(self, event: StoredEvent) -> Reading:
        """What the event says. Hold (with a code, no values in its message) where it cannot be read; it is kept then."""
        ...

    def check(self) -> Sequence[Finding]:
        """Whether anything could come in."""
        ...
