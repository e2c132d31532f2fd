"""What does not move in a stream: records that could not be landed, events that were held, rows without their link."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import orjson

from careloom.core.attempts import Kind
from careloom.core.errors import Hold, Later, UsageFault
from careloom.core.streams import Record
from careloom.engine.landing.values import CODES
from careloom.project.model import Landing
from careloom.services.landing.link import unlinked
from careloom.services.landing.scan import landing_named
from careloom.services.landing.write import land
from careloom.services.session.attempts import attempt
from careloom.services.session.sessions import Session
from careloom.store.audit import append_audit
from careloom.store.backlog import first_seen
from careloom.store.held_events import count_held_events, held_events, offer_events
from careloom.store.landing_held import HeldLanding, drift_of, held_bodies, held_landings
from careloom.store.landing_runs import LandingRuns
from careloom.store.landing_tables import ensure_table
from careloom.store.locks import advisory_lock
from careloom.store.queue import enqueue

_MOST = 10_000
"""Held records of one stream that are offered in one go."""

_EVERY = 10_000_000

_LINKS = {
    "none": "no row fits yet",
    "ambiguous": "more than one row fits, so none is linked",
    "contradiction": "the row that fits says otherwise of what both state, so it is not linked",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StuckItem:
    """One thing that waits. `kind`: record, event (`key` is its number), drift (of a column) or link. Names and ids, never a value."""

    stream: str
    kind: str
    key: str
    code: str
    column: str | None = None
    message: str = ""
    first_seen: datetime | None = None
    attempts: int = 0

    def as_json(self) -> dict[str, Any]:
        """The same as plain data."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryReport:
    """`counts` of the records that were offered again; `events` will be processed again; `left` cannot be offered as they are."""

    stream: str
    counts: Mapping[str, int]
    events: int
    left: int

    def as_json(self) -> dict[str, Any]:
        """The report as plain data."""
        return asdict(self)


def stuck_items(session: Session, name: str, *, code: str | None = None, limit: int = 50) -> Sequence[StuckItem]:
    """What waits in the stream called `name`: records, events of its system, and rows without their link, oldest first."""
    landing = landing_named(session, name)
    ensure_table(session.store, landing.stream)
    found = [
        StuckItem(
            stream=name,
            kind="record",
            key=one.key,
            code=one.code,
            column=one.column,
            message=one.message,
            first_seen=one.first_seen,
            attempts=one.attempts,
        )
        for one in held_landings(session.store, name)
        if code in (None, one.code)
    ][:limit]
    found += [
        StuckItem(
            stream=name,
            kind="event",
            key=one.key,
            code=one.code,
            message=one.message,
            first_seen=one.first_seen,
            attempts=one.attempts,
        )
        for one in held_events(session.store, landing.system, code=code, limit=limit)
    ]
    return found + _drifted(session, name, code)[:limit] + _without_link(session, landing, code, limit)


def _drifted(session: Session, name: str, code: str | None) -> list[StuckItem]:
    """Columns that are empty because their values could not be read; the records themselves landed, with them in their raw form."""
    return [
        StuckItem(
            stream=name,
            kind="drift",
            key="",
            code="drift",
            column=one.column,
            message=f"{one.records} records landed without it: {one.kind or 'the value'} that is {one.code.replace('-', ' ')}",
            first_seen=one.first_seen,
        )
        for one in drift_of(session.store, name)
        if code in (None, "drift")
    ]


def count_stuck(session: Session, name: str, *, code: str | None = None) -> Mapping[str, int]:
    """How much waits, by kind; of drift, how many columns."""
    landing = landing_named(session, name)
    ensure_table(session.store, landing.stream)
    return {
        "record": sum(code in (None, one.code) for one in held_landings(session.store, name)),
        "event": count_held_events(session.store, landing.system, code=code),
        "drift": len(_drifted(session, name, code)),
        "link": len(_without_link(session, landing, code, _EVERY)),
    }


