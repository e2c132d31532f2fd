"""The project's rules of retention, carried out: what was kept long enough goes, and a receipt of numbers stays."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from threading import Event
from typing import Any

from careloom.core.attempts import Kind
from careloom.core.errors import Later
from careloom.project.model import Landing
from careloom.services.session.attempts import attempt
from careloom.services.session.sessions import Session
from careloom.store.landing_tables import ensure_table
from careloom.store.locks import advisory_lock
from careloom.store.queue import enqueue
from careloom.store.retention import BATCH, ForeignKey, Kept, count_old, count_rows, drop_old, drop_rows, write_receipt

_OWN: tuple[Kept, ...] = ("inbox", "inbox_digest", "change_log", "sync_log", "runs")
_OF_REPORTS: tuple[Kept, ...] = ("account_reports",)


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanupReport:
    """What was removed, or would be: a number for each table; `held:STREAM` are records of that stream that were held.

    `receipt` is its row in cleanup_receipt; `complete` is False if it was stopped on the way.
    """

    dry_run: bool
    removed: Mapping[str, int]
    receipt: int
    complete: bool = True

    def as_json(self) -> dict[str, Any]:
        """The report as plain data."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class _RetentionRule:
    """What one rule of retention covers. `count` says how many there are, `drop` removes a batch."""

    name: str
    count: Callable[[], int]
    drop: Callable[[], int]


def cleanup(session: Session, *, dry_run: bool, stop: Event | None = None) -> CleanupReport:
    """Remove what the project's rules keep no longer, in batches; a dry run only counts. Later if one is under way."""
    halt = stop or Event()
    with attempt(session, Kind.cleanup, session.project.name) as entry:
        report = _cleaned(session, halt, dry_run=dry_run)
        entry.counts, entry.state = report.removed, "done" if report.complete else "interrupted"
    return report


def _cleaned(session: Session, halt: Event, *, dry_run: bool) -> CleanupReport:
    with advisory_lock(session.store, "cleanup", session.project.name) as ours:
        if not ours:
            raise Later("a cleanup is under way already; try again when that is over", after=60.0)
        for landing in session.project.landings.values():
            ensure_table(session.store, landing.stream)
        removed: dict[str, int] = {}
        for rule in _rules(session):
            removed[rule.name] = rule.count() if dry_run else _drop_all(rule, halt)
        receipt = write_receipt(
            session.store, moment=session.clock(), actor=session.settings.witness, dry_run=dry_run, counts=removed
        )
        if not dry_run and any(removed.get(one.table) for one in session.project.landings.values()):
            with session.store.transaction() as connection:
                enqueue(connection, "publish", "outbox")
    return CleanupReport(dry_run=dry_run, removed=removed, receipt=receipt, complete=not halt.is_set())


def _drop_all(rule: _RetentionRule, halt: Event) -> int:
    total = 0
    while not halt.is_set():
        gone = rule.drop()
        total += gone
        if gone < BATCH:
            break
    return total


def _rules(session: Session) -> Iterator[_RetentionRule]:
    now, past = session.clock(), session.project.retention
    for landing in session.project.landings.values():
        if landing.retention is not None:
            yield _rows_of(session, landing, now - landing.retention)
            yield _own(session, "landing_held", now - landing.retention, f"held:{landing.name}", landing.name)
    # A project without reports has no such records, and so no rule about them.
    for what in (*_OWN, *_OF_REPORTS) if session.project.reports else _OWN:
        kept = getattr(past, what)
        if kept is not None:
            yield _own(session, what, now - kept, what)


def _own(session: Session, what: Kept, before: datetime, name: str, stream: str = "") -> _RetentionRule:
    return _RetentionRule(
        name=name,
        count=lambda: count_old(session.store, what, before, stream=stream),
        drop=lambda: drop_old(session.store, what, before, stream=stream),
    )


def _rows_of(session: Session, landing: Landing, before: datetime) -> _RetentionRule:
    ties = _ties_to(session, landing)
    key = landing.stream.key_column
    return _RetentionRule(
        name=landing.table,
        count=lambda: count_rows(session.store, landing.table, before),
        drop=lambda: drop_rows(session.store, landing.table, key, before, ties, f"retention:{session.settings.actor}"),
    )


def _ties_to(session: Session, landing: Landing) -> tuple[ForeignKey, ...]:
    """The columns of other tables that link to the rows of `landing`."""
    return tuple(
        ForeignKey(table=other.table, column=rule.column, key=other.stream.key_column)
        for other in session.project.landings.values()
        for rule in other.stream.links
        if rule.to == landing.table
    )
