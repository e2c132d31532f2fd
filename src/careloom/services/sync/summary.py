"""What a plan or a run says: counts and reasons, property by property, and never a person unless asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import duckdb

from careloom.core.phi import MASK, masked
from careloom.engine.sync import actions, holds
from careloom.engine.sync.encode import FAULTS
from careloom.engine.sync.merge import count_states
from careloom.identity.match import REASONS
from careloom.services.sync.compare import SourceDiff
from careloom.services.sync.prepare import PreparedSync
from careloom.services.sync.read import SourceRead

COUNTED = ("read", "create", "update", "same", "held", "conflict", "archive", "later")

_OTHER_REASONS = {
    "unmatched": "no record matches, and the sync says `unmatched: hold`",
    "both-changed": "both sides changed this property since they last agreed; settle it with: careloom review",
    "not-our-record": "the linked record no longer carries our key; is this the right portal? Restore the key there and: "
    "careloom retry; or make a new record: careloom review SYNC KEY --create",
    "missing-remote": "the linked record was archived or deleted on the other side; restore it there and: careloom retry; or make a new "
    "one: careloom review SYNC KEY --create",
    "two-rows-one-record": "one record on the other side matches several source rows; settle it with: careloom review",
    "not-castable": "the field's expression cannot be computed from this row's values; a CAST may not fit them",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """So many records of one kind stop (or go) for one reason."""

    kind: str
    code: str
    property: str | None
    records: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PropertyChange:
    """How often a property would be filled, replaced, cleared, or is in conflict."""

    property: str
    fill: int = 0
    replace: int = 0
    clear: int = 0
    conflict: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One record, masked unless revealed: what would be done to which properties."""

    kind: str
    key: str
    rule: str
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """A plan or a run in numbers. `leaves` names each property that leaves, with its class of personal data.

    `unarchived` records were to be archived and were not.
    `exit_code` is what the trouble that stopped a run calls for; 0 if none did.
    """

    sync: str
    environment: str = ""
    run: int | None = None
    plan: int | None = None
    state: str = "planned"
    counts: Mapping[str, int]
    requests: int = 0
    seconds: float = 0.0
    full: bool = False
    balanced: bool = True
    reasons: Sequence[Reason] = ()
    properties: Sequence[PropertyChange] = ()
    rules: Mapping[str, int] = field(default_factory=dict)
    rerouted: Mapping[str, int] = field(default_factory=dict)
    associations: Mapping[str, int] = field(default_factory=dict)
    unarchived: int = 0
    leaves: Mapping[str, str] = field(default_factory=dict)
    lacking: Sequence[str] = ()
    notes: Sequence[str] = ()
    examples: Sequence[Example] = ()
    exit_code: int = 0

    @property
    def empty(self) -> bool:
        """Nothing would be written."""
        moves = sum(self.counts.get(kind, 0) for kind in ("create", "update", "archive"))
        ties = self.associations.get("made", 0) + self.associations.get("removed", 0)
        return moves + ties == 0 and not self.lacking

    def as_json(self) -> dict[str, Any]:
        """The report as plain data."""
        return asdict(self)


def is_balanced(counts: Mapping[str, int]) -> bool:
    """Every row read is accounted for, once."""
    return counts["read"] == sum(counts[kind] for kind in COUNTED if kind not in ("read", "archive"))


def reason_text(code: str) -> str:
    """A reason's sentence; a code that the other side gave stands for itself."""
    return _OTHER_REASONS.get(code) or FAULTS.get(code) or REASONS.get(code) or "the other side's own reason"


def planned_counts(db: duckdb.DuckDBPyConnection, source: SourceRead, source_diff: SourceDiff) -> dict[str, int]:
    """The counts that a run would end with."""
    counts = dict.fromkeys(COUNTED, 0)
    counts |= {"read": source.count, "same": source_diff.same_count, "held": source_diff.refused_count}
    for kind, has_conflict, records in actions.count_actions(db):
        counts["conflict" if has_conflict else "same" if kind == "settle" else kind] += records
    counts["held"] += holds.count_held(db)
    return counts


def reasons(db: duckdb.DuckDBPyConnection) -> list[Reason]:
    """Why records are held, most frequent first."""
    return [
        Reason(kind=kind, code=code, property=prop, records=records, text=reason_text(code))
        for kind, code, prop, records in holds.held_by_reason(db)
    ]


def refusals(counts: Mapping[tuple[str, str, str | None], int]) -> list[Reason]:
    """Why records were held that the plan would have written."""
    return [
        Reason(kind=kind, code=code, property=prop, records=records, text=reason_text(code))
        for (kind, code, prop), records in sorted(counts.items(), key=lambda item: -item[1])
    ]


def property_changes(db: duckdb.DuckDBPyConnection, context: PreparedSync) -> list[PropertyChange]:
    """Updates property by property; creates fill."""
    changes: dict[str, dict[str, int]] = {}
    for prop, state, records in count_states(db):
        changes.setdefault(prop, {})[state] = records
    for prop, records in actions.count_filled(db, context.properties).items():
        if records:
            states = changes.setdefault(prop, {})
            states["fill"] = states.get("fill", 0) + records
    return [PropertyChange(property=prop, **changes[prop]) for prop in context.properties if prop in changes]


def examples(db: duckdb.DuckDBPyConnection, per_kind: int, *, reveal: bool) -> list[Example]:
    """A few records of each kind."""
    return [
        Example(
            kind=kind,
            key=key if reveal else MASK,
            rule=rule,
            values=values if reveal else {prop: masked(value) for prop, value in values.items()},
        )
        for kind, key, rule, values in actions.sample_writes(db, per_kind)
    ]