def _without_link(session: Session, landing: Landing, code: str | None, limit: int) -> list[StuckItem]:
    for rule in landing.stream.links:
        for other in session.project.landings.values():
            if other.table == rule.to:
                ensure_table(session.store, other.stream)
    rows = [one for one in unlinked(session, landing, limit) if code in (None, f"link-{one.why}")]
    times = first_seen(session.store, landing.table, [one.record_id for one in rows])
    return [
        StuckItem(
            stream=landing.name,
            kind="link",
            key=one.key,
            code=f"link-{one.why}",
            column=one.column,
            message=_LINKS.get(one.why, ""),
            first_seen=times.get(one.record_id),
        )
        for one in rows
    ]


def retry_stream(session: Session, name: str, *, code: str | None = None, key: str | None = None) -> RetryReport:
    """Offer what is held in the stream called `name` again: records now, events to whoever processes them next.

    A record that had no usable form is fetched afresh, where its key is known and its system can be asked.
    """
    with attempt(session, Kind.retry, name) as entry:
        report = _retried(session, name, code, key)
        if key is not None and not (report.counts.get("total") or report.events or report.left):
            raise UsageFault(f"nothing is held of {key!r} in stream {name!r}; see: careloom held --stream {name}")
        entry.counts = {**report.counts, "events": report.events, "left": report.left}
    return report


def _retried(session: Session, name: str, code: str | None, key: str | None) -> RetryReport:
    landing = landing_named(session, name)
    with advisory_lock(session.store, "retry", name) as ours:
        if not ours:
            raise Later(f"stream {name!r} is being offered again already; try when that is over", after=60.0)
        held = [
            one
            for one in held_bodies(session.store, name, _MOST)
            if code in (None, one.code) and key in (None, one.key)
        ]
        came, fetched, left = _offered(session, landing, held)
        records = [*came, *fetched]
        counts = _land(session, landing, came, fetched) if records else {}
        with session.store.transaction() as connection:
            events = offer_events(connection, landing.system, code=code, key=key)
            if events:
                enqueue(connection, "process_inbox", landing.system)
            if counts.get("created") or counts.get("updated") or counts.get("deleted"):
                enqueue(connection, "publish", "outbox")
            told = f"{name}: {len(records)} records, {events} events"
            actor, at = session.settings.witness, session.clock()
            append_audit(session.store, connection, moment=at, actor=actor, action="retry --stream", subject=told)
    return RetryReport(stream=name, counts=dict(counts), events=events, left=left)


def _offered(session: Session, landing: Landing, held: Sequence[HeldLanding]) -> tuple[list[Record], list[Record], int]:
    """The records as they came, those that were fetched afresh, and how many can be neither."""
    came: list[Record] = []
    fetched: list[Record] = []
    left = 0
    for one in held:
        own = _as_it_came(landing, one)
        afresh = [] if own else _fetched(session, landing, one)
        came += own
        fetched += afresh
        left += not (own or afresh)
    return came, fetched, left


def _as_it_came(landing: Landing, held: HeldLanding) -> list[Record]:
    """The record itself, if it was one: what was held for its form alone is bytes, which only their room can read."""
    if held.code not in CODES or held.first_seen is None:
        return []
    try:
        data = orjson.loads(held.body)
    except orjson.JSONDecodeError:
        return []
    if not isinstance(data, dict):
        return []
    # As old as it was first seen, so that it never overwrites what came after it.
    return [Record(stream=landing.stream.name, key=held.key, data=data, observed_at=held.first_seen)]


def _fetched(session: Session, landing: Landing, held: HeldLanding) -> list[Record]:
    if not held.key or not session.tells_when_asked(landing.system):
        return []
    try:
        found = session.stream_source(landing.system).fetch(landing.stream.name, held.key)
    except Hold:
        return []
    return [record for record in found if record.stream == landing.stream.name]


def _land(session: Session, landing: Landing, came: Sequence[Record], fetched: Sequence[Record]) -> Mapping[str, int]:
    log, actor = LandingRuns(session.store), f"retry:{session.settings.actor}"
    run = log.start(landing.system, "retry", landing.table)
    try:
        counts = land(session, landing.system, came, actor=actor, run=run)
        counts.update(land(session, landing.system, fetched, actor=actor, run=run, read=True))
    except BaseException as error:
        log.finish(run, status="failed", counts={}, error=type(error).__name__)
        raise
    log.finish(run, status="completed", counts=counts)
    return counts
