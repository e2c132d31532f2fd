"""`careloom risk validate --against`: a hundred per cent, or 1 and the reason of every difference."""

from __future__ import annotations

import duckdb
import pytest

from risk.risk_shell import Shell

HEAD = "person_id,age,sex,dual_elgbl_cd,orec,crec,new_enrollee,snp,lti\n"
THEIRS = "MBI,hccs,risk_score\n"


@pytest.fixture
def other_pipeline(shell: Shell) -> Shell:
    people = "".join(f"P{number},70,F,00,0,0,no,no,no\n" for number in range(1, 6))
    shell.write("people.csv", HEAD + people + "P6,,F,00,0,0,no,no,no\n")
    shell.write("dx.csv", "person_id,diagnosis_code\nP1,E119\nP2,I509\nP3,E119\nP4,E1122\nP4,E119\n")
    return shell


SAME = ["P1,HCC38,0.561", "P2,HCC226,0.755", "P3,38.0,0.561", "P4,37,0.561", "P5,,0.395", "P6,,"]
NAMED = ("--column", "person_id=MBI", "--column", "hcc_list=hccs")


def test_the_same_scores_and_categories_are_a_hundred_per_cent(other_pipeline: Shell) -> None:
    other_pipeline.write("theirs.csv", THEIRS + "\n".join(SAME) + "\n")
    result = other_pipeline.risk("validate", "--against", "theirs.csv", *NAMED)
    assert (result.code, result.err.count("!")) == (0, 0), result.out
    assert "100.00 %: 6 of 6 people" in result.out


def test_every_difference_has_its_reason_and_it_leaves_with_1(other_pipeline: Shell) -> None:
    other_texts = ["P1,HCC38,0.562", "P2,HCC226 HCC38,0.921", "P3,HCC38,0.9", "P4,HCC38,0.561", "P9,,0.4"]
    other_pipeline.write("theirs.csv", THEIRS + "\n".join(other_texts) + "\n")
    result = other_pipeline.risk("validate", "--against", "theirs.csv", *NAMED, "--out", "apart.csv")
    assert result.code == 1
    assert "0.00 %: 0 of 7 people" in result.out
    rows = {(row["person_id"], row["hcc"]): row["reason"] for row in other_pipeline.rows("apart.csv")}
    assert rows == {
        ("P1", ""): "rounded-otherwise",
        ("P2", ""): "other-categories",
        ("P2", "38"): "no-diagnosis-here",
        ("P3", ""): "other-coefficients",
        ("P4", ""): "other-categories",
        ("P4", "37"): "lower-in-hierarchy-at-cms",
        ("P4", "38"): "lower-in-hierarchy-here",
        ("P5", ""): "person-not-there",
        ("P6", ""): "person-not-there",
        ("P9", ""): "person-not-here",
    }


def test_what_hccinfhir_pays_is_known_by_its_own_scores(other_pipeline: Shell) -> None:
    other_pipeline.write("theirs.csv", THEIRS + "P1,HCC38,0.494752577319588\n")  # 0.561 x 0.941 / 1.067, not rounded
    answer = other_pipeline.risk("validate", "--against", "theirs.csv", *NAMED, "--score", "payment", "--json").json
    assert answer["reasons"]["score-as-compat"] == 1


def test_a_table_of_a_duckdb_database_is_read_as_it_is(other_pipeline: Shell) -> None:
    db = duckdb.connect(str(other_pipeline.folder / "warehouse.duckdb"))
    db.execute("create schema analytics")
    db.execute(
        "create table analytics.risk_scores as select 'P' || n as person_id, 0.395 as risk_score, []::varchar[] as hcc_list "
        "from range(1, 6) as r(n)"
    )
    db.close()
    other_pipeline.write("dx.csv", "person_id,diagnosis_code\n")
    answer = other_pipeline.risk("validate", "--against", "warehouse.duckdb:analytics.risk_scores", "--json").json
    assert (answer["equal"], answer["reasons"]["person-not-there"]) == (5, 1)
    assert other_pipeline.risk("validate", "--against", "warehouse.duckdb:analytics.nothing").code == 2


def test_nobody_and_two_scores_for_one_person_are_no_proof(other_pipeline: Shell) -> None:
    other_pipeline.write("theirs.csv", THEIRS + "P1,HCC38,0.561\nP1,HCC38,0.600\n")
    result = other_pipeline.risk("validate", "--against", "theirs.csv", *NAMED)
    assert (result.code, "more than one risk_score for 1 people" in result.err) == (2, True)
    other_pipeline.write("people.csv", HEAD)
    other_pipeline.write("theirs.csv", THEIRS)
    assert other_pipeline.risk("validate", "--against", "theirs.csv", *NAMED).code == 1
    assert other_pipeline.risk("validate", "--column", "person_id=MBI").code == 2
