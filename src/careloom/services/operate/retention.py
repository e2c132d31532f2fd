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
    """Remove what the project's rules no longer keep, in batches; a dry run only counts. Later if one is under way."""
    halt = stop or Event()
    with attempt(session, Kind.cleanup, session.project.name) as entry:
        report = _clean(session, halt, dry_run=dry_run)
        entry.counts, entry.state = report.removed, "done" if report.complete else "interrupted"
    return report


def _clean(session: Session, halt: Event, *, dry_run: bool) -> CleanupReport:
    with advisory_lock(session.store, "cleanup", session.project.name) as has_lock:
        if not has_lock:
            raise Later("a cleanup is under way already; try again when that is over", after=60.0)
        landings = session.project.landings.values()
        for landing in landings:
            ensure_table(session.store, landing.stream)
        counts: dict[str, int] = {}
        for rule in _rules(session):
            counts[rule.name] = rule.count() if dry_run else _drop_all(rule, halt)
        receipt = write_receipt(
            session.store, moment=session.clock(), actor=session.settings.witness, dry_run=dry_run, counts=counts
        )
        if not dry_run and any(counts.get(landing.table) for landing in landings):
            with session.store.transaction() as connection:
                enqueue(connection, "publish", "outbox")
    return CleanupReport(dry_run=dry_run, removed=counts, receipt=receipt, complete=not halt.is_set())


def _drop_all(rule: _RetentionRule, halt: Event) -> int:
    total = 0
    while not halt.is_set():
        count = rule.drop()
        total += count
        if count < BATCH:
            break
    return total


def _rules(session: Session) -> Iterator[_RetentionRule]:
    now, past = session.clock(), session.project.retention
    for landing in session.project.landings.values():
        if landing.retention is not None:
            yield _rows_of(session, landing, now - landing.retention)
            yield _own(session, "landing_held", now - landing.retention, f"held:{landing.name}", landing.name)
    # A project without reports has no such records, and so no rule about them.
    for kind in (*_OWN, *_OF_REPORTS) if session.project.reports else _OWN:
        period = getattr(past, kind)
        if period is not None:
            yield _own(session, kind, now - period, kind)


def _own(session: Session, kind: Kept, cutoff: datetime, name: str, stream: str = "") -> _RetentionRule:
    return _RetentionRule(
        name=name,
        count=lambda: count_old(session.store, kind, cutoff, stream=stream),
        drop=lambda: drop_old(session.store, kind, cutoff, stream=stream),
    )


def _rows_of(session: Session, landing: Landing, cutoff: datetime) -> _RetentionRule:
    ties = _ties_to(session, landing)
    key = landing.stream.key_column
    return _RetentionRule(
        name=landing.table,
        count=lambda: count_rows(session.store, landing.table, cutoff),
        drop=lambda: drop_rows(session.store, landing.table, key, cutoff, ties, f"retention:{session.settings.actor}"),
    )


def _ties_to(session: Session, landing: Landing) -> tuple[ForeignKey, ...]:
    """The columns of other tables that link to the rows of `landing`."""
    return tuple(
        ForeignKey(table=referrer.table, column=rule.column, key=referrer.stream.key_column)
        for referrer in session.project.landings.values()
        for rule in referrer.stream.links
        if rule.to == landing.table
    )
