"""Step 7: what the ledger learns of each record, and only of those that were acknowledged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import duckdb
import orjson
from psycopg.errors import UniqueViolation

from careloom.core.errors import CareloomError, Fix, RemoteUnavailable
from careloom.core.log import LOG
from careloom.core.ports import Outcome, WriteKind
from careloom.engine.sync import diff
from careloom.engine.sync.actions import Action, batches
from careloom.services.sync import summary as run_summary
from careloom.services.sync.plan import Plan
from careloom.services.sync.prepare import PreparedSync
from careloom.services.sync.summary import RunSummary
from careloom.store.ledger import DeliveryNote, HeldRecord, SettledWrite

_SETTLE_BATCH = 1000


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
class SentBatch:
    """A batch, and what came back."""

    number: int
    kind: WriteKind
    actions: Sequence[Action]
    outcomes: Sequence[Outcome]
    milliseconds: int
    trouble: CareloomError | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What one run writes into the ledger."""

    context: PreparedSync
    run: int

    def settle_unchanged(self, db: duckdb.DuckDBPyConnection, tally: Tally) -> None:
        """Records on which both sides agree already: only the ledger learns of them."""
        for actions in batches(db, "settle", _SETTLE_BATCH):
            tally.counts.update("conflict" if action.has_conflict else "same" for action in actions)
            self._write([_settled(action, action.remote_id or "") for action in actions], [], [], [])

    def settle_batches(self, group: Sequence[SentBatch], tally: Tally) -> None:
        """Write down what came back, of each group of batches in one transaction."""
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

    def _note(self, sent_batch: SentBatch) -> DeliveryNote:
        return DeliveryNote(
            batch=sent_batch.number,
            object=self.context.sync.to.object,
            kind=sent_batch.kind,
            keys=[action.key for action in sent_batch.actions],
            verdicts=[outcome.verdict for outcome in sent_batch.outcomes],
            remote_ids=[outcome.remote_id or "" for outcome in sent_batch.outcomes],
            milliseconds=sent_batch.milliseconds,
        )


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


def settle_run(
    db: duckdb.DuckDBPyConnection,
    context: PreparedSync,
    run: int,
    plan: Plan,
    tally: Tally,
    associations: Counter[str],
) -> RunSummary:
    """Forget what is held no longer, move the cursor where all before it is settled, and sum up.

    `associations` counts what became of them.
    """
    counts = dict.fromkeys(run_summary.COUNTED, 0) | dict(tally.counts) | {"read": plan.source.count}
    # An association that waits for the other side's record is made when that comes, though its own row does not change.
    loose = sum(associations[outcome] for outcome in ("refused", "later", "waiting", "stopped"))
    is_complete = not tally.halted and counts["later"] == 0 and loose == 0 and tally.unarchived_count == 0
    if plan.source.is_whole:
        context.ledger.forget_stale_holds(run, diff.outlived_refusals(db))
    context.ledger.set_watermark(plan.source.next_cursor if is_complete else None, context.project.digest)
    is_interrupted = tally.is_interrupted or associations["stopped"]
    if tally.trouble and not isinstance(tally.trouble, (Fix, RemoteUnavailable)):
        LOG.warning(
            "records.postponed", message="records were left for later", sync=context.sync.name, records=counts["later"]
        )
    return replace(
        plan.summary,
        state="interrupted" if is_interrupted else "failed" if tally.trouble else "done",
        counts=counts,
        balanced=run_summary.is_balanced(counts),
        associations=dict(associations),
        unarchived=tally.unarchived_count,
        notes=[*plan.summary.notes, *_notes(tally, associations)],
        reasons=[*plan.summary.reasons, *run_summary.refusals(tally.refusals)],
        exit_code=tally.trouble.exit_code if tally.trouble else 0,
    )


def _notes(tally: Tally, associations: Counter[str]) -> list[str]:
    notes = []
    if tally.trouble:
        notes.append(str(tally.trouble))
    if tally.unarchived_count:
        notes.append(f"records not archived: {tally.unarchived_count}; the next run offers them again")
    if unmade := associations["refused"] + associations["later"]:
        notes.append(f"associations not made: {unmade}; the next run offers them again")
    return notes
