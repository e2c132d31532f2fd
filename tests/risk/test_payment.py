"""What makes a payment score: published and own factors, blends of a year's models, a PACE organisation's frailty."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from careloom.core.errors import Fix
from careloom.risk import (
    Money,
    blended,
    facts,
    frailty_score,
    read_factors,
    score,
    scoring_statement,
    standard_money,
)
from risk.risk_shell import Shell

PEOPLE = pa.Table.from_pylist(
    [
        {"person_id": 1, "age": 72, "sex": "F", "dual_elgbl_cd": "00", "orec": "0"},
        {"person_id": 2, "age": 50, "sex": "M", "dual_elgbl_cd": "02", "orec": "1"},
        {"person_id": 3, "age": None, "sex": "M", "dual_elgbl_cd": "00", "orec": "0"},
    ]
)
CODES = pa.table({"person_id": [1, 1, 2, 3], "diagnosis_code": ["E11.9", "I509", "F200", "I509"]})
HEAD = "model,payment_year,normalization,graft_normalization,coding_intensity,frailty,source\n"


def file(tmp_path: Path, text: str, name: str = "factors.csv") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def by_person(table: pa.Table) -> dict[Any, dict[str, Any]]:
    return {row["person_id"]: row for row in table.to_pylist()}


# ---------------------------------------------------------------- blends


def test_the_blend_of_2025_is_a_third_v24_and_two_thirds_v28_each_by_its_own_factors() -> None:
    one, two = (by_person(score(PEOPLE, CODES, model=model, year=2025)) for model in ("V24", "V28"))
    both = by_person(blended(PEOPLE, CODES, year=2025))
    assert both.keys() == {1, 2, 3}
    # V24: 0.386 + 0.105 + 0.331 + 0.121 diabetes and HF; V28: 0.395 + 0.166 + 0.360 + 0.112
    assert (both[1]["v24_risk_score"], both[1]["v28_risk_score"]) == (Decimal("0.943"), Decimal("1.033"))
    # 0.943 / 1.153 = 0.818, x 0.941 = 0.770, x 0.33 = 0.254; 1.033 / 1.045 = 0.989, x 0.941 = 0.931, x 0.67 = 0.624
    assert both[1]["risk_score_payment"] == 0.878
    for person in (1, 2):
        row = both[person]
        assert (row["v24_share"], row["v28_share"]) == (0.33, 0.67)
        assert row["v24_risk_score"] == one[person]["risk_score"]
        assert row["v28_risk_score_payment"] == two[person]["risk_score_payment"]
        parts = [one[person]["risk_score_payment"] * 0.33, two[person]["risk_score_payment"] * 0.67]
        assert row["risk_score_payment"] == round(round(parts[0], 3) + round(parts[1], 3), 3)
        assert (row["held"], row["payment_unknown"]) == (None, None)


def test_pace_in_2026_is_nine_tenths_v22_without_coding_intensity() -> None:
    both = by_person(blended(PEOPLE, CODES, year=2026, pace=True))
    assert (both[1]["v22_share"], both[1]["v28_share"]) == (0.9, 0.1)
    assert (both[1]["v22_risk_score"], both[1]["v28_risk_score"]) == (Decimal("0.955"), Decimal("1.033"))
    # 0.955 / 1.187 = 0.805, x 0.9 = 0.725 (0.7245, half up); 1.033 / 1.067 = 0.968, x 0.1 = 0.097
    assert both[1]["risk_score_payment"] == 0.822


def test_somebody_who_is_held_keeps_a_row_in_the_blend_and_the_reason() -> None:
    row = by_person(blended(PEOPLE, CODES, year=2025))[3]
    assert (row["risk_score_payment"], row["v24_risk_score"], row["v28_risk_score"]) == (None, None, None)
    assert (row["held"], row["payment_unknown"]) == ("age-missing", "held: age-missing")
    assert (row["v24_share"], row["v28_share"]) == (0.33, 0.67)


def test_a_blend_of_one_model_is_that_model(tmp_path: Path) -> None:
    alone = by_person(score(PEOPLE, CODES, model="V28", year=2026))
    out = tmp_path / "blend.parquet"
    assert blended(PEOPLE, CODES, year=2026, out=out) == 3
    both = by_person(pq.read_table(out))
    assert {one: row["risk_score_payment"] for one, row in both.items()} == {
        one: row["risk_score_payment"] for one, row in alone.items()
    }
    assert both[1]["v28_share"] == 1.0


def test_a_part_without_a_payment_score_leaves_the_blend_without_one_and_says_so() -> None:
    money = {"V24": Money(normalization=None)}
    row = by_person(blended(PEOPLE, CODES, year=2025, money=money))[1]
    assert row["risk_score_payment"] is None
    assert row["v28_risk_score_payment"] is not None
    assert row["payment_unknown"] == "no normalization of V24 for 2025"
    with pytest.raises(Fix, match="the blend of 2028 is not known here"):
        blended(PEOPLE, CODES, year=2028, pace=True)


def test_rows_that_can_be_read_only_once_are_blended_too() -> None:
    once = (pa.RecordBatchReader.from_batches(table.schema, table.to_batches()) for table in (PEOPLE, CODES))
    assert by_person(blended(*once, year=2025)) == by_person(blended(PEOPLE, CODES, year=2025))


# ---------------------------------------------------------------- own factors


def test_a_users_own_factors_go_before_the_published_ones(tmp_path: Path) -> None:
    own_factors = read_factors(
        file(tmp_path, f"{HEAD}v28,2026,1.25,,,0.125,Announcement 2026\nV22,2025,1.5,,0.25,,\nV24,2026,,,,,\n")
    )
    money = standard_money("V28", 2026, own_factors=own_factors)
    assert (money.normalization, money.coding_intensity, money.frailty) == (1.25, 0.059, 0.125)
    assert money.sources[0] == "Announcement 2026"
    assert "coding pattern adjustment" in money.sources[1]
    row = by_person(score(PEOPLE, CODES, model="V28", year=2026, money=money))[1]
    assert row["risk_score_payment"] == 0.902  # 1.033 / 1.25 = 0.826; 0.826 x 0.941 = 0.777; + 0.125
    other = standard_money("V22", 2025, own_factors=own_factors)
    assert (other.normalization, other.coding_intensity) == (1.5, 0.25)
    assert other.sources == (f"{tmp_path / 'factors.csv'}, line 3",)
    assert standard_money("V24", 2026, own_factors=own_factors) == standard_money("V24", 2026)
    assert standard_money("V28", 2026, "compat", own_factors=own_factors) == Money(normalization=1.25, frailty=0.125)


def test_grafts_have_a_normalisation_of_their_own(tmp_path: Path) -> None:
    own_factors = read_factors(file(tmp_path, f"{HEAD}ESRD-V24,2025,1.1,1.2,,,x\n"))
    assert standard_money("ESRD-V24", 2025, own_factors=own_factors) == Money(
        normalization=1.1, grafts=1.2, coding_intensity=0.059
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("model,payment_year,factor\nV28,2026,1\n", "line 1: the column 'factor' is unknown; known are model"),
        ("model,normalization\nV28,1\n", "line 1: there is no column 'payment_year'"),
        ("model,payment_year,model\nV28,2026,V28\n", "line 1: the column 'model' is there twice"),
        ("", "line 1: there is no column 'model'"),
        (f"{HEAD}V28,2026,1.1,,,,a,b\n", "line 2: it has more cells than the header"),
        (
            f'{HEAD}"V28,2026{",1" * 1000}\n',
            "line 2: a cell is longer than 1000 characters; is a quotation mark left open?",
        ),
        (f"{HEAD}\nV29,2026,1.1,,,,\n", "line 3: there is no risk model 'V29'; write one of V22"),
        (f"{HEAD}V28,next,1.1,,,,\n", "line 2: payment_year is wrong; write a whole number from 2004"),
        (f"{HEAD}V28,2026.5,1.1,,,,\n", "line 2: payment_year is wrong"),
        (f"{HEAD}V28,,1.1,,,,\n", "line 2: payment_year is wrong"),
        (f"{HEAD}V28,2026,0,,,,\n", "line 2: normalization is wrong; write a number above 0"),
        (f"{HEAD}V28,2026,-1.1,,,,\n", "line 2: normalization is wrong"),
        (f"{HEAD}V28,2026,nan,,,,\n", "line 2: normalization is wrong"),
        (f"{HEAD}V28,2026,,,5.9,,\n", "line 2: coding_intensity is wrong; write a share from 0 to below 1"),
        (f"{HEAD}V28,2026,,,-0.1,,\n", "line 2: coding_intensity is wrong"),
        (f"{HEAD}V28,2026,,,5.9%,,\n", "line 2: coding_intensity is wrong"),
        (f"{HEAD}V28,2026,,,,inf,\n", "line 2: frailty is wrong"),
        (f"{HEAD}V28,2026,1,,,,\nv28,2026,1,,,,\n", "line 3: V28 of 2026 is there twice"),
        (f"{HEAD}V28,2026,,1.1,,,\n", "line 2: graft_normalization is wrong; write nothing"),
        (f"{HEAD}ESRD-V24,2025,1.1,,,,\n", "line 2: graft_normalization is wrong; write it"),
        (f"{HEAD}ESRD-V24,2025,,1.1,,,\n", "line 2: normalization is wrong; write it"),
    ],
)
def test_a_factor_that_is_none_is_refused_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(Fix) as error:
        read_factors(file(tmp_path, text))
    assert message in str(error.value)


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00m", b"model,payment_year\nV28,2026\xff\n"])
def test_a_file_of_factors_that_cannot_be_read_is_said_so(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "factors.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(Fix, match="cannot be read: give a CSV file"):
        read_factors(path)


def test_a_pace_organisation_cannot_be_given_a_coding_intensity(tmp_path: Path) -> None:
    own_factors = read_factors(file(tmp_path, f"{HEAD}V22,2026,1.2,,0.059,,\nV28,2026,1.1,,0,,\n"))
    with pytest.raises(Fix, match=r"line 2: a PACE organisation has no coding_intensity; leave it empty"):
        standard_money("V22", 2026, pace=True, own_factors=own_factors)
    assert standard_money("V28", 2026, pace=True, own_factors=own_factors) == Money(normalization=1.1)


def test_every_fact_has_a_source_or_is_said_to_be_unknown(tmp_path: Path) -> None:
    fact_list = {(fact.year, fact.model, fact.factor): fact for fact in facts()}
    assert all((value.value is None) == (value.source is None) for value in fact_list.values())
    assert fact_list[2026, "V28", "normalization"].value == 1.067
    assert fact_list[2026, "ESRD-V24", "graft_normalization"].value == 1.104
    assert fact_list[2026, None, "coding_intensity"].value == 0.059
    assert fact_list[2025, "V24", "share"].value == 0.33
    assert fact_list[2026, "V22", "pace_share"].value == 0.9
    assert fact_list[2025, "V22", "normalization"].value is None
    assert fact_list[2027, "V22", "pace_share"].value == 0.5
    assert (2027, "V24", "normalization") not in fact_list, "CMS has no tables of V24 for 2027"
    own_factors = read_factors(file(tmp_path, f"{HEAD}V22,2025,1.5,,0.25,,mine\n"))
    mine = {(fact.model, fact.factor): fact for fact in facts(2025, own_factors)}
    assert {value.year for value in mine.values()} == {2025}
    assert (mine["V22", "normalization"].value, mine["V22", "normalization"].source) == (1.5, "mine")
    assert mine["V22", "coding_intensity"].value == 0.25
    assert facts(2030) == []


# ---------------------------------------------------------------- frailty

TABLE = """adl_min,adl_max,medicaid,factor
0,0,no,-0.083
1,2,no,0.124
3,4,no,0.248
5,6,no,0.248
0,0,yes,-0.093
1,2,yes,0.105
3,4,yes,0.243
5,6,yes,0.420
"""
"""Invented factors: CMS publishes its own by model and year."""


def test_frailty_is_the_mean_of_the_respondents_factors(tmp_path: Path) -> None:
    survey = file(tmp_path, "id,adl_count,medicaid\na,0,no\nb,2,Yes\nc,6,yes\nd,4,0\ne,5,1\nf,1,n\n", "survey.csv")
    frailty = frailty_score(file(tmp_path, TABLE), survey)
    # -0.083 + 0.105 + 0.420 + 0.248 + 0.420 + 0.124 = 1.234; by 6 respondents 0.205666…
    assert (frailty.respondents, frailty.total, frailty.score) == (6, Decimal("1.234"), Decimal("0.205667"))
    assert [group.respondents for group in frailty.groups] == [1, 1, 1, 0, 0, 1, 0, 2]


def test_answers_can_be_counted_before(tmp_path: Path) -> None:
    survey = file(tmp_path, "adl_count,medicaid,respondents\n0,no,30\n1,no,\n2,no,9\n6,yes,0\n", "survey.csv")
    frailty = frailty_score(file(tmp_path, TABLE), survey)
    # 30 * -0.083 + 10 * 0.124 = -1.25; by 40 respondents -0.03125
    assert (frailty.respondents, frailty.total, frailty.score) == (40, Decimal("-1.250"), Decimal("-0.031250"))


@pytest.mark.parametrize(
    ("table", "survey", "message"),
    [
        (TABLE, "adl_count,medicaid\n", "has no respondents"),
        (TABLE, "adl_count,medicaid\n7,no\n", "line 2: adl_count is wrong; write a whole number from 0 to 6"),
        (TABLE, "adl_count,medicaid\n,no\n", "line 2: adl_count is wrong"),
        (TABLE, "adl_count,medicaid\n1,no\n1,perhaps\n", "line 3: medicaid is wrong; write yes or no"),
        (TABLE, "adl_count,medicaid,respondents\n1,no,-1\n", "line 2: respondents is wrong"),
        (TABLE, "adl_count\n1\n", "there is no column 'medicaid'"),
        (TABLE.replace("3,4,no,0.248\n", ""), "adl_count,medicaid\n1,no\n3,no\n", "survey.csv, line 3"),
        (f"{TABLE}2,3,no,0.1\n", "adl_count,medicaid\n1,no\n", "factors.csv, line 10: a line above has a factor"),
        (TABLE.replace("1,2,no", "2,1,no"), "adl_count,medicaid\n1,no\n", "line 3: adl_max is wrong"),
        (TABLE.replace("0.105", ""), "adl_count,medicaid\n1,no\n", "line 7: factor is wrong"),
        (TABLE.replace("0.105", "much"), "adl_count,medicaid\n1,no\n", "line 7: factor is wrong"),
    ],
)
def test_a_survey_that_cannot_be_weighed_is_refused_with_its_line(
    tmp_path: Path, table: str, survey: str, message: str
) -> None:
    with pytest.raises(Fix) as error:
        frailty_score(file(tmp_path, table), file(tmp_path, survey, "survey.csv"))
    assert message in str(error.value)
    assert "perhaps" not in str(error.value), "what somebody answered is not repeated"


# ---------------------------------------------------------------- the verbs


def test_the_command_blends_and_says_what_it_blended(shell: Shell) -> None:
    result = shell.risk("score", "--model", "blend", "--year", "2025", "--every-date", "--out", "blend.csv")
    assert result.code == 0
    assert "4 people by V24 33% + V28 67% of 2025 (cms)" in result.out
    assert "mean payment score" in result.out
    rows = {row["person_id"]: row for row in shell.rows("blend.csv")}
    paid = {}
    for model in ("V24", "V28"):
        shell.risk("score", "--model", model, "--year", "2025", "--every-date", "--out", "one.csv")
        paid[model] = {row["person_id"]: row["risk_score_payment"] for row in shell.rows("one.csv")}
    for person in ("A1", "A2", "A3"):
        parts = (Decimal(share) * Decimal(paid[model][person]) for model, share in (("V24", "0.33"), ("V28", "0.67")))
        amounts = [part.quantize(Decimal("0.001"), ROUND_HALF_UP) for part in parts]
        assert Decimal(rows[person]["risk_score_payment"]) == sum(amounts)
    assert rows["A4"]["payment_unknown"] == "held: age-missing"
    answer = shell.risk("score", "--model", "BLEND", "--year", "2025", "--out", "blend.parquet", "--json").json
    assert (answer["model"], answer["shares"], answer["people"]) == ("BLEND", {"V24": 0.33, "V28": 0.67}, 4)
    assert answer["money"]["V24"]["normalization"] == 1.153


@pytest.mark.parametrize("words", [["--trace", "t.csv"], ["--mode", "compat"]])
def test_a_blend_has_neither_a_trace_nor_a_compat_mode(shell: Shell, words: list[str]) -> None:
    result = shell.risk("score", "--model", "BLEND", "--year", "2025", "--out", "x.csv", *words)
    assert (result.code, "are of one model" in result.err) == (2, True)


def test_each_verb_says_that_a_payment_score_is_unknown_and_how_to_give_the_factor(shell: Shell) -> None:
    shell.write("report.csv", "person_id,risk_score\nA1,1.5\n")
    of = ("--model", "V22", "--year", "2025", "--every-date")
    verbs = (
        ("score", "--out", "x.csv", *of),
        ("explain", "A1", *of),
        ("what-if", "--person", "A1", "--add", "I509", *of),
        ("reconcile", "--report", "report.csv", *of[:4]),
    )
    for verb in verbs:
        result = shell.risk(*verb)
        assert result.code == 0, result.err
        assert "empty: no normalization of V22 for 2025 is known here" in result.out
        assert "--factors FILE: a line with model V22, payment_year 2025" in result.out
    shell.write("factors.csv", f"{HEAD}V22,2025,1.25,,0.2,0.5,mine\n")
    for verb in verbs:
        result = shell.risk(*verb, "--factors", "factors.csv")
        assert result.code == 0, result.err
        assert "empty" not in result.out
    assert "/ 1.25 = 1.872, * (1 - 0.2), + 0.5 = 1.998" in shell.risk(*verbs[1], "--factors", "factors.csv").out
    assert "  mine" in shell.risk(*verbs[1], "--factors", "factors.csv").out
    assert (
        "/ 1.25 = 1.872, * (1 - 0.2), + 0.75 = 2.248"
        in shell.risk(*verbs[1], "--factors", "factors.csv", "--frailty", "0.75").out
    )


def test_reconciling_pays_by_a_users_own_factors(shell: Shell) -> None:
    shell.write("report.csv", "person_id,risk_score\nA1,4.24\nA2,2.218\nA3,0.992\n")
    shell.write("factors.csv", f"{HEAD}V28,2026,0.5,,0,,mine\n")
    answer = shell.risk("reconcile", "--report", "report.csv", "--factors", "factors.csv", "--json").json
    assert "score-differs" not in answer["reasons"]
    assert shell.risk("reconcile", "--report", "report.csv", "--json").json["reasons"]["score-differs"] == 3


def test_a_file_of_factors_without_the_model_is_told_and_a_wrong_one_refused(shell: Shell) -> None:
    shell.write("factors.csv", f"{HEAD}V28,2025,1.1,,,,\n")
    result = shell.risk("score", "--out", "x.csv", "--factors", "factors.csv")
    assert "factors.csv has no line for V28 of 2026: what is published holds" in result.err
    shell.write("factors.csv", f"{HEAD}V28,2026,0,,,,\n")
    for verb in (["score", "--out", "y.csv"], ["explain", "A1"], ["what-if", "--person", "A1"]):
        second_result = shell.risk(*verb, "--factors", "factors.csv")
        assert (second_result.code, "factors.csv, line 2: normalization is wrong" in second_result.err) == (2, True)
    second_result = shell.risk("score", "--out", "y.csv", "--frailty", "nan")
    assert (second_result.code, "frailty" in second_result.err) == (2, True)


def test_factors_are_listed_with_their_source_or_as_not_known(shell: Shell) -> None:
    result = shell.risk("factors", "--year", "2025", files=False)
    assert result.code == 0
    lines = {" ".join(line.split()) for line in result.out.splitlines()}
    assert any(
        line.startswith("V28 normalization 1.045 final CMS, Announcement of Calendar Year 2025") for line in lines
    )
    assert "V22 normalization not known give it: --factors FILE" in lines
    assert any(line.startswith("V28 share 0.67 final CMS, Announcement") for line in lines)
    shell.write("factors.csv", f"{HEAD}V22,2025,1.25,,,,mine\n")
    answer = shell.risk("factors", "--year", "2025", "--factors", "factors.csv", "--json", files=False).json
    own_values = {
        "year": 2025,
        "model": "V22",
        "factor": "normalization",
        "value": 1.25,
        "source": "mine",
        "status": "own",
    }
    assert own_values in answer
    assert "nothing is known of 2030" in shell.risk("factors", "--year", "2030", files=False).out


def test_frailty_prints_what_is_handed_to_the_other_verbs(shell: Shell) -> None:
    shell.write("table.csv", TABLE)
    shell.write("survey.csv", "adl_count,medicaid\n1,no\n5,no\n")
    words = ("--factors-table", "table.csv", "--survey", "survey.csv")
    assert "--frailty 0.186000" in shell.risk("frailty", *words, files=False).out
    assert shell.risk("frailty", *words, "--json", files=False).json["score"] == "0.186000"
    shell.write("survey.csv", "adl_count,medicaid\n9,no\n")
    result = shell.risk("frailty", *words, files=False)
    assert (result.code, "survey.csv, line 2" in result.err) == (2, True)


def test_what_is_emitted_pays_by_a_users_own_factors(shell: Shell) -> None:
    shell.write("factors.csv", f"{HEAD}V28,2026,1.375,,,,mine\n")
    result = shell.risk("emit", "--factors", "factors.csv", files=False)
    assert "1375000000" in result.out, "in billionths"
    assert "1.067" not in result.out
    shell.write("dbt_project.yml", "name: mine\n")
    result = shell.risk(
        "emit", "--project", ".", "--model", "V28", "--year", "2026", "--factors", "factors.csv", files=False
    )
    assert result.code == 0, result.err
    (row,) = shell.rows("seeds/hcc/hcc_payment_factors.csv")
    assert (row["normalization"], row["coding_intensity"], row["share"]) == ("1.375", "0.059", "1.0")
    assert row["source"].startswith("mine; CMS, Announcement")
    shell.write("factors.csv", f"{HEAD}V28,2026,1.375,,,0.1,mine\n")
    second_result = shell.risk("emit", "--project", ".", "--factors", "factors.csv", files=False)
    assert (second_result.code, "line 2: leave frailty empty" in second_result.err) == (2, True)


def test_a_source_does_not_change_the_statement() -> None:
    money = Money(normalization=1.1, sources=("a",))
    assert money == Money(normalization=1.1)
    assert scoring_statement("V28", 2026, money=money) == scoring_statement("V28", 2026, money=Money(normalization=1.1))
