"""Whoever joins by a derived reference never reads another patient's chart, whatever was moved, merged or deleted, in any order."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from careloom.core.streams import Record
from careloom.project.loader import load_project
from careloom.services.landing.link import link_again, unlinked
from careloom.services.landing.write import land, prepare
from careloom.services.session.sessions import Session
from careloom.services.session.settings import read_settings
from careloom.store.database import open_store
from careloom.systems import rooms
from services.landing_project import NOON

BLUEPRINT = Path(__file__).parents[2] / "blueprints" / "drchrono-clinical"
PEOPLE, VISITS = (81, 82), ("7001", "7002")
OF_PATIENT = ("appointments", "clinical_notes", "medications", "problems", "allergies", "insurance", "line_items")
OF_APPOINTMENT = ("clinical_notes", "medications", "problems", "line_items")
DAYS = {"7001": "2026-11-20", "7002": "2026-11-21"}


@pytest.fixture
def session(database: str) -> Iterator[Session]:
    store = open_store(database)
    try:
        session = Session(project=load_project(BLUEPRINT, rooms()), settings=read_settings({}), store=store)
        prepare(session)
        yield session
    finally:
        store.close()


def record(stream: str, key: str, minute: int, /, **said: Any) -> tuple[str, Record]:
    at = NOON + timedelta(minutes=minute)
    data = {"updated_at": at.isoformat(), **said} if said else None
    return ("deepcura" if stream == "notes" else "drchrono"), Record(
        stream=stream, key=key, data=data, observed_at=at + timedelta(seconds=30)
    )


WHO = st.sampled_from(PEOPLE)
VISIT = st.sampled_from(VISITS)
MAYBE_VISIT = st.one_of(st.none(), VISIT, st.just("9999"))


def happening(stream: str, key: str, said: dict[str, Any] | None) -> tuple[str, str, dict[str, Any]]:
    return stream, key, said or {}


HAPPENINGS = st.lists(
    st.one_of(
        st.builds(lambda who: happening("patients", str(who), {"id": who, "first_name": "Ada"}), WHO),
        st.builds(lambda who: happening("patients", str(who), None), WHO),
        st.builds(lambda visit, who: happening("appointments", visit, {"id": visit, "patient": who}), VISIT, WHO),
        st.builds(lambda visit: happening("appointments", visit, None), VISIT),
        st.builds(
            lambda visit, who: happening(
                "clinical_notes", visit, {"appointment": visit, "patient": str(who), "note_date": DAYS[visit]}
            ),
            VISIT,
            WHO,
        ),
        st.builds(lambda visit: happening("clinical_notes", visit, None), VISIT),
        st.builds(
            lambda stream, who, visit: happening(stream, "1", {"id": 1, "patient": who, "appointment": visit}),
            st.sampled_from(["medications", "problems", "line_items", "allergies"]),
            WHO,
            MAYBE_VISIT,
        ),
        st.builds(
            lambda who: happening("insurance", "81:primary", {"key": "81:primary", "patient": who, "rank": "primary"}),
            WHO,
        ),
        st.builds(
            lambda who, visit, day: happening(
                "notes", "S1", {"session_id": "S1", "patient_id": who, "appointment_id": visit, "session_date": day}
            ),
            st.one_of(st.none(), WHO),
            MAYBE_VISIT,
            st.one_of(st.none(), st.sampled_from(sorted(DAYS.values()))),
        ),
    ),
    min_size=3,
    max_size=12,
)


def ask(session: Session, statement: str) -> list[tuple[Any, ...]]:
    with session.store.transaction() as connection:
        return connection.execute(statement).fetchall()  # type: ignore[call-overload, no-any-return]


def wrong(session: Session) -> list[tuple[str, Any]]:
    """Every row that a join would show in another patient's chart, or in one that is gone."""
    found: list[tuple[str, Any]] = []
    for table in OF_PATIENT:
        found += ask(
            session,
            f"select '{table}.patient_id', t.drchrono_id from clinical.{table} t join clinical.patients p"
            " on p.id = t.patient_id where p.drchrono_id is distinct from t.drchrono_patient_id or p.deleted_at is not null",
        )
    for table in OF_APPOINTMENT:
        found += ask(
            session,
            f"select '{table}.appointment_id', t.drchrono_id from clinical.{table} t join clinical.appointments a"
            " on a.id = t.appointment_id where a.drchrono_id is distinct from t.drchrono_appt_id"
            " or a.drchrono_patient_id <> t.drchrono_patient_id or a.deleted_at is not null",
        )
    return found + ask(
        session,
        "select 'deepcura_notes.clinical_note_id', t.session_id from clinical.deepcura_notes t"
        " join clinical.clinical_notes n on n.id = t.clinical_note_id where n.deleted_at is not null"
        " or n.drchrono_patient_id <> t.drchrono_patient_id or n.drchrono_appt_id <> t.drchrono_appt_id"
        " or n.note_date <> t.session_date",
    )


