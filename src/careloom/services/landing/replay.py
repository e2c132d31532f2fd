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
        return not any(one["different"] or one["missing"] for one in self.differences.values())

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
    said: Counter[str] = field(default_factory=Counter)
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
    with advisory_lock(session.store, "replay", source) as ours, ExitStack() as stack:
        if not ours:
            raise Later(f"events of {source!r} are being replayed already; try again when that is over", after=60.0)
        if mode == "dry-run":
            return _report(_read_all(_Replay(session=session, into=None, source=source, watch=watch), *span))
        store = session.store if mode == "publish" else stack.enter_context(quiet_store(session.store))
        if mode == "compare":
            return _compare(replace(session, store=store), source, landings, watch, span)
        into = replace(session, store=store)
        return _rebuild(_Replay(session=session, into=into, source=source, watch=watch), landings, *span)


def _landings_of(session: Session, source: str) -> Sequence[Landing]:
    landings = [one for one in session.project.landings.values() if one.system == source]
    if not landings:
        known = ", ".join(sorted({one.system for one in session.project.landings.values()})) or "none"
        raise UsageFault(f"no stream of this project comes from {source!r}; systems with streams are: {known}")
    return landings


def _rebuild(one: _Replay, landings: Sequence[Landing], since: datetime | None, until: datetime | None) -> ReplayReport:
    log = LandingRuns(one.session.store)
    one.run = log.start(one.source, "replay", ", ".join(sorted(landing.table for landing in landings)))
    try:
        _read_all(one, since, until)
    except BaseException as error:
        reason = safe_text(error)
        log.finish(one.run, status="failed", counts=one.counts, error=reason)
        raise
    changed = sum(one.counts[kind] for kind in ("created", "updated", "deleted"))
    log.finish(
        one.run,
        status="failed" if not is_balanced(one.counts) else "completed" if one.complete else "interrupted",
        counts=one.counts,
        repairs=changed,
        details=dict(one.said),
    )
    with one.session.store.transaction() as connection:
        enqueue(connection, "publish", "outbox")
    return _report(one)


def _compare(
    session: Session,
    source: str,
    landings: Sequence[Landing],
    watch: Watch,
    span: tuple[datetime | None, datetime | None],
) -> ReplayReport:
    scratch = [_scratch(landing) for landing in landings]
    project = replace(
        session.project, landings={one.name: one for one in scratch}, digest=f"{_SCRATCH}{session.project.digest}"
    )
    into = replace(session, project=project)
    for landing in landings:
        ensure_table(session.store, landing.stream)
    with scratch_tables(session.store, [one.stream for one in scratch], [one.name for one in scratch]):
        done = _read_all(_Replay(session=session, into=into, source=source, watch=watch), *span)
        watch.progress.step("comparing with the store")
        differences = {
            landing.table: compare_tables(session.store, one.stream, landing.stream)
            for landing, one in zip(landings, scratch, strict=True)
        }
    return replace(_report(done), differences=differences)


def _scratch(landing: Landing) -> Landing:
    """The same landing into a table of its own; without links, which depend on what other streams hold."""
    table = f"{_SCRATCH}{landing.table}"[:_MOST]
    return replace(landing, name=f"{_SCRATCH}{landing.name}", stream=replace(landing.stream, table=table, links=()))


def _read_all(one: _Replay, since: datetime | None, until: datetime | None) -> _Replay:
    one.watch.progress.step(f"reading the stored events of {one.source}")
    streams = {landing.stream.name for landing in _landings_of(one.session, one.source)}
    hooks = one.session.hooks(one.source)
    for event in stored_events(one.session.store, one.source, since, until):
        one.said["events"] += 1
        try:
            reading = hooks.read(event)
        except Hold:
            one.said["unreadable"] += 1
            continue
        one.said["hints"] += len(reading.hints)
        one.said["unreadable"] += len(reading.unreadable)
        if one.into is not None:
            reading = as_first_told(one.session, one.source, [event], {event.id: reading}).get(event.id, reading)
        mine = [record for record in reading.records if record.stream in streams]
        one.said["records"] += len(mine)
        one.waiting += mine
        if len(one.waiting) >= _BATCH:
            _flush(one)
        one.watch.progress.advance(one.said["events"], None)
        if one.watch.stop.is_set():
            one.complete = False
            break
    _flush(one)
    return one


def _flush(one: _Replay) -> None:
    records, one.waiting = one.waiting, []
    if records and one.into is not None:
        one.counts.update(
            land(one.into, one.source, records, actor=f"replay:{one.session.settings.actor}", run=one.run)
        )


def _report(one: _Replay) -> ReplayReport:
    return ReplayReport(
        source=one.source,
        events=one.said["events"],
        records=one.said["records"],
        hints=one.said["hints"],
        unreadable=one.said["unreadable"],
        counts=dict(one.counts),
        complete=one.complete,
        run=one.run,
    )
