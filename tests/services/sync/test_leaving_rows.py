"""Rows that leave the source, and how many may."""

from __future__ import annotations

from services.sync_project import PEOPLE, Clinic, counts, someone

ARCHIVE = PEOPLE + "missing: archive\narchive_limit: 25%\n"


def test_a_row_that_left_is_kept_unless_the_sync_says_otherwise(clinic: Clinic) -> None:
    clinic.rows([someone(1), someone(2)])
    clinic.run()
    clinic.rows([someone(1)])
    assert counts(clinic.run()) == {"read": 1, "same": 1}
    assert len(clinic.records()) == 2


def test_a_row_that_left_is_archived_where_the_sync_says_so(clinic: Clinic) -> None:
    clinic.write(ARCHIVE)
    clinic.rows([someone(number) for number in range(8)])
    clinic.run()
    clinic.rows([someone(number) for number in range(6)])
    plan = clinic.plan()
    assert counts(plan) == {"read": 6, "same": 6, "archive": 2}
    assert clinic.apply().counts == plan.counts
    assert {values["clinic_id"] for values in clinic.records().values()} == {f"K{number}" for number in range(6)}
    assert counts(clinic.run()) == {"read": 6, "same": 6}


def test_too_many_at_once_are_a_broken_source_and_nothing_is_archived(clinic: Clinic) -> None:
    clinic.write(ARCHIVE)
    clinic.rows([someone(number) for number in range(8)])
    clinic.run()
    for row_count in (5, 0):
        clinic.rows([someone(number) for number in range(row_count)])
        result = clinic.run()
        assert counts(result) == ({"read": row_count, "same": row_count} if row_count else {})
        assert "nothing was archived" in result.notes[0]
    assert len(clinic.records()) == 8


def test_an_archive_that_was_refused_keeps_its_link_and_is_offered_again(clinic: Clinic) -> None:
    clinic.write(ARCHIVE)
    clinic.rows([someone(number) for number in range(8)])
    clinic.run()
    links = clinic.links()
    clinic.rows([someone(number) for number in range(6)])
    with clinic.without_write_scope():
        refusal = clinic.run()
    assert (refusal.state, refusal.unarchived, counts(refusal)) == ("failed", 2, {"read": 6, "same": 6})
    assert clinic.links() == links
    assert counts(clinic.run()) == {"read": 6, "same": 6, "archive": 2}
    assert clinic.links().keys() == {f"K{number}" for number in range(6)}


def test_a_row_that_comes_back_finds_no_trace_and_is_made_anew(clinic: Clinic) -> None:
    clinic.write(ARCHIVE)
    rows = [someone(number) for number in range(8)]
    clinic.rows(rows)
    clinic.run()
    clinic.rows(rows[:-1])
    clinic.run()
    clinic.rows(rows)
    assert counts(clinic.run()) == {"read": 8, "same": 7, "create": 1}
    assert len(clinic.records()) == 8


def test_a_row_with_a_fault_has_not_left(clinic: Clinic) -> None:
    clinic.write(ARCHIVE)
    rows = [someone(number) for number in range(8)]
    clinic.rows(rows)
    clinic.run()
    rows[3]["Born"] = "in spring"
    rows[4] = {**rows[4], "ID": "K5"}
    clinic.rows(rows)
    result = clinic.run()
    assert counts(result) == {"read": 8, "same": 5, "held": 3, "archive": 1}, (
        "K4 left, K5 is there twice, K3 is at fault"
    )
    assert len(clinic.records()) == 7
