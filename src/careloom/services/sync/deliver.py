"""Sending what was planned: batches in parallel, and the ledger moved only by what was acknowledged."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from itertools import count

import duckdb
import orjson
from psycopg.errors import UniqueViolation

from careloom.core.errors import CareloomError, Fix, Later, Stop
from careloom.core.ports import Batch, Outcome, Target, Write, WriteKind
from careloom.engine.sync.actions import Action, batches
from careloom.services.session.progress import Watch
from careloom.services.sync.prepare import PreparedSync
from careloom.store.ledger import DeliveryNote, HeldRecord, SettledWrite

_ORDER: tuple[WriteKind, ...] = ("update", "create", "archive")
"""Updates first: they may set free a unique value that a create takes."""

_SETTLE_BATCH = 1000

_GIVE_BACK_TURNS = 3
"""How often staff may edit one value while it is given back to them; then the row is left for later."""

_NOTE_EVERY = 2.0
"""Seconds between two notes of how far a run got."""


@dataclass(slots=True, kw_only=True)
class Tally:
    """What became of the rows so far. `duplicates` are (key, property, holder's id): to be looked at again.

    `unarchived_count` counts records that were to be archived and were not: none of them is a row that was read.

    `refusals` counts why records were held since the plan, by (kind, code, property); kind "remote": the other side's own reasons. `trouble` is why the rest was left for later, if it was.
    """

    counts: Counter[str] = field(default_factory=Counter)
    duplicates: list[tuple[str, str | None, str]] = field(default_factory=list)
    refusals: Counter[tuple[str, str, str | None]] = field(default_factory=Counter)
    trouble: CareloomError | None = None
    is_interrupted: bool = False
    unarchived_count: int = 0

    @property
    def halted(self) -> bool:
        """Nothing more is to be sent."""
        return self.trouble is not None or self.is_interrupted


@dataclass(frozen=True, slots=True, kw_only=True)
class _SentBatch:
    """A batch, and what came back."""

    number: int
    kind: WriteKind
    actions: Sequence[Action]
    outcomes: Sequence[Outcome]
    milliseconds: int
    trouble: CareloomError | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """The delivery of one run."""

    context: PreparedSync
    run: int
    watch: Watch
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def deliver(self, db: duckdb.DuckDBPyConnection, tally: Tally) -> None:
        """Carry out every line of `action`. What cannot be done now is counted as later."""
        self._settle_silent(db, tally)
        unsent = Counter(
            dict(db.execute("select kind, count(*) from action where kind <> 'settle' group by 1").fetchall())
        )
        total = unsent.total()
        self.watch.progress.step(f"writing {total} records to {self.context.sync.to.system}")
        sent_count, note_time = 0, time.monotonic()
        with ThreadPoolExecutor(self.context.target.concurrency, thread_name_prefix="deliver") as pool:
            for group in self._in_flight(pool, self._all_batches(db), tally):
                self._settle_group(group, tally)
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
    ) -> Iterator[list[_SentBatch]]:
        """Keep the target busy, yielding what has come back; kinds do not overlap."""
        flying: set[Future[_SentBatch]] = set()
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

    def _send(self, number: int, kind: WriteKind, actions: Sequence[Action]) -> _SentBatch:
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
        return _SentBatch(
            number=number, kind=kind, actions=actions, outcomes=outcomes, milliseconds=milliseconds, trouble=trouble
        )

    def _settle_silent(self, db: duckdb.DuckDBPyConnection, tally: Tally) -> None:
        """Records on which both sides agree already: only the ledger learns of them."""
        for actions in batches(db, "settle", _SETTLE_BATCH):
            tally.counts.update("conflict" if action.has_conflict else "same" for action in actions)
            self._write([_settled(action, action.remote_id or "") for action in actions], [], [], [])

    def _settle_group(self, group: Sequence[_SentBatch], tally: Tally) -> None:
        writes: list[SettledWrite] = []
        held_records: list[HeldRecord] = []
        unlinked_keys: list[str] = []
        for sent_batch in group:
            tally.trouble = tally.trouble or sent_batch.trouble
            for action, outcome in zip(sent_batch.actions, sent_batch.outcomes, strict=True):
                self._account(sent_batch.kind, action, outcome, tally, writes, held_records, unlinked_keys)
        self._write(writes, held_records, unlinked_keys, [self._note(sent_batch) for sent_batch in group])

    def _account(
        self,
        kind: WriteKind,
        action: Action,
        outcome: Outcome,
        tally: Tally,
        writes: list[SettledWrite],
        held_records: list[HeldRecord],
        unlinked_keys: list[str],
    ) -> None:
        match outcome.verdict:
            case "ok" if kind == "archive":
                unlinked_keys.append(action.key)
                tally.counts["archive"] += 1
            case "ok":
                writes.append(_settled(action, outcome.remote_id or action.remote_id or "", outcome.overtaken))
                tally.counts["conflict" if action.has_conflict or outcome.overtaken else kind] += 1
                if outcome.overtaken:
                    held_records.append(
                        _held(action, "conflict", "both-changed", ", ".join(sorted(outcome.overtaken)), "")
                    )
            case "missing" if kind == "archive":
                unlinked_keys.append(action.key)
                tally.counts["archive"] += 1
            case _ if kind == "archive":
                # The link stays, so the next run offers it again.
                tally.unarchived_count += 1
            case "later":
                tally.counts["later"] += 1
            case "taken" if outcome.remote_id:
                tally.duplicates.append((action.key, outcome.property, outcome.remote_id))
            case verdict:
                code = "missing-remote" if verdict == "missing" else outcome.code or verdict
                held_records.append(_held(action, "remote", code, outcome.property, outcome.message))
                tally.counts["held"] += 1
                tally.refusals["remote", code, outcome.property] += 1

    def _write(
        self,
        writes: list[SettledWrite],
        held_records: list[HeldRecord],
        unlinked_keys: list[str],
        notes: list[DeliveryNote],
    ) -> None:
        try:
            self.context.ledger.settle(
                self.run, writes=writes, holds=held_records, unlinked_keys=unlinked_keys, notes=notes
            )
        except UniqueViolation:
            # One record has come to stand for two rows since the plan: that one waits for a person, the others continue.
            self.context.ledger.settle(self.run, holds=held_records, unlinked_keys=unlinked_keys, notes=notes)
            for record in writes:
                self._write_alone(record)

    def _write_alone(self, record: SettledWrite) -> None:
        try:
            self.context.ledger.settle(self.run, writes=[record])
        except UniqueViolation:
            held_record = HeldRecord(
                key=record.key, kind="match", code="two-rows-one-record", fingerprint=record.fingerprint
            )
            self.context.ledger.settle(self.run, holds=[held_record])

    def _note(self, sent_batch: _SentBatch) -> DeliveryNote:
        return DeliveryNote(
            batch=sent_batch.number,
            object=self.context.sync.to.object,
            kind=sent_batch.kind,
            keys=[action.key for action in sent_batch.actions],
            verdicts=[outcome.verdict for outcome in sent_batch.outcomes],
            remote_ids=[outcome.remote_id or "" for outcome in sent_batch.outcomes],
            milliseconds=sent_batch.milliseconds,
        )


def give_back(target: Target, batch: Batch, outcomes: Sequence[Outcome]) -> list[Outcome]:
    """The outcomes, once every value that a write replaced and did not mean to is there again.

    A write that could not be taken back so is left for later: its row is looked at again.
    """
    results = list(outcomes)
    for place, outcome in enumerate(results):
        if outcome.overtaken:
            results[place] = outcome if _given_back(target, batch, outcome) else replace(outcome, verdict="later")
    return results


def _given_back(target: Target, batch: Batch, outcome: Outcome) -> bool:
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


def _settled(action: Action, remote_id: str, overtaken: Mapping[str, str] | None = None) -> SettledWrite:
    """What the ledger learns of a record. Where staff's edit came between, what was agreed on is what was read before it."""
    base = action.base
    if overtaken:
        base = orjson.dumps(orjson.loads(base) | {prop: action.seen[prop] or None for prop in overtaken}).decode()
    return SettledWrite(
        key=action.key,
        remote_id=remote_id,
        rule=action.rule,
        grade=action.grade,
        fingerprint=0 if overtaken else action.fingerprint,
        base=base.replace("\\u0000", "\\u2400"),
    )


def _held(action: Action, kind: str, code: str, prop: str | None, message: str) -> HeldRecord:
    return HeldRecord(
        key=action.key, kind=kind, code=code, fingerprint=action.fingerprint, property=prop, message=message
    )
