"""`careloom risk score, explain, what-if, report, tables, emit` end to end, and how each of them says no."""

from __future__ import annotations

import json
import stat
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from careloom.risk import score
from careloom.risk.published.table_releases import changes, installed, recorded
from risk.literal import Person
from risk.literal import score as by_hand
from risk.risk_shell import Shell

RAW = {"A1": "2.120", "A2": "1.109", "A3": "0.496"}


def test_score_writes_everybody_and_says_what_it_read(shell: Shell) -> None:
    result = shell.risk("score", "--out", "scores.csv", "--json")
    assert result.code == 0
    assert result.err == ""
    answer = result.json
    assert (answer["people"], answer["scored"], answer["held"]) == (4, 3, {"age-missing": 1})
    assert answer["defaults"] == {"dual_elgbl_cd": 1}
    assert (answer["diagnoses"], answer["left_out_by_date"], answer["of_nobody"]) == (17, 7, 2)
    assert (answer["without_category"], answer["not_icd_10"], answer["without_diagnoses"]) == (2, 1, 1)
    rows = {row["person_id"]: row for row in shell.rows("scores.csv")}
    assert {person: rows[person]["risk_score"] for person in RAW} == RAW
    assert rows["A1"]["hcc_list"] == "38 226 280 327"
    assert rows["A4"]["held"] == "age-missing"
    assert rows["A4"]["risk_score"] == ""


def test_the_command_scores_as_the_literal_reading_does(shell: Shell) -> None:
    shell.risk("score", "--model", "V24", "--out", "scores.parquet")
    rows = {row["person_id"]: row for row in pq.read_table(shell.folder / "scores.parquet").to_pylist()}
    scores = by_hand(
        Person(age=72, dual_elgbl_cd="00"), ["E119", "I509", "J449", "N184"], model="V24", defects=frozenset()
    )
    two = by_hand(
        Person(age=50, sex="M", dual_elgbl_cd="02", orec="1"), ["F200", "F1020"], model="V24", defects=frozenset()
    )
    assert [rows[person]["risk_score"] for person in ("A1", "A2")] == [
        Decimal(scores.total) / 1000,
        Decimal(two.total) / 1000,
    ]


def test_dates_outside_the_service_year_count_only_when_asked_for(shell: Shell) -> None:
    assert shell.risk("score", "--out", "scores.csv", "--every-date", "--json").json["left_out_by_date"] == 0
    rows = {row["person_id"]: row["hcc_list_before"] for row in shell.rows("scores.csv")}
    assert rows["A1"] == "23 37 38 226 280 327"
    shell.risk("score", "--out", "scores.csv", "--year", "2025", "--json")
    assert {row["person_id"]: row["hcc_list_before"] for row in shell.rows("scores.csv")}["A1"] == "37 38"


def test_parquet_and_csv_give_the_same_scores_and_only_the_owner_may_read_them(shell: Shell) -> None:
    db = duckdb.connect()
    for name in ("people", "dx"):
        folder = shell.folder / name
        db.execute(f"copy (from read_csv('{folder}.csv', all_varchar = true)) to '{folder}.parquet' (format parquet)")
    shell.risk("score", "--out", "one.parquet", "--people", "people.parquet", "--diagnoses", "dx.parquet", files=False)
    shell.risk("score", "--out", "two.parquet")
    one, two = (pq.read_table(shell.folder / f"{name}.parquet").sort_by("person_id") for name in ("one", "two"))
    assert one.equals(two)
    for name in ("one.parquet", "two.parquet"):
        assert stat.S_IMODE((shell.folder / name).stat().st_mode) == 0o600
    assert sorted(path.name for path in shell.folder.glob(".*")) == []


def test_a_trace_has_a_row_for_each_step_and_adds_up(shell: Shell) -> None:
    result = shell.risk("score", "--out", "scores.csv", "--trace", "steps.csv")
    assert "only you can read" in result.out
    steps = [row for row in shell.rows("steps.csv") if row["person_id"] == "A1"]
    assert sum(Decimal(row["value"]) for row in steps if row["value"]) == Decimal(RAW["A1"])
    assert {row["hcc"] for row in steps if row["step"] == "diagnosis"} == {"38", "226", "280", "327"}
    assert "trace" not in shell.rows("scores.csv")[0]


