"""A value that cannot be read holds its row, with a reason that does not quote it; it never ends the run."""

from __future__ import annotations

from services.sync_project import PEOPLE, Clinic, counts, someone

# (expression over Note, type, what it cannot read, code); each is one row's own affair
FAILING = (
    ("CAST(Note AS INTEGER)", "number", "twelve", "not-castable"),
    ("CAST(Note AS DATE)", "date", "2026-02-30", "not-a-date"),
    ("CAST(CAST(Note AS INTEGER) AS VARCHAR)", "string", "twelve", "not-castable"),
    ("Note::BOOLEAN", "bool", "perhaps", "not-a-bool"),
    ("strptime(Note, '%Y')", "datetime", "in spring", "not-castable"),
    ("make_date(2026, CAST(Note AS INTEGER), 1)", "date", "13", "not-castable"),
    ("sqrt(CAST(Note AS DOUBLE))", "number", "-1", "not-castable"),
    ("CAST(Note AS TINYINT) + CAST(100 AS TINYINT)", "number", "100", "not-castable"),
    ("Note || chr(CAST(Visits AS INTEGER) - 200)", "string", "x", "not-castable"),
    ("json_extract_string(Note, '$.a')", "string", "{a", "not-castable"),
)


def test_an_expression_that_fails_for_one_row_holds_that_row_alone(clinic: Clinic) -> None:
    odd = [
        f"  odd_{number}: {{from: \"CASE WHEN ID = 'K{number}' THEN {expression} END\", type: {kind}, role: none}}\n"
        for number, (expression, kind, _, _) in enumerate(FAILING)
    ]
    clinic.write(PEOPLE + "".join(odd))
    bad = [someone(number, Note=value) for number, (_, _, value, _) in enumerate(FAILING)]
    clinic.rows([*bad, someone(50)])
    assert counts(clinic.run()) == {"read": 11, "create": 1, "held": 10}
    assert clinic.reasons() == {f"K{number}": code for number, (_, _, _, code) in enumerate(FAILING)}
    assert {item.property for item in clinic.held().values()} == {f"odd_{number}" for number in range(10)}
    clinic.rows([*({**row, "Note": "", "Visits": "250"} for row in bad), someone(50)])
    assert counts(clinic.run()) == {"read": 11, "create": 10, "same": 1}


def test_a_branch_that_is_not_taken_holds_nobody(clinic: Clinic) -> None:
    odd = "{from: \"CASE WHEN Visits = '2' THEN CAST(Note AS INTEGER) ELSE 1 END\", type: number, label: Odd}"
    clinic.write(PEOPLE + f"  odd: {odd}\n")
    clinic.rows([someone(1, Note="twelve")])
    assert counts(clinic.run()) == {"read": 1, "create": 1}
    assert clinic.record("K1")["odd"] == "1"


def test_rows_land_after_their_fix(clinic: Clinic) -> None:
    clinic.rows([someone(1, Born="soon"), someone(2, Visits="many"), someone(3, Note="x" * 70_000), someone(4)])
    assert counts(clinic.run()) == {"read": 4, "create": 1, "held": 3}
    assert clinic.reasons() == {"K1": "not-a-date", "K2": "not-a-number", "K3": "too-long"}
    clinic.rows([someone(1), someone(2), someone(3), someone(4)])
    assert counts(clinic.run()) == {"read": 4, "create": 3, "same": 1}
    assert clinic.held() == {}


def test_what_the_portal_refuses_is_held_until_it_changes_or_is_offered_again(clinic: Clinic) -> None:
    clinic.rows([someone(1, Email="no mail at all"), someone(2)])
    result = clinic.run()
    assert counts(result) == {"read": 2, "create": 1, "held": 1}
    assert [(reason.kind, reason.property, reason.records) for reason in result.reasons] == [("remote", "email", 1)]
    wrote = clinic.writes()
    assert counts(clinic.run()) == {"read": 2, "same": 1, "held": 1}
    assert clinic.writes() == wrote
    assert clinic.retry() == 1
    assert counts(clinic.run()) == {"read": 2, "same": 1, "held": 1}
    assert clinic.writes() > wrote
    clinic.rows([someone(1), someone(2)])
    assert counts(clinic.run()) == {"read": 2, "same": 1, "create": 1}
    assert clinic.held() == {}


def test_a_refused_row_that_left_the_source_is_forgotten(clinic: Clinic) -> None:
    clinic.rows([someone(1, Email="no mail at all"), someone(2)])
    clinic.run()
    clinic.rows([someone(2)])
    assert counts(clinic.run()) == {"read": 1, "same": 1}
    assert clinic.held() == {}


def test_a_refused_row_that_is_again_what_was_acknowledged_is_no_longer_held(clinic: Clinic) -> None:
    clinic.rows([someone(1), someone(2)])
    clinic.run()
    clinic.rows([someone(1, Email="no mail at all"), someone(2)])
    clinic.run()
    assert clinic.reasons() == {"K1": "INVALID_EMAIL"}
    clinic.rows([someone(1), someone(2)])
    assert counts(clinic.run()) == {"read": 2, "same": 2}
    assert clinic.held() == {}


def test_a_linked_row_that_turns_bad_keeps_its_record_as_it_was(clinic: Clinic) -> None:
    clinic.rows([someone(1, Note="fine")])
    clinic.run()
    records_before = clinic.records()
    clinic.rows([someone(1, Note="worse", Born="soon")])
    assert counts(clinic.run()) == {"read": 1, "held": 1}
    assert clinic.records() == records_before
    clinic.rows([someone(1, Note="fine")])
    assert counts(clinic.run()) == {"read": 1, "same": 1}
    assert clinic.held() == {}
