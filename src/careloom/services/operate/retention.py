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
from careloom.services.session.session import Opened
from careloom.store.landing_tables import ensure_table
from careloom.store.locks import alone
from careloom.store.queue import wake
from careloom.store.retention import BATCH, Kept, Tie, count_old, count_rows, drop_old, drop_rows, write_receipt

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
class _Rule:
    """What one rule of retention covers. `count` says how many there are, `drop` removes a batch."""

    name: str
    count: Callable[[], int]
    drop: Callable[[], int]


def cleanup(ready: Opened, *, dry_run: bool, stop: Event | None = None) -> CleanupReport:
    """Remove what the project's rules keep no longer, in batches; a dry run only counts. Later if one is under way."""
    halt = stop or Event()
    with attempt(ready, Kind.cleanup, ready.project.name) as entry:
        report = _cleaned(ready, halt, dry_run=dry_run)
        entry.counts, entry.state = report.removed, "done" if report.complete else "interrupted"
    return report


def _cleaned(ready: Opened, halt: Event, *, dry_run: bool) -> CleanupReport:
    with alone(ready.store, "cleanup", ready.project.name) as ours:
        if not ours:
            raise Later("a cleanup is under way already; try again when that is over", after=60.0)
        for landing in ready.project.landings.values():
            ensure_table(ready.store, landing.stream)
        removed: dict[str, int] = {}
        for rule in _rules(ready):
            removed[rule.name] = rule.count() if dry_run else _drop_all(rule, halt)
        receipt = write_receipt(
            ready.store, at=ready.clock(), actor=ready.settings.witness, dry_run=dry_run, removed=removed
        )
        if not dry_run and any(removed.get(one.table) for one in ready.project.landings.values()):
            with ready.store.transaction() as connection:
                wake(connection, "publish", "outbox")
    return CleanupReport(dry_run=dry_run, removed=removed, receipt=receipt, complete=not halt.is_set())


def _drop_all(rule: _Rule, halt: Event) -> int:
    total = 0
    while not halt.is_set():
        gone = rule.drop()
        total += gone
        if gone < BATCH:
            break
    return total


def _rules(ready: Opened) -> Iterator[_Rule]:
    now, past = ready.clock(), ready.project.retention
    for landing in ready.project.landings.values():
        if landing.retention is not None:
            yield _rows_of(ready, landing, now - landing.retention)
            yield _own(ready, "landing_held", now - landing.retention, f"held:{landing.name}", landing.name)
    # A project without reports has no such records, and so no rule about them.
    for what in (*_OWN, *_OF_REPORTS) if ready.project.reports else _OWN:
        kept = getattr(past, what)
        if kept is not None:
            yield _own(ready, what, now - kept, what)


def _own(ready: Opened, what: Kept, before: datetime, name: str, stream: str = "") -> _Rule:
    return _Rule(
        name=name,
        count=lambda: count_old(ready.store, what, before, stream=stream),
        drop=lambda: drop_old(ready.store, what, before, stream=stream),
    )


def _rows_of(ready: Opened, landing: Landing, before: datetime) -> _Rule:
    ties = _ties_to(ready, landing)
    key = landing.stream.key_column
    return _Rule(
        name=landing.table,
        count=lambda: count_rows(ready.store, landing.table, before),
        drop=lambda: drop_rows(ready.store, landing.table, key, before, ties, f"retention:{ready.settings.actor}"),
    )


def _ties_to(ready: Opened, landing: Landing) -> tuple[Tie, ...]:
    """The columns of other tables that link to the rows of `landing`."""
    return tuple(
        Tie(table=other.table, column=rule.column, key=other.stream.key_column)
        for other in ready.project.landings.values()
        for rule in other.stream.links
        if rule.to == landing.table
    )
