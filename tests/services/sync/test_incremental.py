"""Reading only what changed at the source: as good as reading everything, or else everything is read."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import pytest

from services.sync_project import PEOPLE, Clinic, counts, someone

CURSOR = PEOPLE.replace("table: People, key: ID}", "table: People, key: ID, cursor: Changed, look_back: 1 hour}")


@pytest.fixture
def warehouse(clinic: Clinic) -> Clinic:
    clinic.source = "duckdb://warehouse.duckdb"
    clinic.write(CURSOR)
    return clinic


def put(clinic: Clinic, rows: Sequence[tuple[int, str, str]], kind: str = "timestamp") -> None:
    """Rows of (number, note, changed)."""
    with duckdb.connect(str(clinic.folder / "warehouse.duckdb")) as db:
        db.execute(
            "create or replace table People (ID varchar, First varchar, Last varchar, Email varchar, Phone varchar,"
            f" Born varchar, Visits varchar, Note varchar, Changed {kind})"
        )
        for number, note, changed_at in rows:
            person = someone(number, Note=note)
            db.execute("insert into People values (?, ?, ?, ?, ?, ?, ?, ?, ?)", [*person.values(), changed_at])


def test_after_a_clean_run_only_what_changed_since_is_read(warehouse: Clinic) -> None:
    put(warehouse, [(number, "", f"2026-01-0{number} 12:00") for number in range(1, 8)])
    assert counts(warehouse.run()) == {"read": 7, "create": 7}
    put(
        warehouse,
        [*((number, "", f"2026-01-0{number} 12:00") for number in range(1, 7)), (7, "new", "2026-01-08 09:00")],
    )
    assert counts(warehouse.run()) == {"read": 1, "update": 1}
    assert counts(warehouse.run()) == {"read": 1, "same": 1}
    assert counts(warehouse.run(full=True)) == {"read": 7, "same": 7}


def test_what_was_committed_late_is_found_by_looking_back(warehouse: Clinic) -> None:
    put(warehouse, [(1, "", "2026-01-01 10:00"), (2, "", "2026-01-01 12:00")])
    warehouse.run()
    put(warehouse, [(1, "", "2026-01-01 10:00"), (2, "", "2026-01-01 12:00"), (3, "", "2026-01-01 11:30")])
    assert counts(warehouse.run()) == {"read": 2, "same": 1, "create": 1}


def test_a_held_row_makes_the_next_run_read_everything(warehouse: Clinic) -> None:
    put(warehouse, [(1, "x" * 70_000, "2026-01-01 10:00"), (2, "", "2026-01-05 12:00")])
    assert counts(warehouse.run()) == {"read": 2, "create": 1, "held": 1}
    put(warehouse, [(1, "mended", "2026-01-01 10:00"), (2, "", "2026-01-05 12:00")])
    assert counts(warehouse.run()) == {"read": 2, "create": 1, "same": 1}
    assert counts(warehouse.run()) == {"read": 1, "same": 1}


def test_what_was_left_for_later_makes_the_next_run_read_everything(warehouse: Clinic) -> None:
    put(warehouse, [(1, "", "2026-01-01 10:00"), (2, "", "2026-01-05 12:00")])
    warehouse.run()
    put(warehouse, [(1, "new", "2026-01-06 10:00"), (2, "new", "2026-01-08 12:00")])
    with warehouse.without_write_scope():
        assert counts(warehouse.run()) == {"read": 2, "later": 2}
    assert counts(warehouse.run()) == {"read": 2, "update": 2}
    assert {record["note"] for record in warehouse.records().values()} == {"new"}


def test_what_a_person_must_decide_is_not_forgotten_either(warehouse: Clinic) -> None:
    warehouse.write(CURSOR + "unmatched: hold\n")
    put(warehouse, [(1, "", "2026-01-01 10:00"), (2, "", "2026-01-05 12:00")])
    assert counts(warehouse.run()) == {"read": 2, "held": 2}
    warehouse.plan()
    warehouse.decide("K1", "create")
    assert counts(warehouse.run()) == {"read": 2, "create": 1, "held": 1}


def test_another_project_reads_everything_again(warehouse: Clinic) -> None:
    put(warehouse, [(1, "a", "2026-01-01 10:00"), (2, "b", "2026-01-05 12:00")])
    warehouse.run()
    warehouse.write(CURSOR.replace("from: Note,", "from: upper(Note),"))
    assert counts(warehouse.run()) == {"read": 2, "update": 2}


def test_a_row_that_left_is_noticed_only_by_a_full_run(warehouse: Clinic) -> None:
    warehouse.write(CURSOR + "missing: archive\narchive_limit: 50%\n")
    put(warehouse, [(1, "", "2026-01-01 10:00"), (2, "", "2026-01-05 12:00")])
    warehouse.run()
    put(warehouse, [(2, "", "2026-01-05 12:00")])
    assert counts(warehouse.run()) == {"read": 1, "same": 1}
    assert counts(warehouse.run(full=True)) == {"read": 1, "same": 1, "archive": 1}


@pytest.mark.parametrize("kind", ["timestamp", "date", "timestamptz"])
def test_one_row_from_the_future_does_not_hide_the_others(warehouse: Clinic, kind: str) -> None:
    put(warehouse, [(1, "", "2026-01-01 10:00"), (2, "", "2999-01-01 00:00")], kind)
    warehouse.run()
    with warehouse.open() as session:
        today = session.clock().date().isoformat()
    put(warehouse, [(1, "", "2026-01-01 10:00"), (2, "", "2999-01-01 00:00"), (3, "", f"{today} 23:59")], kind)
    result = warehouse.run()
    assert counts(result) == {"read": 2, "same": 1, "create": 1}


def test_numbers_serve_as_cursors(warehouse: Clinic) -> None:
    put(warehouse, [(1, "", "10"), (2, "", "9")], "integer")
    warehouse.run()
    put(warehouse, [(1, "", "10"), (2, "", "9"), (3, "", "100")], "integer")
    assert counts(warehouse.run()) == {"read": 2, "same": 1, "create": 1}


def test_a_source_that_is_empty_keeps_its_place(warehouse: Clinic) -> None:
    put(warehouse, [])
    assert counts(warehouse.run()) == {}
    put(warehouse, [(1, "", "2026-01-01 10:00")])
    assert counts(warehouse.run()) == {"read": 1, "create": 1}
    put(warehouse, [(1, "", "2026-01-01 10:00"), (2, "", "2026-01-02 10:00")])
    assert counts(warehouse.run()) == {"read": 2, "same": 1, "create": 1}
