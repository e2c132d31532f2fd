"""Records into their tables: read, written, linked and counted, so that every one of them is accounted for."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

import psycopg

from careloom.core.errors import Hold, Later
from careloom.core.log import LOG
from careloom.core.streams import Record, Unreadable
from careloom.engine.landing.values import Faulty, ValueReader, key_of, reader, version_of
from careloom.project.model import Landing
from careloom.services.landing.link import compared_columns, fitted_before, link_rows, lock_links, root_landing
from careloom.services.landing.release_held import ReleasedHolds, body_of, release_held
from careloom.services.session.sessions import Session
from careloom.store.landed_rows import LandedRow, StoredForm, land_batch, stored_forms
from careloom.store.landing_held import DriftKey, HeldLanding, hold_landings, note_drift
from careloom.store.landing_tables import ensure_table

BATCH = 1000
_KEY = 400
"""Characters of a held record's key that its list can take; a longer one ends in its digest."""
_ABSENT = "absent"
COUNTED = {
    "INSERT": "created",
    "UPDATE": "updated",
    "DELETE": "deleted",
    "SAME": "unchanged",
    # What came late, and was overtaken: the row is right as it is.
    "STALE": "unchanged",
    "DIFFERS": "held",
    "ABSENT": _ABSENT,
}
BEHIND = "older-than-stored"
"""Why a record is held that was just read and differs from a row which was written so lately that the answer may be behind."""


def land(
    session: Session,
    system: str,
    records: Sequence[Record],
    unreadable: Sequence[Unreadable] = (),
    *,
    actor: str,
    run: int | None = None,
    read: bool = False,
) -> Counter[str]:
    """Land `records` of `system`, a batch to a transaction; total = created + updated + unchanged + deleted + held.

    `read`: they were read from the source, and so are true as of their `observed_at`; else they were told, perhaps late.
    Records of streams that the project does not land are passed over and not counted.
    """
    counts: Counter[str] = Counter(dict.fromkeys(("total", "created", "updated", "unchanged", "deleted", "held"), 0))
    landings = [landing for landing in session.project.landings.values() if landing.system == system]
    # Records that hold others come first: their rows tell whether what they hold is overtaken.
    for landing in sorted(landings, key=lambda landing: bool(landing.stream.out_of)):
        name = landing.stream.name
        value_reader = reader(landing.stream, session.project.timezone, compared_columns(session, landing))
        stream_records = iter([record for record in records if record.stream == name])
        stream_unreadables = [item for item in unreadable if item.stream == name]
        root = root_landing(session, landing)
        root_times = _times(records, landing.stream.out_of) if root else {}
        while (batch := list(islice(stream_records, BATCH))) or stream_unreadables:
            into = _Into(
                session=session,
                landing=landing,
                value_reader=value_reader,
                actor=actor,
                run=run,
                read=read,
                root=root,
                root_times=root_times,
            )
            counts.update(_land(into, batch, stream_unreadables))
            stream_unreadables = []
    return counts


def _times(records: Sequence[Record], stream: str) -> Mapping[str, Sequence[datetime]]:
    """When the records of `stream` among these were observed, by their keys."""
    times: dict[str, list[datetime]] = {}
    for record in records:
        if record.stream == stream:
            times.setdefault(record.key, []).append(record.observed_at)
    return times


