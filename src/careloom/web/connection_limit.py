"""How many connections there may be, and who must go when there are too many: no one shuts others out by only being there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from starlette.types import Receive, Scope, Send

from careloom.web.responses import UNAVAILABLE, refuse

MOST, MOST_OF_A_CLIENT, MOST_SHED = 2000, 500, 200


class Guest(Protocol):
    """One connection."""

    def idle(self) -> bool:
        """Whether no request of it is under way: its head has not come yet, or it was answered."""
        ...

    def send_off(self) -> None:
        """Close it."""
        ...


@dataclass(slots=True)
class Crowd:
    """The connections of one server by their client.

    `of_a_client` is the most that one address may have, 0 where a proxy stands in front, since all then come from it. One too
    many costs an idle connection of who holds most; where none is idle the new one is shed: it is answered with 503.
    """

    of_a_client: int = MOST_OF_A_CLIENT
    capacity: int = MOST
    _by_client: dict[str, dict[Guest, None]] = field(default_factory=dict)
    _leaving: set[Guest] = field(default_factory=set)
    _inside: int = 0

    def enter(self, client: str, guest: Guest) -> bool:
        """Let a connection in; false if it is to be shed."""
        of_client = self._by_client.setdefault(client, {})
        candidates: Iterable[dict[Guest, None]] = ()
        if self.of_a_client and len(of_client) >= self.of_a_client:
            candidates = [of_client]
        elif self._inside >= self.capacity:
            candidates = sorted(self._by_client.values(), key=len, reverse=True)
        if candidates and not any(self._send_one_off(guests) for guests in candidates):
            self._shed_one(guest)
            return False
        of_client[guest] = None
        self._inside += 1
        return True

    def leave(self, client: str, guest: Guest) -> None:
        """A connection has ended; harmless when said twice."""
        self._leaving.discard(guest)
        guests = self._by_client.get(client, {})
        if guest in guests:
            del guests[guest]
            self._inside -= 1
        if not guests:
            self._by_client.pop(client, None)

    def _send_one_off(self, guests: dict[Guest, None]) -> bool:
        """Whether one that was idle could go: the one that came first."""
        for guest in guests:
            if guest.idle():
                del guests[guest]
                self._inside -= 1
                guest.send_off()
                return True
        return False

    def _shed_one(self, guest: Guest) -> None:
        # A client that is shed is told so once its request has come. Of those that only wait there are not many either.
        if len(self._leaving) >= MOST_SHED:
            guest.send_off()
        else:
            self._leaving.add(guest)


async def busy(scope: Scope, receive: Receive, send: Send) -> None:
    """The answer to a client that is shed: come again."""
    await refuse(UNAVAILABLE, "busy")(scope, receive, send)
