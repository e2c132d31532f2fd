"""A record that was just read from the source is what is true, whatever a version says: no row is beyond repair."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from careloom.core.streams import SKEW, Record
from careloom.engine.landing.values import version_of
from careloom.services.landing.write import BEHIND, land, prepare
from careloom.services.session.sessions import Session
from services.landing_project import NOON, NOTES, PATIENTS, note, open_landing, patient

NEW_YORK = ZoneInfo("America/New_York")


@pytest.fixture
def session(tmp_path: Path, database: str) -> Iterator[Session]:
    with open_landing(tmp_path, database, PATIENTS, NOTES) as session:
        prepare(session)
        yield session


def ask(session: Session, statement: str) -> list[tuple[Any, ...]]:
    with session.store.transaction() as connection:
        return connection.execute(statement).fetchall()  # type: ignore[call-overload, no-any-return]


def age(session: Session) -> None:
    """What is stored was written ten minutes ago."""
    with session.store.transaction() as connection:
        connection.execute("update clinical.patients set synced_at = synced_at - interval '10 minutes'")
        connection.execute("update clinical.notes set synced_at = synced_at - interval '10 minutes'")


def read(session: Session, record: Record) -> dict[str, int]:
    """Land a record that is read from the source now; what is not nought."""
    fresh = replace(record, observed_at=session.store.clock())
    return {kind: count for kind, count in land(session, "ehr", [fresh], actor="tester", read=True).items() if count}


def land_counts(session: Session, record: Record) -> dict[str, int]:
    return {kind: count for kind, count in land(session, "ehr", [record], actor="tester").items() if count}


def name(session: Session) -> str:
    [(first_name,)] = ask(session, "select first_name from clinical.patients where deleted_at is null")
    return str(first_name)


def test_a_row_whose_version_is_too_high_takes_what_the_source_shows(session: Session) -> None:
    land_counts(session, patient(1, 50, first_name="Former"))
    age(session)
    assert read(session, patient(1, 10, first_name="True")) == {"total": 1, "updated": 1}
    assert name(session) == "True"
    # The event that had told the higher version comes once more.
    assert land_counts(session, patient(1, 50, first_name="Former")) == {"total": 1, "unchanged": 1}
    assert name(session) == "True"


def test_what_the_source_shows_is_also_that_a_record_is_gone(session: Session) -> None:
    land_counts(session, note("notes", "N1", visit="V1"))
    with session.store.transaction() as connection:
        connection.execute("update clinical.notes set source_version = 'tomorrow', observed_at = 'tomorrow'")
    assert read(session, replace(note("notes", "N1"), data=None)) == {"total": 1, "deleted": 1}


def test_what_a_clock_ahead_wrote_is_repaired_at_once(session: Session) -> None:
    ahead = session.store.clock() + timedelta(days=1)
    land(session, "ehr", [replace(note("notes", "N1", visit="active"), observed_at=ahead)], actor="tester", read=True)
    assert read(session, note("notes", "N1", visit="resolved")) == {"total": 1, "updated": 1}
    assert ask(session, "select visit, source_version <= now() from clinical.notes") == [("resolved", True)]


def test_an_answer_that_may_be_behind_what_was_told_is_held_and_not_called_unchanged(session: Session) -> None:
    land_counts(session, patient(1, 50, first_name="Told"))
    assert read(session, patient(1, 10, first_name="Shown")) == {"total": 1, "held": 1}
    assert name(session) == "Told"
    assert ask(session, "select stream, key, code from landing_held") == [("patients", "1", BEHIND)]
    age(session)
    assert read(session, patient(1, 10, first_name="Shown")) == {"total": 1, "updated": 1}
    assert ask(session, "select count(*) from landing_held") == [(0,)]


def test_a_page_that_was_read_before_the_row_was_written_takes_nothing_back(session: Session) -> None:
    page = replace(patient(1, 10, first_name="Page"), observed_at=session.store.clock())
    land_counts(session, patient(1, 50, first_name="Told"))
    age_less = land(session, "ehr", [page], actor="tester", read=True)
    assert (age_less["unchanged"], age_less["held"], name(session)) == (1, 0, "Told")


def test_an_older_answer_of_the_same_content_is_unchanged(session: Session) -> None:
    land_counts(session, patient(1, 50))
    assert read(session, patient(1, 50)) == {"total": 1, "unchanged": 1}


@pytest.mark.parametrize(
    ("stated", "seen", "expected"),
    [
        ("2026-11-01T01:50:00", "2026-11-01T05:51:00", "2026-11-01T05:50:00"),
        ("2026-11-01T01:10:00", "2026-11-01T06:11:00", "2026-11-01T06:10:00"),
        ("2026-11-01T01:50:00", "2026-11-01T06:20:00", "2026-11-01T05:50:00"),
        ("2026-11-01T00:50:00", "2026-11-01T06:20:00", "2026-11-01T04:50:00"),
        ("2026-11-01T02:10:00", "2026-11-01T07:20:00", "2026-11-01T07:10:00"),
        ("2026-11-01T01:10:00-05:00", "2026-11-01T07:20:00", "2026-11-01T06:10:00"),
    ],
)
def test_a_time_of_the_repeated_hour_is_the_last_one_that_had_passed(stated: str, seen: str, expected: str) -> None:
    seen_at, version = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (seen, expected))
    record = Record(stream="patients", key="1", data={"id": 1, "updated_at": stated}, observed_at=seen_at)
    assert version_of(PATIENTS, record, NEW_YORK) == version


def test_a_clock_that_is_ahead_by_little_still_tells_the_order() -> None:
    """Were its times cut to the moment of their coming, an older one that comes later would be above a newer one."""
    seen = NOON
    for ahead, believed in ((20.0, True), (SKEW + 1, False)):
        stated = seen + timedelta(seconds=ahead)
        record = Record(stream="patients", key="1", data={"id": 1, "updated_at": stated.isoformat()}, observed_at=seen)
        assert version_of(PATIENTS, record, NEW_YORK) == (stated if believed else seen)
