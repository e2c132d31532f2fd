"""Step 6: sending what was planned, in batches beside each other."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from itertools import count

import duckdb

from careloom.core.errors import Fix, Later, Stop
from careloom.core.ports import Batch, Outcome, Writable, Write, WriteKind
from careloom.engine.sync.actions import Action, batches, count_writes
from careloom.services.session.progress import Watch
from careloom.services.sync.prepare import PreparedSync
from careloom.services.sync.settle import SentBatch, Settlement, Tally

_ORDER: tuple[WriteKind, ...] = ("update", "create", "archive")
"""Updates first: they may set free a unique value that a create takes."""

_GIVE_BACK_TURNS = 3
"""How often staff may edit one value while it is given back to them; then the row is left for later."""

_NOTE_EVERY = 2.0
"""Seconds between two notes of how far a run got."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """The delivery of one run."""

    context: PreparedSync
    run: int
    watch: Watch
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def deliver(self, db: duckdb.DuckDBPyConnection, tally: Tally) -> None:
        """Carry out every line of `actions`. What cannot be done now is counted as later."""
        settlement = Settlement(context=self.context, run=self.run)
        settlement.settle_unchanged(db, tally)
        unsent = Counter(count_writes(db))
        total = unsent.total()
        self.watch.progress.step(f"writing {total} records to {self.context.sync.to.system}")
        sent_count, note_time = 0, time.monotonic()
        with ThreadPoolExecutor(self.context.target.concurrency, thread_name_prefix="deliver") as pool:
            for group in self._in_flight(pool, self._all_batches(db), tally):
                settlement.settle_batches(group, tally)
                for sent_batch in group:
                    unsent[sent_batch.kind] -= len(sent_batch.actions)
                    sent_count += len(sent_batch.actions)
                self.watch.progress.advance(sent_count, total)
                note_time = self._note_progress(tally, note_time)
        tally.unarchived_count += unsent.pop("archive", 0)
        tally.counts["later"] += unsent.total()

    def _note_progress(self, tally: Tally, note_time: float) -> float:
        """Now and then write down how far the run got, for any caller that asks while it continues or after it died."""
        now = time.monotonic()
        if now - note_time < _NOTE_EVERY:
            return note_time
        self.context.runs.progress(self.run, tally.counts, self.context.target.requests(), None)
        return now

    def _all_batches(self, db: duckdb.DuckDBPyConnection) -> Iterator[tuple[WriteKind, list[Action]]]:
        for kind in _ORDER:
            for actions in batches(db, kind, self.context.target.batch_size):
                yield kind, actions

    def _in_flight(
        self, pool: ThreadPoolExecutor, waiting: Iterator[tuple[WriteKind, list[Action]]], tally: Tally
    ) -> Iterator[list[SentBatch]]:
        """Keep the target busy, yielding what has come back; kinds do not overlap."""
        flying: set[Future[SentBatch]] = set()
        current: WriteKind | None = None
        following = next(waiting, None)
        while flying or (following and not tally.halted):
            while following and not tally.halted and len(flying) < self.context.target.concurrency + 2:
                kind, actions = following
                if flying and kind != current:
                    break
                current = kind
                flying.add(pool.submit(self._send, next(self.numbers), kind, actions))
                following = next(waiting, None)
                tally.is_interrupted = self.watch.stop.is_set()
            futures, flying = wait(flying, return_when=FIRST_COMPLETED)
            yield [future.result() for future in futures]

    def _send(self, number: int, kind: WriteKind, actions: Sequence[Action]) -> SentBatch:
        writes = [
            Write(key=action.key, remote_id=action.remote_id, values=action.send, seen=action.seen)
            for action in actions
        ]
        batch = Batch(
            object=self.context.sync.to.object, kind=kind, key_property=self.context.key_property, writes=writes
        )
        began, trouble = time.monotonic(), None
        try:
            outcomes = self.context.target.deliver(batch)
        except (Fix, Later) as error:
            trouble, outcomes = error, [Outcome(key=write.key, verdict="later") for write in writes]
        if [outcome.key for outcome in outcomes] != [write.key for write in writes]:
            outcomes = _in_order(outcomes, writes)
        outcomes = give_back(self.context.target, batch, outcomes)
        milliseconds = int((time.monotonic() - began) * 1000)
        return SentBatch(
            number=number, kind=kind, actions=actions, outcomes=outcomes, milliseconds=milliseconds, trouble=trouble
        )


def give_back(target: Writable, batch: Batch, outcomes: Sequence[Outcome]) -> list[Outcome]:
    """The outcomes, once every value that a write replaced and did not mean to is there again.

    A write that could not be taken back so is left for later: its row is looked at again.
    """
    results = list(outcomes)
    for place, outcome in enumerate(results):
        if outcome.overtaken:
            results[place] = outcome if _given_back(target, batch, outcome) else replace(outcome, verdict="later")
    return results


def _given_back(target: Writable, batch: Batch, outcome: Outcome) -> bool:
    sent_values = next(write for write in batch.writes if write.key == outcome.key).values
    values: Mapping[str, str] = outcome.overtaken
    seen_values: Mapping[str, str] = {prop: sent_values[prop] for prop in values}
    for _ in range(_GIVE_BACK_TURNS):
        back = Write(key=outcome.key, remote_id=outcome.remote_id, values=values, seen=seen_values)
        try:
            (answer,) = target.deliver(
                Batch(object=batch.object, kind="update", key_property=batch.key_property, writes=[back])
            )
        except (Fix, Later):
            return False
        if answer.verdict != "ok":
            return False
        if not answer.overtaken:
            return True
        values, seen_values = answer.overtaken, {prop: values[prop] for prop in answer.overtaken}
    return False


def _in_order(outcomes: Sequence[Outcome], writes: Sequence[Write]) -> list[Outcome]:
    """The outcomes in the order of the writes; Stop if a write has none, or two."""
    by_key = {outcome.key: outcome for outcome in outcomes}
    if len(outcomes) != len(writes) or any(write.key not in by_key for write in writes):
        raise Stop(f"{len(writes)} records went out and {len(outcomes)} were accounted for: nothing more is sent")
    return [by_key[write.key] for write in writes]
