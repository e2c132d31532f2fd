"""Values that are none of their column's type: the record lands with them in its raw form, and nothing stops or is silent."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from careloom.core.streams import Column, Record, Stream
from careloom.services.landing.link import compared_columns
from careloom.services.landing.write import land, prepare
from careloom.services.review.stuck import stuck_items
from careloom.services.session.sessions import Session
from careloom.store.landing_held import drift_of, held_landings
from careloom.systems.deepcura.streams import STREAMS as OF_DEEPCURA
from careloom.systems.drchrono.streams import STREAMS as OF_DRCHRONO
from services.landing_project import NOON, NOTES, PATIENTS, SESSIONS, open_landing, patient

SECRET = "Zebulon"
OBJECT, LIST = {"odd": SECRET}, [SECRET]
WRONG: dict[str, list[Any]] = {
    "text": [OBJECT, LIST],
    "integer": [SECRET, 1.5, True, 2**63, OBJECT, LIST],
    "numeric": [SECRET, True, OBJECT, LIST],
    "boolean": [SECRET, 7, OBJECT, LIST],
    "date": [SECRET, "2026-02-30", 19310115, True, OBJECT, LIST],
    "timestamp": [SECRET, 5, True, OBJECT, LIST],
    "jsonb": [],
}
KINDS = {str: "text", int: "number", float: "number", bool: "boolean", dict: "object", list: "list"}
EVERY = {name: stream for streams in (OF_DRCHRONO, OF_DEEPCURA) for name, stream in streams.items()}


@pytest.fixture
def session(tmp_path: Path, database: str) -> Iterator[Session]:
    with open_landing(tmp_path, database, PATIENTS, NOTES, SESSIONS) as session:
        prepare(session)
        yield session


def ask(session: Session, statement: str) -> list[tuple[Any, ...]]:
    with session.store.transaction() as connection:
        return connection.execute(statement).fetchall()  # type: ignore[call-overload, no-any-return]


def nest(path: str, value: Any) -> dict[str, Any]:
    head, _, tail = path.partition(".")
    return {head: nest(tail, value) if tail else value}


def cases(stream: Stream) -> list[tuple[Column, Any]]:
    """Every column but that of the version, with every kind of value that it cannot take."""
    columns = [column for column in stream.columns if stream.version not in column.paths]
    return [(column, value) for column in columns for value in WRONG[column.type]]


@pytest.mark.parametrize("name", sorted(EVERY))
def test_only_what_links_compare_holds_a_record_of_every_column_and_kind_of_wrong_value(
    tmp_path: Path, database: str, name: str
) -> None:
    stream = EVERY[name]
    with open_landing(tmp_path, database, *EVERY.values()) as session:
        prepare(session)
        compared_names = compared_columns(session, session.project.landings[name])
        compared_names |= {
            own_column for rule in stream.links for pairs in (*rule.tiers, rule.agree) for own_column, _ in pairs
        }
        expected_cases = cases(stream)
        assert expected_cases
        records = [
            Record(stream=name, key=str(number), data=nest(column.paths[0], value), observed_at=NOON)
            for number, (column, value) in enumerate(expected_cases, 1)
        ]
        counts = land(session, "ehr", records, actor="tester")
        held_count = sum(column.name in compared_names for column, _ in expected_cases)
        assert (counts["created"], counts["held"]) == (len(expected_cases) - held_count, held_count)
        assert {drift.column for drift in held_landings(session.store)} <= compared_names
        for number, (column, value) in enumerate(expected_cases, 1):
            if column.name not in compared_names:
                row = f"from clinical.{stream.table or name} where {stream.key_column}::text = '{number}'"
                assert ask(session, f"select {column.name}, {stream.raw} {row}") == [
                    (None, nest(column.paths[0], value))
                ]
        drift_keys = {(drift.column, drift.kind): drift.records for drift in drift_of(session.store, name)}
        expected_keys: dict[tuple[str, str], int] = {}
        for column, value in expected_cases:
            if column.name not in compared_names:
                for sibling in stream.columns:  # a phone is the mobile one, if there is one
                    if column.paths[0] in sibling.paths:
                        key = sibling.name, KINDS[type(value)]
                        expected_keys[key] = expected_keys.get(key, 0) + 1
        assert drift_keys == expected_keys


def test_it_is_told_once_for_each_column_and_kind_and_never_with_its_value(
    session: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = {"first_name": {"given": SECRET}, "date_of_birth": SECRET}
    for number in range(1, 4):
        assert land(session, "ehr", [patient(number, **odd)], actor="tester")["created"] == 1
    drift = [(item.column, item.code, item.kind, item.records) for item in drift_of(session.store, "patients")]
    assert sorted(drift) == [("born", "not-a-date", "text", 3), ("first_name", "not-a-text", "object", 3)]
    output = capsys.readouterr()
    assert (output.out + output.err).count("drift.noted") == 2
    waiting = stuck_items(session, "patients")
    assert [(item.kind, item.column) for item in waiting] == [("drift", "born"), ("drift", "first_name")]
    assert SECRET not in output.out + output.err + repr(waiting)


def test_the_value_that_was_there_stays_in_the_history_and_a_right_one_comes_back(session: Session) -> None:
    for minute, birth_date in enumerate(("1931-01-15", "unknown", "1931-01-16")):
        land(session, "ehr", [patient(1, minute, date_of_birth=birth_date)], actor="tester")
    history = (
        "select changed->'born' from change_log where table_name = 'patients' and operation = 'UPDATE' order by id"
    )
    assert ask(session, history) == [(["1931-01-15", None],), ([None, "1931-01-16"],)]
    assert ask(session, "select born::text, raw->>'date_of_birth' from clinical.patients") == [("1931-01-16",) * 2]


def test_what_was_held_for_such_a_value_is_over_when_the_record_lands(session: Session) -> None:
    with session.store.transaction() as connection:
        connection.execute(
            'insert into landing_held (stream, key, code, "column", message, body)'
            " values ('patients', '1', 'not-a-date', 'born', '', %s)",
            [b'{"id": 1, "date_of_birth": "unknown"}'],
        )
    record = patient(1, 1, date_of_birth="unknown")
    newer_record = Record(stream="patients", key="1", data=record.data, observed_at=NOON + timedelta(minutes=1))
    assert land(session, "ehr", [newer_record], actor="tester")["created"] == 1
    assert held_landings(session.store) == []