def prepare(session: Session) -> list[str]:
    """Make and widen the tables of all streams that the project lands; one line for each thing done."""
    return [
        line for landing in session.project.landings.values() for line in ensure_table(session.store, landing.stream)
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Into:
    """One batch on its way into a landing. `held_keys`: the keys of which a record was held in the same batch.

    `root`: the landing of the records that hold these, and `root_times` when those were observed that came with them.
    """

    session: Session
    landing: Landing
    value_reader: ValueReader
    actor: str
    run: int | None
    read: bool
    root: Landing | None = None
    root_times: Mapping[str, Sequence[datetime]] = field(default_factory=dict)
    held_keys: set[str] = field(default_factory=set)
    drifts: Counter[DriftKey] = field(default_factory=Counter)


def _land(into: _Into, records: Sequence[Record], unreadable: Sequence[Unreadable]) -> Mapping[str, int]:
    session, landing = into.session, into.landing
    _ensure(session)
    held_records = [
        HeldLanding(stream=landing.name, key=_storable(item.key), code=item.code, body=item.body) for item in unreadable
    ]
    rows, releases = _rows(into, records, held_records)
    counts: Counter[str] = Counter(
        total=len(records) + len(unreadable), held=len(held_records), unchanged=len(releases)
    )
    into.held_keys.update(item.key for item in held_records)
    if held_records:
        with session.store.transaction() as connection:
            hold_landings(connection, held_records)
    if releases:
        with session.store.transaction() as connection:
            release_held(connection, into.value_reader, landing, releases, into.held_keys)
    if rows:
        counts.update(_write_or_halve(into, rows))
    # A record that is not there and never was does not count.
    counts["total"] -= counts.pop(_ABSENT, 0)
    if into.drifts:
        _tell_of_drift(into)
    return counts


def _tell_of_drift(into: _Into) -> None:
    """Count the values that could not be read, and say so once for each column and kind of value."""
    with into.session.store.transaction() as connection:
        fresh = note_drift(connection, into.landing.name, into.drifts)
    for column, code, kind in fresh:
        LOG.warning(
            "drift.noted",
            message="values were not of their column's type; the records landed without them",
            stream=into.landing.name,
            column=column,
            code=code,
            kind=kind,
        )


def _rows(
    into: _Into, records: Sequence[Record], held_records: list[HeldLanding]
) -> tuple[list[LandedRow], list[ReleasedHolds]]:
    """The rows to write, and the records that say what is stored already; those that cannot be read go to `held`."""
    landing, value_reader = into.landing, into.value_reader
    candidates: list[tuple[Record, str, str]] = []
    for record in records:
        key = record.key
        try:
            key = key_of(landing.stream, record, value_reader.timezone)
            candidates.append((record, key, value_reader.fingerprint(record.data) if record.data is not None else ""))
        except Hold as hold:
            held_records.append(_hold(landing, record, key, hold))
    with into.session.store.transaction() as connection:
        stored = stored_forms(connection, landing.stream, [key for _, key, _ in candidates])
    rows: list[LandedRow] = []
    releases: list[ReleasedHolds] = []
    for record, key, mark in candidates:
        try:
            if mark and _is_stored(into, record, mark, stored.get(key)):
                releases.append(ReleasedHolds(key=key, data=record.data, observed_at=record.observed_at))
            else:
                rows.append(_row(into, record, key, mark))
        except Hold as hold:
            held_records.append(_hold(landing, record, key, hold))
    return rows, releases


def _is_stored(into: _Into, record: Record, mark: str, form: StoredForm | None) -> bool:
    """Whether the row says all that the record does. What was told again is newer, and a deletion from between must know."""
    if form is None or form.fingerprint != mark:
        return False
    version = version_of(into.value_reader.stream, record, into.value_reader.timezone)
    return into.read or (version, record.observed_at) <= (form.version, form.observed_at)


def _write_or_halve(into: _Into, rows: Sequence[LandedRow]) -> Counter[str]:
    """Write `rows` in one transaction; where PostgreSQL refuses a value, halve them until the row is alone, and hold it."""
    try:
        with into.session.store.transaction() as connection:
            return _write(connection, into, rows)
    except (psycopg.DataError, Later) as error:
        if isinstance(error, Later) and not _is_too_large(error):
            raise
        if len(rows) == 1:
            body = body_of(rows[0].raw)
            held_record = HeldLanding(stream=into.landing.name, key=rows[0].key, code="not-storable", body=body)
            with into.session.store.transaction() as connection:
                hold_landings(connection, [held_record])
            return Counter(held=1)
    middle = len(rows) // 2
    return _write_or_halve(into, rows[:middle]) + _write_or_halve(into, rows[middle:])


def _is_too_large(error: Later) -> bool:
    """Whether a value outgrew what an index or a row takes: psycopg counts that among the outages, but it would never end."""
    return isinstance(error.__cause__, psycopg.errors.ProgramLimitExceeded)


def _write(connection: psycopg.Connection, into: _Into, rows: Sequence[LandedRow]) -> Counter[str]:
    lock_links(connection, into.session, into.landing)
    prior_fits = fitted_before(connection, into.session, into.landing, [row.key for row in rows])
    results = land_batch(
        connection,
        into.landing.stream,
        rows,
        actor=into.actor,
        run=into.run,
        read=into.read,
        root=into.root.stream if into.root else None,
    )
    written_ids = [result.record_id for result in results if result.operation in ("INSERT", "UPDATE", "DELETE")]
    if written_ids:
        link_rows(connection, into.session, into.landing, written_ids, prior_fits)
    releases = [
        ReleasedHolds(
            key=row.key,
            data=None if row.is_deleted else row.raw,
            observed_at=row.observed_at,
            stale=result.operation in ("STALE", "DIFFERS"),
        )
        for row, result in zip(rows, results, strict=True)
    ]
    release_held(connection, into.value_reader, into.landing, releases, into.held_keys)
    late_rows = [row for row, result in zip(rows, results, strict=True) if result.operation == "DIFFERS"]
    if late_rows:
        message = "the source shows an older form than it sent a moment ago: the next scan compares them again"
        name = into.landing.name
        hold_landings(
            connection,
            [
                HeldLanding(stream=name, key=row.key, code=BEHIND, message=message, body=body_of(row.raw))
                for row in late_rows
            ],
        )
    return Counter(COUNTED[result.operation] for result in results)


def _row(into: _Into, record: Record, key: str, mark: str) -> LandedRow:
    value_reader, faults = into.value_reader, list[Faulty]()
    version, observed_at = version_of(value_reader.stream, record, value_reader.timezone), record.observed_at
    values = value_reader.values(record.data, faults) if record.data is not None else {}
    into.drifts.update((fault.column, fault.code, fault.kind) for fault in faults)
    return LandedRow(
        key=key,
        values=values,
        raw=record.data if record.data is not None else {},
        fingerprint=mark,
        version=version,
        observed_at=observed_at,
        is_deleted=record.data is None,
        root=record.root,
        root_times=into.root_times.get(record.root, ()),
    )


def _hold(landing: Landing, record: Record, key: str, hold: Hold) -> HeldLanding:
    return HeldLanding(
        stream=landing.name,
        key=_storable(key),
        code=hold.code,
        column=hold.column if isinstance(hold, Faulty) else None,
        message=str(hold),
        body=body_of(record.data),
    )


def _storable(key: str) -> str:
    text = str(key).replace("\0", "\\0").encode("utf-8", "backslashreplace").decode()
    if len(text) <= _KEY:
        return text
    return f"{text[:_KEY]}#{hashlib.blake2b(text.encode(), digest_size=8).hexdigest()}"


def _ensure(session: Session) -> None:
    """Tables are made once for each store and project that this process lands into."""
    mark = (session.store.url, session.project.digest)
    if mark not in _ENSURED:
        prepare(session)
        _ENSURED.add(mark)


_ENSURED: set[tuple[str, str]] = set()
