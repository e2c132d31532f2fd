"""What is a name is never read as a number, blanks are the same on every engine, and what is guessed of a person is told."""

from __future__ import annotations

from typing import Any, LiteralString, cast

import duckdb
import psycopg
import pyarrow as pa
import pytest
from sqlglot import exp

from careloom.core.errors import Fix
from careloom.risk import score
from careloom.risk.population.clean import SPACES, UNSEEN, category, clean_code, day, sql_code
from careloom.risk.population.columns import normal_code
from careloom.risk.sql.dialects import DIALECTS
from risk.risk_shell import Shell

CODES = ("E11.9", "E119\u00a0", "\u200be11.9", "E119\t", "\u202fE119 ", "E119\r", "\ufeffE119", "E11\u200d9")


def scores_by_person(people: dict[str, list[Any]], codes: str = "", **extra: Any) -> dict[Any, dict[str, Any]]:
    coded_table = pa.table(
        {
            "person_id": pa.array([1] * len(codes.split()), pa.int64()),
            "diagnosis_code": pa.array(codes.split(), pa.string()),
        }
    )
    rows = score(pa.table(people), coded_table, model=extra.pop("model", "V28"), year=2026, **extra).to_pylist()
    return {row["person_id"]: row for row in rows}


def woman(**extra: Any) -> dict[str, list[Any]]:
    return {"person_id": [1], "age": [70], "sex": ["F"], "orec": ["0"]} | {
        name: [value] for name, value in extra.items()
    }


# ---------------------------------------------------------------- names that look like numbers


@pytest.mark.parametrize(
    ("written", "hcc"),
    [
        ("38", "38"),
        ("38.0", "38"),
        ("HCC38", "38"),
        ("HCC 038", "38"),
        ("RXHCC30", "30"),
        ("380", "380"),
        ("38.5", "38.5"),
        ("0", None),
    ],
)
def test_a_category_is_what_is_written_and_never_ten_times_it(written: str, hcc: str | None) -> None:
    assert duckdb.sql(f"select {category('x')} from (select '{written}' as x)").fetchone() == (hcc,)
    if "H" not in written:
        number = f"cast('{written}' as double)"
        assert duckdb.sql(f"select {category('x')} from (select {number} as x)").fetchone() == (hcc,)


def test_a_report_with_categories_as_numbers_agrees(shell: Shell) -> None:
    shell.write("people.csv", "person_id,age,sex,dual_elgbl_cd,orec\nA,74,F,00,0\n")
    shell.write("dx.csv", "person_id,diagnosis_code,service_date\nA,E1165,2025-03-01\n")
    for text in ("38.0", "HCC38", "38"):
        shell.write("report.csv", f"person_id,hcc\nA,{text}\n")
        assert shell.risk("reconcile", "--report", "report.csv", "--json").json["reasons"] == {"agrees": 1}
        shell.write("report.csv", f"person_id,hcc_list\nA,{text} \n")
        assert shell.risk("reconcile", "--report", "report.csv", "--json").json["reasons"] == {"agrees": 1}
        shell.write("thoughts.csv", f"person_id,hcc\nA,{text}\n")
        opportunities = shell.risk("gaps", "--opportunities", "thoughts.csv", "--json").json["opportunities"]
        assert opportunities["statuses"] == {"captured": 1}, "HCC 380 is another category"


# ---------------------------------------------------------------- blanks


@pytest.mark.parametrize("code", CODES)
def test_a_code_with_blanks_of_any_kind_counts_on_duckdb_and_postgresql(code: str, database: str) -> None:
    assert clean_code(code) == "E119"
    for dialect in ("duckdb", "postgres"):
        text = f"select {sql_code(exp.Literal.string(code)).sql(dialect=dialect)}"
        if dialect == "duckdb":
            assert duckdb.sql(text).fetchone() == ("E119",)
            continue
        with psycopg.connect(database) as connection:
            assert connection.execute(cast("LiteralString", text)).fetchone() == ("E119",)
    coded_table = pa.table({"person_id": [1], "diagnosis_code": [code]})
    assert str(score(pa.table(woman()), coded_table, model="V28", year=2026)["risk_score"][0]) == "0.561"


def test_every_engine_is_given_the_same_blanks() -> None:
    for dialect in DIALECTS:
        text = normal_code(exp.column("diagnosis_code"), "cms").sql(dialect=dialect)
        assert text.startswith("UPPER(TRIM(TRANSLATE(diagnosis_code, ")
        for blank in SPACES + UNSEEN:
            assert blank in text or {"\t": "\\t", "\r": "\\r", "\n": "\\n"}.get(blank, "none") in text


# ---------------------------------------------------------------- people


