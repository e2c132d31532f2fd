"""One write on its way: how it is put on the wire, and the account in which its outcome is kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from careloom.core.errors import Stop
from careloom.core.ports import Batch, Outcome, Write
from careloom.systems.hubspot.target.records import folded

# upsert: addressed by a unique property. create: the portal refuses a second one. update, archive: by record id.
Route = Literal["upsert", "create", "update", "archive"]
MOST_TRIES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """A write with its place in the batch. `tries` counts how often it was sent to no visible effect.

    `trace` is its objectWriteTraceId: the place, which tells nothing about anyone.
    """

    place: int
    write: Write
    route: Route
    remote_id: str | None = None
    tries: int = 0

    @property
    def trace(self) -> str:
        """Its objectWriteTraceId."""
        return str(self.place)

    def body(self, key_property: str) -> dict[str, object]:
        """The input as its endpoint takes it."""
        if self.route == "archive":
            return {"id": self.remote_id}
        body: dict[str, object] = {"properties": dict(self.write.values), "objectWriteTraceId": str(self.place)}
        if self.route == "upsert":
            body["idProperty"] = key_property
            body["id"] = self.write.values[key_property]
        elif self.route == "update":
            body["id"] = self.remote_id
        return body


class BatchOutcomes:
    """The outcomes of one batch: one for each write, written once."""

    def __init__(self, writes: Sequence[Write]) -> None:
        self._writes = writes
        self._outcomes: list[Outcome | None] = [None] * len(writes)

    def settle(self, one: Input, outcome: Outcome) -> None:
        """Enter what became of an input; Stop if that is known already."""
        if self._outcomes[one.place] is not None:
            raise Stop("a write was settled twice")
        self._outcomes[one.place] = outcome

    def amend(self, one: Input, outcome: Outcome) -> None:
        """Change an entry: the record was written, and then something more was found out."""
        self._outcomes[one.place] = outcome

    def ok(self, one: Input, remote_id: str, *, created: bool = False) -> None:
        """Enter that it was done."""
        self.settle(one, Outcome(key=one.write.key, verdict="ok", remote_id=remote_id, created=created))

    def settled(self, one: Input) -> bool:
        """Whether its outcome is known."""
        return self._outcomes[one.place] is not None

    def anything(self) -> bool:
        """Whether any outcome is known."""
        return any(outcome is not None for outcome in self._outcomes)

    def leave(self, code: str, message: str) -> None:
        """Whatever has no outcome was not done, through no fault of its own."""
        for place, write in enumerate(self._writes):
            if self._outcomes[place] is None:
                self._outcomes[place] = Outcome(key=write.key, verdict="later", code=code, message=message)

    def closed(self) -> list[Outcome]:
        """All outcomes, in the order of the writes; Stop if one is missing."""
        closed = [outcome for outcome in self._outcomes if outcome is not None]
        if len(closed) != len(self._writes):
            raise Stop(f"{len(self._writes) - len(closed)} of {len(self._writes)} writes have no outcome")
        return closed


def waves(inputs: Iterable[Input], key_property: str) -> list[list[Input]]:
    """Inputs such that no wave addresses one record twice: HubSpot refuses such a batch, or takes either of the two."""
    made: list[list[Input]] = []
    seen: dict[str, int] = {}
    for one in inputs:
        address = one.remote_id if one.route in ("update", "archive") else folded(one.write.values[key_property])
        turn = seen[str(address)] = seen.get(str(address), -1) + 1
        if turn == len(made):
            made.append([])
        made[turn].append(one)
    return made


def inputs_of(batch: Batch, route: Route) -> list[Input]:
    """The batch's writes, all to go by one route."""
    return [
        Input(place=place, write=write, route=route, remote_id=write.remote_id)
        for place, write in enumerate(batch.writes)
    ]


def matcher(group: Sequence[Input], key_property: str) -> Mapping[tuple[str, str], Input]:
    """The inputs by each thing that may name them in an answer: ("trace" | "id" | "key", its value)."""
    found: dict[tuple[str, str], Input] = {}
    for one in group:
        found["trace", str(one.place)] = one
        if one.remote_id is not None:
            found["id", one.remote_id] = one
        key = one.write.values.get(key_property)
        if key and one.route in ("upsert", "create"):
            found["key", folded(key)] = one
    return found