def test_progress_and_counts_stand_apart(shell: Shell) -> None:
    result = shell.risk("score", "--out", "scores.csv")
    assert "4 people by V28 of 2026 (cms)" in result.out
    assert "… scoring by V28 of 2026" in result.err


def test_pace_has_no_coding_intensity_and_its_own_frailty(shell: Shell) -> None:
    shell.risk("score", "--out", "scores.csv", "--pace", "--frailty", "0.1")
    risk_score_payments = {row["person_id"]: row["risk_score_payment"] for row in shell.rows("scores.csv")}
    assert float(risk_score_payments["A1"]) == 2.087  # 2.120 / 1.067 = 1.987, + 0.1


def test_explain_goes_from_the_diagnoses_to_the_payment(shell: Shell) -> None:
    result = shell.risk("explain", "A1")
    assert result.code == 0
    for line in ("A1: V28 of 2026 (cms), segment CNA", "HCC 38", "0.395 CNA_F70_74", "0.112 CNA_DIABETES_HF_V28"):
        assert line in result.out
    assert "2.120 raw = 0.395 demographics + 1.725 disease" in result.out
    assert "2.120 / 1.067 = 1.987, * (1 - 0.059) = 1.870" in result.out
    answer = shell.risk("explain", "A1", "--json").json
    assert sum(Decimal(term["value"]) for term in answer["terms"]) == Decimal("2.120")


def test_explain_says_what_dropped_a_category_and_which_code_has_none(shell: Shell) -> None:
    result = shell.risk("explain", "A1", "--every-date")
    assert "HCC 38 Diabetes with Glycemic, Unspecified, or No Complications: by HCC 37" in result.out
    assert "Z0000    (no category in this model)" in shell.risk("explain", "A3").out
    assert "held: age-missing; there is no score" in shell.risk("explain", "A4").out


def test_what_if_names_every_coefficient_that_comes_and_goes(shell: Shell) -> None:
    answer = shell.risk("what-if", "--person", "A1", "--add", "E11.22", "--remove", "n18.4", "--json").json
    assert Decimal(answer["difference"]) == Decimal(
        "-0.690"
    )  # 0.514 HCC327 and 0.176 HF_KIDNEY go; 37 is worth what 38 is
    assert {name: Decimal(value) for name, value in answer["changes"].items()} == {
        "CNA_HCC38": Decimal("-0.166"),
        "CNA_HCC37": Decimal("0.166"),
        "CNA_HCC327": Decimal("-0.514"),
        "CNA_HF_KIDNEY_V28": Decimal("-0.176"),
    }
    result = shell.risk("what-if", "--person", "A1", "--add", "E11.22", "--add", "Z1234")
    assert "HCC 38 is dropped by HCC 37" in result.out
    assert "Z1234: no category in this model" in result.out
    assert "payment 1.870 → 1.870" in result.out


