"""Versions and deletions of records in any order, any number and any batches: one final state."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from careloom.core.streams import Record
from careloom.services.landing.write import land, prepare
from careloom.services.session.sessions import Session
from services.landing_project import NOTES, PATIENTS, deletion, note, open_landing, patient

KEYS, MINUTES = 2, 5
EVENTS = st.lists(
    st.tuples(st.integers(1, KEYS), st.integers(0, MINUTES), st.booleans()), min_size=1, max_size=8, unique=True
)


@pytest.fixture
def session(tmp_path: Path, database: str) -> Iterator[Session]:
    with open_landing(tmp_path, database, PATIENTS) as session:
        prepare(session)
        yield session


def as_record(event: tuple[int, int, bool]) -> Record:
    key, minute, is_deletion = event
    return deletion(key, minute) if is_deletion else patient(key, minute, first_name=f"At{minute}")


def newest(events: Sequence[tuple[int, int, bool]]) -> dict[int, str]:
    """The oracle: of each key the last event stands, and a record stands above a deletion of the same minute."""
    last: dict[int, tuple[int, bool]] = {}
    for key, minute, is_deletion in events:
        last[key] = max(last.get(key, (-1, False)), (minute, not is_deletion))
    return {key: f"At{minute}" for key, (minute, alive) in last.items() if alive}


def live(session: Session) -> dict[int, str]:
    with session.store.transaction() as connection:
        return dict(
            connection.execute("select ehr_id, first_name from clinical.patients where deleted_at is null").fetchall()
        )


def land_anew(session: Session, events: Sequence[tuple[int, int, bool]], size: int) -> dict[int, str]:
    with session.store.transaction() as connection:
        connection.execute("delete from clinical.patients")
    for first in range(0, len(events), size):
        land(session, "ehr", [as_record(event) for event in events[first : first + size]], actor="tester")
    return live(session)


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events=EVENTS, size=st.integers(1, 4), data=st.data())
def test_any_order_of_versions_and_deletions_ends_in_the_newest(
    session: Session, events: list[tuple[int, int, bool]], size: int, data: st.DataObject
) -> None:
    again = data.draw(st.lists(st.sampled_from(events), max_size=4))
    permutation = data.draw(st.permutations(events + again))
    assert land_anew(session, permutation, size) == newest(events)


def test_a_second_deletion_is_remembered_by_its_own_time(session: Session) -> None:
    """Deleted, made again, deleted again; what was made again arrives last."""
    assert land_anew(session, [(1, 1, True), (1, 5, True), (1, 3, False)], 1) == {}


@pytest.fixture
def notes(tmp_path: Path, database: str) -> Iterator[Session]:
    with open_landing(tmp_path, database, NOTES) as session:
        prepare(session)
        yield session


def test_a_deletion_that_comes_late_takes_nothing_that_was_told_again_since(notes: Session) -> None:
    """Also where what was told again was there already, which is no news."""
    forms = (note("notes", "A", 1, visit="V1"), note("notes", "A", 5, visit="V1"), deletion_of_note(4))
    counts = [land(notes, "ehr", [form], actor="tester") for form in forms]
    assert [(count["created"], count["unchanged"]) for count in counts] == [(1, 0), (0, 1), (0, 1)]
    with notes.store.transaction() as connection:
        assert connection.execute("select note_key, deleted_at from clinical.notes").fetchall() == [("A", None)]
        assert connection.execute("select operation from outbox").fetchall() == [("INSERT",)]
        assert connection.execute("select operation from change_log").fetchall() == [("INSERT",)]


def deletion_of_note(minute: int) -> Record:
    return replace(note("notes", "A", minute), data=None)


def test_a_deletion_of_what_never_came_is_no_news_until_it_comes(session: Session) -> None:
    with session.store.transaction() as connection:
        connection.execute("delete from clinical.patients")
        connection.execute("delete from outbox")
    assert land(session, "ehr", [deletion(1, 3)], actor="tester")["unchanged"] == 1
    assert land(session, "ehr", [patient(1, 1)], actor="tester")["unchanged"] == 1
    assert live(session) == {}
    assert land(session, "ehr", [patient(1, 5)], actor="tester")["created"] == 1
    with session.store.transaction() as connection:
        assert connection.execute("select operation, vendor_id from outbox").fetchall() == [("INSERT", "1")]
