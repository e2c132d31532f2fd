"""Rebuilding what was landed from the events as they were stored. Others hear nothing of it unless that is asked for.

Versions decide what is written, so that a replay over an intact store writes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from careloom.core.attempts import Kind
from careloom.core.errors import Hold, Later, UsageFault, safe_text
from careloom.core.streams import Record
from careloom.project.model import Landing
from careloom.services.landing.trust import as_first_told
from careloom.services.landing.write import land
from careloom.services.session.attempts import attempt
from careloom.services.session.progress import Watch
from careloom.services.session.sessions import Session
from careloom.store.landing_runs import LandingRuns, is_balanced
from careloom.store.landing_tables import ensure_table
from careloom.store.locks import advisory_lock
from careloom.store.queue import enqueue
from careloom.store.replay import compare_tables, quiet_store, scratch_tables, stored_events

Mode = Literal["land", "publish", "compare", "dry-run"]

_BATCH = 1000
"""Records that are landed together."""

_SCRATCH = "replay_"
_MOST = 63
"""Letters of a name in PostgreSQL."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayReport:
    """What a replay did. `hints`: records that events only pointed at; they cannot be rebuilt without asking the source.

    `unreadable`: events (and parts of them) that say nothing usable. `differences`: for a comparison, by table: rows that are
    the same, newer in the store (something else was landed since), different, or missing there.
    """

    source: str
    events: int = 0
    records: int = 0
    hints: int = 0
    unreadable: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    differences: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    complete: bool = True
    run: int | None = None

    @property
    def equal(self) -> bool:
        """Whether a comparison found all that the events say in the store."""
        return not any(table["different"] or table["missing"] for table in self.differences.values())

    def as_json(self) -> dict[str, Any]:
        """The report as plain data."""
        return asdict(self) | {"equal": self.equal}


@dataclass(slots=True, kw_only=True)
class _Replay:
    """A replay under way. `into`: the project whose tables are filled; None where events are only read."""

    session: Session
    into: Session | None
    source: str
    watch: Watch
    run: int | None = None
    totals: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    waiting: list[Record] = field(default_factory=list)
    complete: bool = True


def replay(
    session: Session,
    source: str,
    watch: Watch,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    mode: Mode = "land",
) -> ReplayReport:
    """Land what the processed events of `source` say, again. `publish`: what changes by that is told to others.

    `dry-run` only reads the events. `compare` rebuilds into tables of its own, which are gone afterwards, and holds them
    against the store's.
    """
    with attempt(session, Kind.replay, source) as entry:
        report = _replay(session, source, watch, (since, until), mode)
        entry.counts, entry.run = report.counts or {"events": report.events}, report.run
        if not report.complete:
            entry.state = "interrupted"
        elif not report.equal:
            entry.state, entry.code, entry.error = "failed", "differs", "the store differs from what the events say"
    return report


def _replay(
    session: Session, source: str, watch: Watch, span: tuple[datetime | None, datetime | None], mode: Mode
) -> ReplayReport:
    landings = _landings_of(session, source)
    with advisory_lock(session.store, "replay", source) as has_lock, ExitStack() as stack:
        if not has_lock:
            raise Later(f"events of {source!r} are being replayed already; try again when that is over", after=60.0)
        if mode == "dry-run":
            return _report(_read_all(_Replay(session=session, into=None, source=source, watch=watch), *span))
        store = session.store if mode == "publish" else stack.enter_context(quiet_store(session.store))
        if mode == "compare":
            return _compare(replace(session, store=store), source, landings, watch, span)
        into = replace(session, store=store)
        return _rebuild(_Replay(session=session, into=into, source=source, watch=watch), landings, *span)


def _landings_of(session: Session, source: str) -> Sequence[Landing]:
    landings = [landing for landing in session.project.landings.values() if landing.system == source]
    if not landings:
        systems = ", ".join(sorted({landing.system for landing in session.project.landings.values()})) or "none"
        raise UsageFault(f"no stream of this project comes from {source!r}; systems with streams are: {systems}")
    return landings