def test_what_if_of_somebody_without_diagnoses(shell: Shell) -> None:
    shell.write("dx.csv", "person_id,diagnosis_code\n")
    assert Decimal(shell.risk("what-if", "--person", "A1", "--add", "E119", "--json").json["difference"]) == Decimal(
        "0.166"
    )
    assert "is held (age-missing)" in shell.risk("what-if", "--person", "A4", "--add", "E119").out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["score", "--out", "x.csv", "--model", "V29"], "there is no risk model 'V29'"),
        (["score", "--out", "x.csv", "--year", "2019"], "no diagnosis mapping for 2019"),
        (["score", "--out", "x.csv", "--mode", "sas"], "Invalid value"),
        (["score", "--out", "x.xls"], "neither Parquet nor CSV"),
        (["score", "--out", "nowhere/x.csv"], "the folder of nowhere/x.csv does not exist"),
        (["explain", "Nobody"], "is that of 0 people"),
        (["what-if", "--person", "A1", "--remove", "E10.9"], "E109 is no diagnosis of this person"),
        (["gaps", "--look-back", "0"], "at least 1"),
        (["gaps", "--opportunities", "people.csv"], "has no column 'hcc'"),
        (["reconcile", "--report", "people.csv"], "none of the columns hcc, hcc_list and risk_score"),
        (["reconcile", "--report", "people.csv", "--column", "mbi=x"], "write --column OURS=THEIRS"),
        (["reconcile", "--report", "people.csv", "--column", "hcc=x"], "people.csv has no column 'x'"),
    ],
)
def test_a_users_mistake_is_a_sentence_and_exit_code_2(shell: Shell, words: list[str], message: str) -> None:
    result = shell.risk(*words)
    assert result.code == 2
    assert message in result.err
    assert "bug" not in result.err
    assert not list(shell.folder.glob("x.*"))


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("people.csv", "person_id,age\nAda Secret,70\n", "no column 'sex'"),
        ("people.csv", "person_id,sex\nAda Secret,F\n", "no column 'age'"),
        ("people.csv", "person_id,age,sex\n,70,F\n", "no person_id"),
        ("dx.csv", "person_id,code\nAda Secret,E119\n", "no column 'diagnosis_code'"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_without_what_is_in_it(
    shell: Shell, name: str, text: str, message: str
) -> None:
    shell.write(name, text)
    result = shell.risk("score", "--out", "scores.csv")
    assert result.code == 2
    assert message in result.err
    assert "Secret" not in result.out + result.err


@pytest.mark.parametrize("damage", ["cut", "text", "missing", "bytes"])
def test_a_damaged_file_is_said_so_without_its_content(shell: Shell, damage: str) -> None:
    path = shell.folder / ("people.csv" if damage == "bytes" else "people.parquet")
    pq.write_table(pa.table({"person_id": ["Ada Secret"] * 5000, "age": [70] * 5000, "sex": ["F"] * 5000}), path)
    whole_content = path.read_bytes()
    changed_values = {
        "cut": whole_content[: len(whole_content) // 2],
        "text": b"Ada Secret",
        "bytes": b"person_id,age,sex\nAda Secret \xff\xfe,1,F\n",
    }
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(changed_values[damage])
    result = shell.risk("score", "--out", "s.csv", "--people", path.name, "--diagnoses", "dx.csv", files=False)
    assert result.code == 2, result.err
    assert "read" in result.err
    assert "Secret" not in result.err
    assert "bug" not in result.err


def test_a_report_has_numbers_and_nobody(shell: Shell) -> None:
    shell.write("people.csv", "person_id,age,sex\n" + "".join(f"P{number},{60 + number},F\n" for number in range(40)))
    shell.write("dx.csv", "person_id,diagnosis_code\n" + "".join(f"P{n},E119\n" for n in range(20)) + "P1,C50911\n")
    for name in ("scores.parquet", "scores.csv"):
        shell.risk("score", "--out", name)
        result = shell.risk("report", "--scores", name, "--html", f"{name}.html", files=False)
        assert result.code == 0, result.err
    page, other = ((shell.folder / f"{name}.html").read_text() for name in ("scores.parquet", "scores.csv"))
    assert page.split("<footer>")[0] == other.split("<footer>")[0]
    assert "40 people, 40 scored" in page
    assert "HCC 38 Diabetes" in page
    assert "50.0 %" in page
    assert "HCC 23" not in page, "few enough to be known by it"
    assert "P17" not in page
    assert "http" not in page.replace("http://www.w3.org", "")


def test_a_report_by_another_model_is_not_drawn(shell: Shell) -> None:
    shell.risk("score", "--out", "scores.csv", "--model", "V24")
    result = shell.risk("report", "--scores", "scores.csv", "--html", "x.html", files=False)
    assert (result.code, "say so: --model V24" in result.err) == (2, True)
    assert shell.risk("report", "--scores", "people.csv", "--html", "x.html", files=False).code == 2


def test_the_installed_tables_are_those_that_this_release_was_proved_with(shell: Shell) -> None:
    result = shell.risk("tables", "--check", files=False)
    assert (result.code, "nothing changed" in result.out) == (0, True), (
        "careloom risk tables --write proved_tables.json"
    )
    output = shell.risk("tables", files=False).out
    assert "V28 2026" in output
    assert "1,237" in output


def test_a_changed_table_is_named_with_its_numbers(shell: Shell) -> None:
    shell.risk("tables", "--write", "mine.json", files=False)
    record = json.loads((shell.folder / "mine.json").read_text())
    record["editions"]["V28 2026"]["codes"] = {"entries": 8000, "digest": "other"}
    del record["editions"]["V24 2026"]
    shell.write("mine.json", json.dumps(record))
    result = shell.risk("tables", "--check", "--against", "mine.json", files=False)
    assert result.code == 20
    assert "V28 2026: codes changed, 8,000 entries before and 8,317 now" in result.out
    assert "V24 2026: coefficients changed, 0 entries before and 1,039 now" in result.out
    assert len(shell.risk("tables", "--check", "--against", "mine.json", "--json", files=False).json["changes"]) == 7
    shell.write("mine.json", "[]")
    assert shell.risk("tables", "--check", "--against", "mine.json", files=False).code == 2
    assert shell.risk("tables", "--against", "mine.json", files=False).code == 2
    assert changes(recorded(), installed()) == []


def test_what_is_emitted_can_be_run_with_the_tables_beside_it(shell: Shell) -> None:
    result = shell.risk("emit", "--dialect", "duckdb", "--out", "v28.sql", "--tables", "lookups", files=False)
    assert result.code == 0
    db = duckdb.connect()
    for path in (shell.folder / "lookups").glob("*.parquet"):
        db.execute(f"create view {path.stem} as from '{path}'")
    flags = ", ".join(f"false as {name}" for name in ("new_enrollee", "snp", "lti", "low_income"))
    db.execute(
        "create view people as select 'A1' as person_id, 72.0 as age, 'F' as sex, '00' as dual_elgbl_cd, '0' as orec, "
        f"'0' as crec, {flags}, null::integer as graft_months"
    )
    db.execute(f"create view diagnoses as from read_csv('{shell.folder}/dx.csv') where service_date >= '2025-01-01'")
    ran = db.execute((shell.folder / "v28.sql").read_text()).to_arrow_table().to_pylist()
    assert [str(row["risk_score"]) for row in ran] == [RAW["A1"]]
    assert ran[0]["risk_score_payment"] == 1.870


@pytest.mark.parametrize("dialect", ["postgres", "bigquery", "spark"])
def test_a_statement_is_printed_for_each_engine(shell: Shell, dialect: str) -> None:
    result = shell.risk("emit", "--dialect", dialect, "--model", "V24", files=False)
    assert result.code == 0
    assert result.out.startswith("WITH mapped AS")
    assert result.err == ""


def test_emit_says_no_to_what_it_cannot_write(shell: Shell) -> None:
    assert "oracle" in shell.risk("emit", "--dialect", "oracle", files=False).err
    assert "--project or --functions" in shell.risk("emit", "--model", "V24", "--model", "V28", files=False).err
    assert "--dialect bigquery" in shell.risk("emit", "--functions", files=False).err
    assert "one of them" in shell.risk("emit", "--functions", "--project", ".", files=False).err
    assert "V99" in shell.risk("emit", "--functions", "--dialect", "bigquery", "--model", "V99", files=False).err
    result = shell.risk("emit", "--project", ".", files=False)
    assert (result.code, "has no dbt project" in result.err) == (2, True)


def test_emit_writes_the_functions_of_several_models(shell: Shell) -> None:
    models = ("--model", "v28", "--model", "ESRD-V24")
    result = shell.risk("emit", "--functions", "--dialect", "bigquery", *models, "--out", "functions.sql", files=False)
    assert (result.code, "Run it where the dbt project was built" in result.out) == (0, True)
    script = (shell.folder / "functions.sql").read_text()
    assert script.count("CREATE OR REPLACE TABLE FUNCTION") == 2
    assert "hcc.hcc_esrd_v24_2026_risk_scores(coded_until DATE)" in script
    assert "1067000000" in script  # the year's normalisation, in billionths


def test_emit_writes_into_a_dbt_project(shell: Shell) -> None:
    shell.write("dbt_project.yml", "name: mine\n")
    result = shell.risk("emit", "--project", ".", "--model", "V28", "--year", "2026", files=False)
    assert result.code == 0
    assert "V28 of 2026" in result.out
    assert (shell.folder / "models" / "hcc" / "hcc_scores.sql").is_file()


def test_the_api_and_the_command_say_the_same_of_everybody(shell: Shell, tmp_path: Path) -> None:
    shell.risk("score", "--out", "scores.parquet")
    people = pa.Table.from_pylist(
        [{"person_id": "A2", "age": 50, "sex": "M", "dual_elgbl_cd": "02", "orec": "1", "crec": "0"}]
    )
    codes = pa.table({"person_id": ["A2", "A2"], "diagnosis_code": ["F200", "F1020"]})
    (own_row,) = score(people, codes, model="V28", year=2026).to_pylist()
    theirs = {row["person_id"]: row for row in pq.read_table(tmp_path / "scores.parquet").to_pylist()}["A2"]
    assert {**own_row, "defaults_taken": []} == theirs