def links(session: Session) -> list[tuple[Any, ...]]:
    """What every live row is tied to, by keys that are the same in every order."""
    found: list[tuple[Any, ...]] = []
    for landing in session.project.landings.values():
        for rule in landing.stream.links:
            to = next(one for one in session.project.landings.values() if one.table == rule.to)
            found += ask(
                session,
                f"select '{landing.table}.{rule.column}', t.{landing.stream.key_column}::text, o.{to.stream.key_column}::text"
                f" from clinical.{landing.table} t left join clinical.{rule.to} o on o.id = t.{rule.column}"
                " where t.deleted_at is null order by 2",
            )
    return sorted(found, key=str)


def empty(session: Session) -> None:
    with session.store.transaction() as connection:
        for landing in session.project.landings.values():
            connection.execute(f"delete from clinical.{landing.table}".encode())


def put(session: Session, *records: tuple[str, Record]) -> None:
    for system, one in records:
        land(session, system, [one], actor="tester")


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(happenings=HAPPENINGS, data=st.data())
def test_nobody_is_shown_in_anothers_chart_at_any_moment(
    session: Session, happenings: list[tuple[str, str, dict[str, Any]]], data: st.DataObject
) -> None:
    records = [record(stream, key, minute, **said) for minute, (stream, key, said) in enumerate(happenings)]
    ends: list[list[tuple[Any, ...]]] = []
    for order in (records, data.draw(st.permutations(records))):
        empty(session)
        for one in order:
            put(session, one)
            assert wrong(session) == []
        ends.append(links(session))
    assert ends[0] == ends[1], "the order in which events came decided a link"


def test_what_moves_to_another_patient_is_told_and_logged(session: Session) -> None:
    put(session, *(record("patients", str(who), 0, id=who) for who in PEOPLE))
    put(session, record("appointments", "7001", 1, id="7001", patient=82))
    put(session, record("medications", "1", 2, id=1, patient=82, appointment="7001"))
    put(session, record("appointments", "7001", 3, id="7001", patient=81))
    assert wrong(session) == []
    assert ("appointments.patient_id", "7001", "81") in links(session)
    # The medication still says 82: tied to neither the other patient nor the other patient's appointment.
    assert ("medications.patient_id", "1", "82") in links(session)
    medications = session.project.landings["medications"]
    assert [(one.column, one.why) for one in unlinked(session, medications)] == [("appointment_id", "contradiction")]
    assert ask(session, "select operation, table_name from outbox order by id desc limit 1") == [
        ("UPDATE", "medications")
    ]
    logged = ask(session, "select table_name, changed ? 'appointment_id' from change_log order by id desc limit 1")
    assert logged == [("medications", True)]


def test_a_session_note_of_another_patient_or_of_no_appointment_is_tied_to_no_chart(session: Session) -> None:
    put(session, record("clinical_notes", "7001", 0, appointment="7001", patient="81", note_date="2026-11-20"))
    says = {"session_id": "S1", "appointment_id": "7001", "patient_id": 82, "session_date": "2024-01-01"}
    put(session, record("notes", "S1", 1, **says))
    put(session, record("notes", "S2", 1, **{**says, "session_id": "S2", "patient_id": 81}))
    nowhere = {"appointment_id": "no-such", "patient_id": 81, "session_date": "2026-11-20"}
    put(session, record("notes", "S3", 1, session_id="S3", **nowhere))
    put(session, record("notes", "S4", 1, session_id="S4", **{**nowhere, "appointment_id": ""}))
    whys = {one.key: one.why for one in unlinked(session, session.project.landings["deepcura_notes"])}
    assert whys == {"S1": "contradiction", "S2": "contradiction", "S3": "none"}
    assert ("deepcura_notes.clinical_note_id", "S4", "7001") in links(session)


def test_what_an_earlier_release_tied_wrongly_is_repaired_by_looking_again(session: Session) -> None:
    put(session, *(record("patients", str(who), 0, id=who) for who in PEOPLE))
    put(session, record("allergies", "1", 2, id=1, patient=81))
    with session.store.transaction() as connection:
        connection.execute(
            "update clinical.allergies set patient_id = (select id from clinical.patients where drchrono_id = 82)"
        )
    assert len(wrong(session)) == 1
    assert list(link_again(session, session.project.landings["allergies"], actor="tester")) == [1]
    assert wrong(session) == []