@pytest.mark.parametrize(
    ("dual", "raw"), [("2.0", "0.506"), ("02", "0.506"), (2, "0.506"), ("full", "0.395"), ("Y", "0.395"), (99, "0.395")]
)
def test_a_dual_status_that_is_none_is_told(dual: object, raw: str) -> None:
    row = scores_by_person(woman(dual_elgbl_cd=dual))[1]
    assert str(row["risk_score"]) == raw
    assert ("dual_elgbl_cd" in row["defaults_taken"]) == (raw == "0.395")
    assert "dual_elgbl_cd" not in scores_by_person(woman(dual_elgbl_cd="00"))[1]["defaults_taken"]


@pytest.mark.parametrize(
    ("born", "held"),
    [
        ("1956-01-31", None),
        ("19560131", None),
        (19560131, None),
        ("01/31/1956", None),
        ("31/01/1956", "age-unreadable"),
        ("2026-02-02", "age-unreadable"),
        ("2027-01-01", "age-unreadable"),
        ("some day", "age-unreadable"),
        ("", "age-missing"),
        (None, "age-missing"),
    ],
)
def test_a_birth_date_is_read_or_held_for_what_it_is(born: object, held: str | None) -> None:
    people = {"person_id": [1], "birth_date": [born], "sex": ["F"]}
    row = scores_by_person(people)[1]
    assert row["held"] == held
    assert held or str(row["risk_score"]) == "0.395"


@pytest.mark.parametrize(
    ("age", "held"), [("old", "age-unreadable"), (-3, "age-unreadable"), ("", "age-missing"), ("nan", "age-missing")]
)
def test_an_age_that_is_none_is_not_called_missing(age: object, held: str) -> None:
    assert scores_by_person({"person_id": [1], "age": [age], "sex": ["F"]})[1]["held"] == held


@pytest.mark.parametrize(
    ("sex", "held"),
    [
        ("F", None),
        ("female", None),
        ("2", None),
        (2, None),
        ("M", None),
        ("Male", None),
        ("Mx", "sex-missing"),
        ("FTM", "sex-missing"),
    ],
)
def test_a_sex_is_a_whole_word(sex: object, held: str | None) -> None:
    assert scores_by_person({"person_id": [1], "age": [70], "sex": [sex]})[1]["held"] == held


@pytest.mark.parametrize(("months", "is_reported"), [(-3, True), ("abc", True), (0, False), (6, False), (None, False)])
def test_months_of_a_graft_that_are_none_are_told(months: object, is_reported: bool) -> None:
    row = scores_by_person(woman(graft_months=months), model="ESRD-V24")[1]
    assert ("graft_months" in row["defaults_taken"]) == is_reported


def test_a_row_that_is_there_twice_is_one_person_and_a_contradiction_is_held() -> None:
    people = {"person_id": [1, 1, 2, 2, 3], "age": [70, 70, 70, 71, 70], "sex": ["F"] * 5}
    rows = scores_by_person(people)
    assert {person: row["held"] for person, row in rows.items()} == {1: None, 2: "rows-contradict", 3: None}
    assert str(rows[1]["risk_score"]) == "0.395"
    with pytest.raises(Fix, match="no person_id"):
        scores_by_person({"person_id": [1, None], "age": [70, 70], "sex": ["F", "F"]})


# ---------------------------------------------------------------- days of service


@pytest.mark.parametrize("written", ["2019-03-02", "03/02/2019", "20190302"])
def test_a_day_of_service_counts_for_its_year_however_it_is_written(shell: Shell, written: str) -> None:
    assert str((duckdb.sql(f"select {day('x')} from (select '{written}' as x)").fetchone() or ("",))[0]) == "2019-03-02"
    shell.write("people.csv", "person_id,age,sex,dual_elgbl_cd,orec\nA,70,F,00,0\n")
    shell.write("dx.csv", f"person_id,diagnosis_code,service_date\nA,E119,{written}\n")
    answer = shell.risk("score", "--out", "scores.csv", "--json").json
    assert (answer["left_out_by_date"], answer["date_unreadable"]) == (1, 0)


def test_a_year_in_which_nothing_counts_is_told_with_the_year_to_use(shell: Shell) -> None:
    result = shell.risk("score", "--out", "scores.csv", "--year", "2024")
    assert "none of the" not in result.out, "some of them are of 2023"
    shell.write(
        "dx.csv", "person_id,diagnosis_code,service_date\nA1,E119,2025-03-01\nA2,I509,2025-04-01\nA1,I509,2023-01-01\n"
    )
    result = shell.risk("score", "--out", "scores.csv", "--year", "2025")
    assert "! none of the 3 diagnoses counted: payment year 2025 counts those of 2024, and 2 are of 2025." in result.out
    assert "Score them with --year 2026" in result.out