def _rebuild(
    replay: _Replay, landings: Sequence[Landing], since: datetime | None, until: datetime | None
) -> ReplayReport:
    log = LandingRuns(replay.session.store)
    replay.run = log.start(replay.source, "replay", ", ".join(sorted(landing.table for landing in landings)))
    try:
        _read_all(replay, since, until)
    except BaseException as error:
        reason = safe_text(error)
        log.finish(replay.run, status="failed", counts=replay.counts, error=reason)
        raise
    repairs = sum(replay.counts[kind] for kind in ("created", "updated", "deleted"))
    log.finish(
        replay.run,
        status="failed" if not is_balanced(replay.counts) else "completed" if replay.complete else "interrupted",
        counts=replay.counts,
        repairs=repairs,
        details=dict(replay.totals),
    )
    with replay.session.store.transaction() as connection:
        enqueue(connection, "publish", "outbox")
    return _report(replay)


def _compare(
    session: Session,
    source: str,
    landings: Sequence[Landing],
    watch: Watch,
    span: tuple[datetime | None, datetime | None],
) -> ReplayReport:
    scratch = [_scratch(landing) for landing in landings]
    project = replace(
        session.project, landings={copy.name: copy for copy in scratch}, digest=f"{_SCRATCH}{session.project.digest}"
    )
    into = replace(session, project=project)
    for landing in landings:
        ensure_table(session.store, landing.stream)
    with scratch_tables(session.store, [copy.stream for copy in scratch], [copy.name for copy in scratch]):
        replay = _read_all(_Replay(session=session, into=into, source=source, watch=watch), *span)
        watch.progress.step("comparing with the store")
        differences = {
            landing.table: compare_tables(session.store, copy.stream, landing.stream)
            for landing, copy in zip(landings, scratch, strict=True)
        }
    return replace(_report(replay), differences=differences)


def _scratch(landing: Landing) -> Landing:
    """The same landing into a table of its own; without links, which depend on what other streams hold."""
    table = f"{_SCRATCH}{landing.table}"[:_MOST]
    return replace(landing, name=f"{_SCRATCH}{landing.name}", stream=replace(landing.stream, table=table, links=()))


def _read_all(replay: _Replay, since: datetime | None, until: datetime | None) -> _Replay:
    replay.watch.progress.step(f"reading the stored events of {replay.source}")
    streams = {landing.stream.name for landing in _landings_of(replay.session, replay.source)}
    reader = replay.session.event_reader(replay.source)
    for event in stored_events(replay.session.store, replay.source, since, until):
        replay.totals["events"] += 1
        try:
            reading = reader.read(event)
        except Hold:
            replay.totals["unreadable"] += 1
            continue
        replay.totals["hints"] += len(reading.thin_events)
        replay.totals["unreadable"] += len(reading.unreadable)
        if replay.into is not None:
            reading = as_first_told(replay.session, replay.source, [event], {event.id: reading}).get(event.id, reading)
        records = [record for record in reading.records if record.stream in streams]
        replay.totals["records"] += len(records)
        replay.waiting += records
        if len(replay.waiting) >= _BATCH:
            _flush(replay)
        replay.watch.progress.advance(replay.totals["events"], None)
        if replay.watch.stop.is_set():
            replay.complete = False
            break
    _flush(replay)
    return replay


def _flush(replay: _Replay) -> None:
    records, replay.waiting = replay.waiting, []
    if records and replay.into is not None:
        replay.counts.update(
            land(replay.into, replay.source, records, actor=f"replay:{replay.session.settings.actor}", run=replay.run)
        )


def _report(replay: _Replay) -> ReplayReport:
    return ReplayReport(
        source=replay.source,
        events=replay.totals["events"],
        records=replay.totals["records"],
        hints=replay.totals["hints"],
        unreadable=replay.totals["unreadable"],
        counts=dict(replay.counts),
        complete=replay.complete,
        run=replay.run,
    )
