"""What is held stays held until that record, or a newer one, has landed; nothing that comes in stops the others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from careloom.core.streams import Record
from careloom.services.landing.write import land
from careloom.services.session.sessions import Session
from careloom.store.landing_held import drift_of, held_bodies, held_landings
from services.landing_project import NOON, NOTES, PATIENTS, SESSIONS, note, open_landing, patient


@pytest.fixture
def session(tmp_path: Path, database: str) -> Iterator[Session]:
    with open_landing(tmp_path, database, PATIENTS, NOTES, SESSIONS) as session:
        yield session


def counts(session: Session, *records: Record) -> dict[str, int]:
    return {name: number for name, number in land(session, "ehr", records, actor="tester").items() if number}


def held_codes(session: Session) -> list[tuple[str, str]]:
    return [(item.key, item.code) for item in held_landings(session.store)]


BAD = {"insurance": {"copay": [float("nan")]}}


@pytest.mark.parametrize("turn", [1, -1])
def test_a_bad_record_stays_held_beside_a_good_one_of_its_key_in_one_batch(session: Session, turn: int) -> None:
    records = [patient(1, 1), patient(1, 9, **BAD)][::turn]
    assert counts(session, *records) == {"total": 2, "created": 1, "held": 1}
    assert held_codes(session) == [("1", "not-a-number")]


def test_an_older_record_that_comes_late_does_not_let_go_of_a_held_one(session: Session) -> None:
    counts(session, patient(1, 5))
    counts(session, patient(1, 9, **BAD))
    assert counts(session, patient(1, 2)) == {"total": 1, "unchanged": 1}
    assert held_codes(session) == [("1", "not-a-number")]
    assert counts(session, patient(1, 10)) == {"total": 1, "updated": 1}
    assert held_codes(session) == []


def test_a_held_record_that_is_offered_again_and_has_grown_old_is_settled(session: Session) -> None:
    counts(session, patient(1, 5))
    old = patient(1, 2)
    with session.store.transaction() as connection:
        connection.execute(
            "insert into landing_held (stream, key, code, body) values ('patients', '1', 'not-storable', %s)",
            [orjson.dumps(old.data)],
        )
    [item] = held_bodies(session.store, "patients", 10)
    assert counts(session, replace(old, data=orjson.loads(item.body))) == {"total": 1, "unchanged": 1}
    assert held_codes(session) == []


@pytest.mark.parametrize("key", ["\ud800", "a\0b", "k" * 40_000, "9" * 30])
@pytest.mark.parametrize("is_deletion", [True, False])
def test_a_key_that_no_table_takes_is_held_and_the_others_land(
    session: Session, key: str, *, is_deletion: bool
) -> None:
    for stream, good in (("notes", note("notes", "N1")), ("patients", patient(1))):
        if stream == "notes" and key.isdecimal():
            continue
        bad = Record(stream=stream, key=key, data=None if is_deletion else {"visit": "V1"}, observed_at=NOON)
        assert counts(session, bad, good) == {"total": 2, "created": 1, "held": 1}
    assert {code for _, code in held_codes(session)} == {"no-key"}


def test_a_value_too_long_for_an_index_is_held_and_the_others_land(session: Session) -> None:
    long = "".join(f"{number * 7919 % 100_003:x}" for number in range(20_000))
    assert counts(session, note("sessions", "S1", visit=long), note("sessions", "S2", visit="V2")) == {
        "total": 2,
        "created": 1,
        "held": 1,
    }
    assert held_codes(session) == [("S1", "not-storable")]


def test_what_follows_a_date_must_be_a_time(session: Session) -> None:
    totals = counts(
        session,
        patient(1, date_of_birth="1980-02-29T08:30:00"),
        patient(2, date_of_birth="1980-02-291"),
        patient(3, date_of_birth="1980-02-29 or so"),
    )
    assert totals == {"total": 3, "created": 3}
    with session.store.transaction() as connection:
        birth_date = connection.execute("select born::text from clinical.patients order by ehr_id").fetchall()
    assert birth_date == [("1980-02-29",), (None,), (None,)]
    assert [(drift.column, drift.records) for drift in drift_of(session.store, "patients")] == [("born", 2)]


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_no_number_is_silently_made_nothing(session: Session, number: float) -> None:
    assert counts(session, patient(1, insurance={"copay": [number]})) == {"total": 1, "held": 1}
    assert held_codes(session) == [("1", "not-a-number")]


def test_the_list_of_what_is_held_holds_no_bytes_and_no_value(session: Session) -> None:
    counts(session, note("sessions", "S1", visit="Zzyzx", day="Zzyzx day"))
    assert "Zzyzx" not in repr(held_landings(session.store))
    assert held_landings(session.store)[0].column == "day"
    assert b"Zzyzx" in held_bodies(session.store, "sessions", 10)[0].body
