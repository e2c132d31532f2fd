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
    items = [
        StuckItem(
            stream=name,
            kind="record",
            key=item.key,
            code=item.code,
            column=item.column,
            message=item.message,
            first_seen=item.first_seen,
            attempts=item.attempts,
        )
        for item in held_landings(session.store, name)
        if code in (None, item.code)
    ][:limit]
    items += [
        StuckItem(
            stream=name,
            kind="event",
            key=item.key,
            code=item.code,
            message=item.message,
            first_seen=item.first_seen,
            attempts=item.attempts,
        )
        for item in held_events(session.store, landing.system, code=code, limit=limit)
    ]
    return items + _drifted_columns(session, name, code)[:limit] + _without_link(session, landing, code, limit)


def _drifted_columns(session: Session, name: str, code: str | None) -> list[StuckItem]:
    """Columns that are empty because their values could not be read; the records themselves landed, with them in their raw form."""
    return [
        StuckItem(
            stream=name,
            kind="drift",
            key="",
            code="drift",
            column=drift.column,
            message=f"{drift.records} records landed without it: {drift.kind or 'the value'} that is {drift.code.replace('-', ' ')}",
            first_seen=drift.first_seen,
        )
        for drift in drift_of(session.store, name)
        if code in (None, "drift")
    ]


def count_stuck(session: Session, name: str, *, code: str | None = None) -> Mapping[str, int]:
    """How much waits, by kind; of drift, how many columns."""
    landing = landing_named(session, name)
    ensure_table(session.store, landing.stream)
    return {
        "record": sum(code in (None, held_record.code) for held_record in held_landings(session.store, name)),
        "event": count_held_events(session.store, landing.system, code=code),
        "drift": len(_drifted_columns(session, name, code)),
        "link": len(_without_link(session, landing, code, _EVERY)),
    }


def _without_link(session: Session, landing: Landing, code: str | None, limit: int) -> list[StuckItem]:
    for rule in landing.stream.links:
        for target in session.project.landings.values():
            if target.table == rule.to:
                ensure_table(session.store, target.stream)
    rows = [row for row in unlinked(session, landing, limit) if code in (None, f"link-{row.why}")]
    times = first_seen(session.store, landing.table, [row.record_id for row in rows])
    return [
        StuckItem(
            stream=landing.name,
            kind="link",
            key=row.key,
            code=f"link-{row.why}",
            column=row.column,
            message=_LINKS.get(row.why, ""),
            first_seen=times.get(row.record_id),
        )
        for row in rows
    ]


def retry_stream(session: Session, name: str, *, code: str | None = None, key: str | None = None) -> RetryReport:
    """Offer what is held in the stream called `name` again: records now, events to the next worker that processes them.

    A record that had no usable form is fetched again, where its key is known and its system can be asked.
    """
    with attempt(session, Kind.retry, name) as entry:
        report = _retry(session, name, code, key)
        if key is not None and not (report.counts.get("total") or report.events or report.left):
            raise UsageFault(f"nothing is held of {key!r} in stream {name!r}; see: careloom held --stream {name}")
        entry.counts = {**report.counts, "events": report.events, "left": report.left}
    return report


def _retry(session: Session, name: str, code: str | None, key: str | None) -> RetryReport:
    landing = landing_named(session, name)
    with advisory_lock(session.store, "retry", name) as has_lock:
        if not has_lock:
            raise Later(f"stream {name!r} is being offered again already; try when that is over", after=60.0)
        held_records = [
            held_record
            for held_record in held_bodies(session.store, name, _MOST)
            if code in (None, held_record.code) and key in (None, held_record.key)
        ]
        stored_records, fetched_records, skip_count = _records_offered(session, landing, held_records)
        records = [*stored_records, *fetched_records]
        counts = _land(session, landing, stored_records, fetched_records) if records else {}
        with session.store.transaction() as connection:
            events = offer_events(connection, landing.system, code=code, key=key)
            if events:
                enqueue(connection, "process_inbox", landing.system)
            if counts.get("created") or counts.get("updated") or counts.get("deleted"):
                enqueue(connection, "publish", "outbox")
            subject = f"{name}: {len(records)} records, {events} events"
            actor, now = session.settings.witness, session.clock()
            append_audit(session.store, connection, moment=now, actor=actor, action="retry --stream", subject=subject)
    return RetryReport(stream=name, counts=dict(counts), events=events, left=skip_count)


def _records_offered(
    session: Session, landing: Landing, held_records: Sequence[HeldLanding]
) -> tuple[list[Record], list[Record], int]:
    """The records as they came, those that were fetched, and how many can be neither."""
    stored_records: list[Record] = []
    fetched_records: list[Record] = []
    skip_count = 0
    for held_record in held_records:
        own_records = _as_it_came(landing, held_record)
        afresh = [] if own_records else _fetch(session, landing, held_record)
        stored_records += own_records
        fetched_records += afresh
        skip_count += not (own_records or afresh)
    return stored_records, fetched_records, skip_count


def _as_it_came(landing: Landing, held_record: HeldLanding) -> list[Record]:
    """The record itself, if it was one: what was held for its form alone is bytes, which only their room can read."""
    if held_record.code not in CODES or held_record.first_seen is None:
        return []
    try:
        data = orjson.loads(held_record.body)
    except orjson.JSONDecodeError:
        return []
    if not isinstance(data, dict):
        return []
    # As old as it was first seen, so that it never overwrites what came after it.
    return [Record(stream=landing.stream.name, key=held_record.key, data=data, observed_at=held_record.first_seen)]


def _fetch(session: Session, landing: Landing, held_record: HeldLanding) -> list[Record]:
    if not held_record.key or not session.tells_when_asked(landing.system):
        return []
    try:
        records = session.stream_source(landing.system).fetch(landing.stream.name, held_record.key)
    except Hold:
        return []
    return [record for record in records if record.stream == landing.stream.name]


def _land(
    session: Session, landing: Landing, stored_records: Sequence[Record], fetched_records: Sequence[Record]
) -> Mapping[str, int]:
    log, actor = LandingRuns(session.store), f"retry:{session.settings.actor}"
    run = log.start(landing.system, "retry", landing.table)
    try:
        counts = land(session, landing.system, stored_records, actor=actor, run=run)
        counts.update(land(session, landing.system, fetched_records, actor=actor, run=run, read=True))
    except BaseException as error:
        log.finish(run, status="failed", counts={}, error=type(error).__name__)
        raise
    log.finish(run, status="completed", counts=counts)
    return counts
