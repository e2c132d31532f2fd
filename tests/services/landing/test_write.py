"""Records into tables: every one accounted for, in any order, and none of them twice."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from careloom.core.errors import Fix
from careloom.core.streams import Column, Record, Unreadable
from careloom.services.landing.link import unlinked
from careloom.services.landing.write import land, prepare
from careloom.services.session.sessions import Session
from careloom.store.landing_held import held_landings
from careloom.store.landing_tables import ensure_table
from careloom.store.migrations import migrations
from services.landing_project import NOTES, PATIENTS, SESSIONS, deletion, note, open_landing, patient


@pytest.fixture
def session(tmp_path: Path, database: str) -> Iterator[Session]:
    with open_landing(tmp_path, database, PATIENTS, NOTES, SESSIONS) as session:
        yield session


def counts(session: Session, *records: Record, **options: Any) -> dict[str, int]:
    totals = land(session, "ehr", records, actor="tester", run=7, **options)
    assert totals["total"] == sum(totals[end] for end in ("created", "updated", "unchanged", "deleted", "held"))
    return {name: number for name, number in totals.items() if number}


def ask(session: Session, statement: str) -> list[tuple[Any, ...]]:
    with session.store.transaction() as connection:
        return connection.execute(statement).fetchall()


def outbox_rows(session: Session) -> list[tuple[str, str, str]]:
    return ask(session, "select operation, table_name, vendor_id from outbox order by id")


def test_what_a_record_says_lands_typed_and_whole(session: Session) -> None:
    fields = {
        "date_of_birth": "1980-02-29",
        "home_phone": "555 0100",
        "cell_phone": "",
        "account": {"balance": "12.340"},
    }
    assert counts(session, patient(1, **fields)) == {"total": 1, "created": 1}
    row = ask(
        session, "select ehr_id, first_name, born::text, phone, balance::text, raw->'account' from clinical.patients"
    )
    assert row == [(1, "First1", "1980-02-29", "555 0100", "12.340", {"balance": "12.340"})]
    assert outbox_rows(session) == [("INSERT", "patients", "1")]
    log = ask(session, "select actor, run, operation, changed->>'first_name' from change_log")
    assert log == [("tester", 7, "INSERT", "First1")]


def test_the_same_again_touches_nothing(session: Session) -> None:
    counts(session, patient(1), patient(2))
    rows_before = ask(session, "select ctid::text, xmin::text, synced_at from clinical.patients order by 1")
    assert counts(session, patient(1), patient(2)) == {"total": 2, "unchanged": 2}
    assert ask(session, "select ctid::text, xmin::text, synced_at from clinical.patients order by 1") == rows_before
    assert len(outbox_rows(session)) == 2


def test_a_change_is_logged_with_its_old_and_new_value_alone(session: Session) -> None:
    counts(session, patient(1))
    assert counts(session, patient(1, 5, first_name="Ada")) == {"total": 1, "updated": 1}
    changes = ask(session, "select changed - 'raw' from change_log where operation = 'UPDATE'")
    assert changes == [({"first_name": ["First1", "Ada"]},)]


def test_an_older_version_never_overwrites_a_newer_one(session: Session) -> None:
    counts(session, patient(1, 5, first_name="New"))
    assert counts(session, patient(1, 2, first_name="Old")) == {"total": 1, "unchanged": 1}
    assert ask(session, "select first_name from clinical.patients") == [("New",)]


def test_of_one_key_in_one_batch_every_form_is_logged_and_the_newest_stands(session: Session) -> None:
    forms = [patient(1, minute, first_name=f"At{minute}") for minute in (3, 9, 1)]
    assert counts(session, *forms) == {"total": 3, "created": 1, "updated": 2}
    operations = ask(session, "select operation, changed -> 'first_name' from change_log order by id")
    assert operations == [("INSERT", "At1"), ("UPDATE", ["At1", "At3"]), ("UPDATE", ["At3", "At9"])]
    assert ask(session, "select first_name from clinical.patients") == [("At9",)]


def test_a_deletion_is_a_mark_and_a_newer_record_takes_it_back(session: Session) -> None:
    counts(session, patient(1))
    assert counts(session, deletion(1, 5)) == {"total": 1, "deleted": 1}
    assert ask(session, "select first_name, deleted_at is not null from clinical.patients") == [("First1", True)]
    assert counts(session, deletion(1, 6)) == {"total": 1, "unchanged": 1}
    assert counts(session, patient(1, 4, first_name="Late")) == {"total": 1, "unchanged": 1}
    assert counts(session, patient(1, 9)) == {"total": 1, "updated": 1}
    assert ask(session, "select deleted_at from clinical.patients") == [(None,)]
    assert [entry[0] for entry in outbox_rows(session)] == ["INSERT", "DELETE", "UPDATE"]


def test_the_order_and_the_number_of_arrivals_decide_nothing(session: Session) -> None:
    dice = random.Random(4)
    history: list[Record] = []
    for number in range(1, 21):
        history += [patient(number, minute, first_name=f"N{number}M{minute}") for minute in dice.sample(range(30), 3)]
        if number % 3 == 0:
            history.append(deletion(number, dice.randrange(30)))
    ends: set[tuple[Any, ...]] = set()
    for _ in range(6):
        ask_nothing(session, "drop table if exists clinical.patients")
        prepare(session)
        arrivals = history + dice.sample(history, 20)
        dice.shuffle(arrivals)
        for start in range(0, len(arrivals), 7):
            counts(session, *arrivals[start : start + 7])
        state = "select ehr_id, case when deleted_at is null then first_name end from clinical.patients order by 1"
        ends.add(tuple(ask(session, state)))
    assert len(ends) == 1


def ask_nothing(session: Session, statement: str) -> None:
    with session.store.transaction() as connection:
        connection.execute(statement)


def test_a_poorer_form_of_a_record_takes_nothing_away(session: Session) -> None:
    counts(session, patient(1, insurance={"company": "Acme"}))
    assert counts(session, patient(1)) == {"total": 1, "unchanged": 1}
    assert counts(session, patient(1, 3, first_name="Ada")) == {"total": 1, "updated": 1}
    row = ask(session, "select first_name, insurance, raw->'insurance' from clinical.patients")
    assert row == [("Ada", {"company": "Acme"}, {"company": "Acme"})]


@pytest.mark.parametrize(
    ("fields", "code", "column"),
    [
        ({"first_name": "nul\0"}, "nul-character", None),
        ({"other": "nul\0"}, "nul-character", None),
        ({"other": "\ud800"}, "not-storable", None),
        ({"account": {"balance": "1e999"}}, "not-storable", None),
        ({"updated_at": "soon"}, "not-a-timestamp", "updated_at"),
    ],
)
def test_a_record_that_cannot_be_read_is_held_and_the_others_land(
    session: Session, fields: dict[str, Any], code: str, column: str | None
) -> None:
    totals = counts(session, patient(1), patient(2, **fields), patient(3))
    if totals.get("held"):
        assert totals == {"total": 3, "created": 2, "held": 1}
        items = held_landings(session.store)
        assert [(item.key, item.code, item.column) for item in items] == [("2", code, column)]
        assert counts(session, patient(2)) == {"total": 1, "created": 1}
    else:
        assert fields == {"account": {"balance": "1e999"}}
    assert held_landings(session.store) == []


def test_a_literal_backslash_u_is_no_nul(session: Session) -> None:
    assert counts(session, patient(1, first_name="\\u0000")) == {"total": 1, "created": 1}


def test_a_key_of_the_wrong_kind_and_what_has_no_form_are_held(session: Session) -> None:
    wrong = replace(patient(1), key="one")
    unreadable = Unreadable(stream="patients", key="?", code="no-object", body=b"[]")
    assert counts(session, wrong, unreadable=[unreadable]) == {"total": 2, "held": 2}
    assert {(item.key, item.code) for item in held_landings(session.store)} == {("one", "no-key"), ("?", "no-object")}


def test_a_wider_stream_fills_its_new_column_from_records_that_did_not_change(
    tmp_path: Path, database: str, session: Session
) -> None:
    counts(session, patient(1, nick_name="Bo"))
    wide = replace(PATIENTS, columns=(*PATIENTS.columns, Column(name="nick_name", paths=("nick_name",))))
    with open_landing(tmp_path, database, wide) as wider:
        assert counts(wider, patient(1, nick_name="Bo")) == {"total": 1, "updated": 1}
        assert ask(wider, "select nick_name from clinical.patients") == [("Bo",)]


def test_a_column_never_changes_its_type(session: Session) -> None:
    counts(session, patient(1))
    stream = replace(PATIENTS, columns=(Column(name="first_name", type="integer", paths=("first_name",)),))
    with pytest.raises(Fix, match=r"first_name of clinical\.patients is of type text"):
        ensure_table(session.store, stream)


# ---------------------------------------------------------------- links


def links(session: Session) -> dict[str, str | None]:
    rows: Sequence[tuple[Any, ...]] = ask(
        session,
        "select s.session_key, n.note_key from clinical.sessions s left join clinical.notes n on n.id = s.note_id",
    )
    return dict(rows)


def test_a_session_is_linked_by_its_visit_whichever_comes_first(session: Session) -> None:
    counts(
        session, note("notes", "N1", visit="V1"), note("sessions", "S1", visit="V1"), note("sessions", "S2", visit="V2")
    )
    assert links(session) == {"S1": "N1", "S2": None}
    assert [(row.key, row.why) for row in unlinked(session, session.project.landings["sessions"])] == [("S2", "none")]
    counts(session, note("notes", "N2", visit="V2"))
    assert links(session) == {"S1": "N1", "S2": "N2"}
    assert outbox_rows(session)[-2:] == [("INSERT", "notes", "N2"), ("UPDATE", "sessions", "S2")]


def test_without_a_visit_patient_and_day_link_unless_two_notes_fit(session: Session) -> None:
    counts(session, note("notes", "N1", patient=1, day="2026-11-20", visit="V1"))
    counts(session, note("notes", "N2", patient=2, day="2026-11-20"), note("notes", "N3", patient=2, day="2026-11-20"))
    counts(
        session,
        note("sessions", "S1", patient=1, day="2026-11-20"),
        note("sessions", "S2", patient=2, day="2026-11-20"),
    )
    assert links(session) == {"S1": "N1", "S2": None}
    assert [(row.key, row.why) for row in unlinked(session, session.project.landings["sessions"])] == [
        ("S2", "ambiguous")
    ]


def test_a_deleted_note_is_nobodys(session: Session) -> None:
    counts(session, note("notes", "N1", visit="V1"), replace(note("notes", "N1", 1), data=None))
    counts(session, note("sessions", "S1", visit="V1"))
    assert links(session) == {"S1": None}


def test_two_systems_may_have_streams_of_one_name(tmp_path, database):
    with open_landing(tmp_path, database, PATIENTS) as session:
        patients = session.project.landings["patients"]
        clients = replace(patients, name="clients", system="shop", stream=replace(PATIENTS, table="clients"))
        shared_session = replace(
            session, project=replace(session.project, landings={"patients": patients, "clients": clients})
        )
        assert land(shared_session, "shop", [patient(1)], actor="tester")["created"] == 1
        assert land(shared_session, "ehr", [patient(2)], actor="tester")["created"] == 1
        with session.store.transaction() as connection:
            query = "select 'shop', ehr_id from clinical.clients union all select 'ehr', ehr_id from clinical.patients"
            assert sorted(connection.execute(query).fetchall()) == [("ehr", 2), ("shop", 1)]


def test_a_landed_table_cannot_be_emptied_behind_the_change_logs_back(session: Session) -> None:
    counts(session, patient(1))
    with (
        pytest.raises(psycopg.errors.RaiseException, match="delete its rows"),
        session.store.transaction() as connection,
    ):
        connection.execute("truncate clinical.patients")
    assert ask(session, "select count(*) from clinical.patients") == [(1,)]


def test_a_table_that_an_earlier_release_made_is_guarded_by_the_migration(session: Session) -> None:
    prepare(session)
    (text,) = [item.text for item in migrations() if item.name == "0008_kept_whole.sql"]
    with session.store.transaction() as connection:
        for table in ("patients", "notes", "sessions"):
            connection.execute(f"drop trigger no_truncate on clinical.{table}".encode())
        connection.execute(text[text.index("do $$") :].encode())
    query = "select tgrelid::regclass::text from pg_trigger where tgname = 'no_truncate' order by 1"
    assert ask(session, query) == [("clinical.notes",), ("clinical.patients",), ("clinical.sessions",)]


def test_a_version_of_another_type_holds_its_record(session: Session) -> None:
    assert counts(session, patient(1, updated_at={})) == {"total": 1, "held": 1}


@pytest.mark.parametrize("stream", ["sessions", "notes"])
@pytest.mark.parametrize("odd", [{"visit": {"id": "V1"}}, {"patient": "unknown"}, {"day": "unknown"}])
def test_a_column_that_links_compare_holds_its_record_on_either_side(
    session: Session, stream: str, odd: dict[str, object]
) -> None:
    """Without it, what contradicts a link would not be seen."""
    assert counts(session, note(stream, "S1", **odd)) == {"total": 1, "held": 1}
