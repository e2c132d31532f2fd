"""What became of one landed record: who changed what, and when; without its values unless they are asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from careloom.core.errors import UsageFault
from careloom.core.phi import masked
from careloom.project.model import Landing
from careloom.services.session.sessions import Session
from careloom.store.audit import write_audit
from careloom.store.changes import Change, changes_of


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEntry:
    """One change. `changed`: column to [old, new], each masked unless revealed; `run` is a row of the landing log."""

    at: datetime
    actor: str
    run: int | None
    operation: str
    changed: Mapping[str, tuple[Any, Any]]

    def as_json(self) -> dict[str, Any]:
        """The entry as plain data."""
        return asdict(self)


def history(session: Session, table: str, key: str, *, reveal: bool = False) -> Sequence[HistoryEntry]:
    """Every change of the row of `table` (or of the landing called so) that has the key or the id `key`, oldest first.

    Showing values is written to the audit before they are given out. UsageFault if nothing is known of the record.
    """
    landing = _landing_of(session, table)
    changes = changes_of(session.store, landing.table, landing.stream.key_column, key)
    if not changes:
        raise UsageFault(
            f"nothing is known of {key!r} in {landing.table}; keys are the values of {landing.stream.key_column}, or ids"
        )
    if reveal:
        write_audit(
            session.store,
            moment=session.clock(),
            actor=session.settings.witness,
            action="history --reveal",
            subject=f"{landing.table}/{key}",
        )
    return [_entry(change, reveal=reveal) for change in changes]


def _landing_of(session: Session, table: str) -> Landing:
    landings = session.project.landings
    for landing in landings.values():
        if table in (landing.table, landing.name):
            return landing
    tables = ", ".join(sorted({landing.table for landing in landings.values()})) or "none"
    raise UsageFault(f"no stream of this project lands in {table!r}; tables are: {tables}")


def _entry(change: Change, *, reveal: bool) -> HistoryEntry:
    return HistoryEntry(
        at=change.at,
        actor=change.actor,
        run=change.run,
        operation=change.operation,
        changed={
            column: (old, new) if reveal else (masked(old), masked(new))
            for column, (old, new) in _pairs(change).items()
            if old is not None or new is not None
        },
    )


def _pairs(change: Change) -> Mapping[str, tuple[Any, Any]]:
    if change.operation == "UPDATE":
        return {column: (old, new) for column, (old, new) in change.changed.items()}
    if change.operation == "INSERT":
        return {column: (None, value) for column, value in change.changed.items()}
    return {column: (value, None) for column, value in change.changed.items()}
