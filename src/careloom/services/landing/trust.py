"""Which events are taken at their word, and whether a system shows by now what it has told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from careloom.core.errors import Hold
from careloom.core.streams import Record
from careloom.core.webhooks import Reading, StoredEvent, ThinEvent
from careloom.engine.landing.values import (
    ValueReader,
    at,
    is_ahead,
    key_of,
    reader,
    second_of_repeated,
    shows,
    stated_version,
)
from careloom.project.model import Landing
from careloom.services.session.sessions import Session
from careloom.store.inbox import first_told
from careloom.store.landed_rows import LandedRow, tied_keys
from careloom.store.landing_tables import ensure_table


@dataclass(frozen=True, slots=True, kw_only=True)
class _StatedEvent:
    """A record that an event told, with the version that it states."""

    event: int
    record: Record
    key: str
    version: datetime
    fingerprint: str


def to_ask_again(session: Session, source: str, readings: Mapping[int, Reading]) -> Mapping[int, Reading]:
    """Those of `readings`, by their events, that tell a record of which no one knows whether it is the latest.

    Two forms of one version, a time out of an hour that a clock repeats, and a time that lies ahead decide nothing. What the
    event tells of that record and of what lies in it is left out, and a thin event stands in its place.
    """
    doubts: dict[int, list[Record]] = {}
    for landing in session.project.landings.values():
        if landing.system == source and landing.stream.version and not landing.stream.out_of:
            for doubt in _doubts(session, landing, readings):
                doubts.setdefault(doubt.event, []).append(doubt.record)
    return {id_: _as_hint(session, source, readings[id_], records) for id_, records in doubts.items()}


def as_first_told(
    session: Session, source: str, events: Sequence[StoredEvent], readings: Mapping[int, Reading]
) -> Mapping[int, Reading]:
    """Those of `readings`, by their events, whose content may have come before: what they tell is as old as the first time."""
    pairs = [(event, readings[event.id]) for event in events if event.id in readings and readings[event.id].content]
    if not pairs:
        return {}
    first = first_told(session.store, source, [(reading.content, event.received_at) for event, reading in pairs])
    return {
        event.id: replace(
            reading, records=[replace(record, observed_at=first[reading.content]) for record in reading.records]
        )
        for event, reading in pairs
    }


def is_shown(session: Session, source: str, thin_event: ThinEvent, records: Sequence[Record]) -> bool:
    """Whether what was fetched is what the event told, or later."""
    record = next(
        (record for record in records if (record.stream, record.key) == (thin_event.stream, thin_event.key)), None
    )
    if thin_event.is_gone:
        return record is not None and record.data is None
    if record is None:
        return True
    if record.data is None:
        return not thin_event.is_new and thin_event.content is None
    stream = next(
        (landing.stream for landing in _landings(session, source) if landing.stream.name == thin_event.stream), None
    )
    if thin_event.content is None or stream is None:
        return True
    try:
        return shows(reader(stream, session.project.timezone), thin_event.content, record.data, record.observed_at)
    except Hold:  # what cannot be read says nothing; landing it will say so
        return True


def _doubts(session: Session, landing: Landing, readings: Mapping[int, Reading]) -> Iterator[_StatedEvent]:
    events = list(_stated_events(reader(landing.stream, session.project.timezone), readings))
    if not events:
        return
    ensure_table(session.store, landing.stream)
    forms: dict[tuple[str, datetime], set[str]] = {}
    for event in events:
        forms.setdefault((event.key, event.version), set()).add(event.fingerprint)
    rows = [_row(event) for event in events]
    with session.store.transaction() as connection:
        tie_keys = tied_keys(connection, landing.stream, rows)
    for event in events:
        several = len(forms[event.key, event.version]) > 1
        in_repeated_hour = second_of_repeated(at(event.record.data, landing.stream.version), session.project.timezone)
        if several or in_repeated_hour or event.key in tie_keys or is_ahead(event.version, event.record.observed_at):
            yield event


def _stated_events(value_reader: ValueReader, readings: Mapping[int, Reading]) -> Iterator[_StatedEvent]:
    """The records of one stream that state a version; what cannot be read is held when it is landed."""
    for id_, reading in readings.items():
        for record in reading.records:
            if record.stream != value_reader.stream.name or record.data is None:
                continue
            try:
                key = key_of(value_reader.stream, record, value_reader.timezone)
                version = stated_version(value_reader.stream, record.data, value_reader.timezone, record.observed_at)
                fingerprint = value_reader.fingerprint(record.data)
            except Hold:
                continue
            if version is not None:
                yield _StatedEvent(event=id_, record=record, key=key, version=version, fingerprint=fingerprint)


def _row(event: _StatedEvent) -> LandedRow:
    return LandedRow(
        key=event.key,
        values={},
        raw=event.record.data or {},
        fingerprint=event.fingerprint,
        version=event.version,
        observed_at=event.record.observed_at,
    )


def _as_hint(session: Session, source: str, reading: Reading, doubts: Sequence[Record]) -> Reading:
    inner = {landing.stream.name: landing.stream.out_of for landing in _landings(session, source)}
    streams = {record.stream for record in doubts}
    records = [
        record for record in reading.records if record not in doubts and inner.get(record.stream, "") not in streams
    ]
    thin_events = [ThinEvent(stream=record.stream, key=record.key, content=record.data) for record in doubts]
    return replace(reading, records=records, thin_events=[*reading.thin_events, *thin_events])


def _landings(session: Session, source: str) -> Sequence[Landing]:
    return [landing for landing in session.project.landings.values() if landing.system == source]
