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

    def settle(self, write_input: Input, outcome: Outcome) -> None:
        """Enter what became of an input; Stop if that is known already."""
        if self._outcomes[write_input.place] is not None:
            raise Stop("a write was settled twice")
        self._outcomes[write_input.place] = outcome

    def amend(self, write_input: Input, outcome: Outcome) -> None:
        """Change an entry: the record was written, and then something more was found out."""
        self._outcomes[write_input.place] = outcome

    def ok(self, write_input: Input, remote_id: str, *, is_new: bool = False) -> None:
        """Enter that it was done."""
        self.settle(write_input, Outcome(key=write_input.write.key, verdict="ok", remote_id=remote_id, is_new=is_new))

    def settled(self, write_input: Input) -> bool:
        """Whether its outcome is known."""
        return self._outcomes[write_input.place] is not None

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
        outcomes = [outcome for outcome in self._outcomes if outcome is not None]
        if len(outcomes) != len(self._writes):
            raise Stop(f"{len(self._writes) - len(outcomes)} of {len(self._writes)} writes have no outcome")
        return outcomes


def waves(inputs: Iterable[Input], key_property: str) -> list[list[Input]]:
    """Inputs such that no wave addresses one record twice: HubSpot refuses such a batch, or takes either of the two."""
    groups: list[list[Input]] = []
    counts: dict[str, int] = {}
    for write_input in inputs:
        address = (
            write_input.remote_id
            if write_input.route in ("update", "archive")
            else folded(write_input.write.values[key_property])
        )
        turn = counts[str(address)] = counts.get(str(address), -1) + 1
        if turn == len(groups):
            groups.append([])
        groups[turn].append(write_input)
    return groups


def inputs_of(batch: Batch, route: Route) -> list[Input]:
    """The batch's writes, all to go by one route."""
    return [
        Input(place=place, write=write, route=route, remote_id=write.remote_id)
        for place, write in enumerate(batch.writes)
    ]


def matcher(group: Sequence[Input], key_property: str) -> Mapping[tuple[str, str], Input]:
    """The inputs by each thing that may name them in an answer: ("trace" | "id" | "key", its value)."""
    inputs: dict[tuple[str, str], Input] = {}
    for write_input in group:
        inputs["trace", str(write_input.place)] = write_input
        if write_input.remote_id is not None:
            inputs["id", write_input.remote_id] = write_input
        key = write_input.write.values.get(key_property)
        if key and write_input.route in ("upsert", "create"):
            inputs["key", folded(key)] = write_input
    return inputs
