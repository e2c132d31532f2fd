"""Payment scores are CMS's own numbers: rounded to three decimals after each step, alone, in blends and beside CMS's report."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import pyarrow as pa
import pytest

from careloom.risk import blended, facts, score, years
from careloom.risk.sql.rounding import lessened, normalized
from risk.risk_shell import Shell
from risk.test_payment import CODES, PEOPLE, by_person


def test_2024_is_paid_by_two_thirds_v24_and_a_third_v28() -> None:
    row = by_person(blended(PEOPLE, CODES, year=2024))[1]
    # 0.943 / 1.146 = 0.823, x 0.941 = 0.774, x 0.67 = 0.519; 1.033 / 1.015 = 1.018, x 0.941 = 0.958, x 0.33 = 0.316
    assert row["risk_score_payment"] == 0.835
    # Tuva's worked example: 76, partial dual, originally disabled, E08.3293 and E13.9: 0.588 + 0.166 by V28, 0.699 paid
    someone = [{"person_id": 1, "age": 76, "sex": "F", "dual_elgbl_cd": "01", "orec": "1"}]
    codes = pa.table({"person_id": [1, 1], "diagnosis_code": ["E08.3293", "E13.9"]})
    (score_row,) = score(pa.Table.from_pylist(someone), codes, model="V28", year=2024).to_pylist()
    assert (score_row["risk_score"], score_row["risk_score_payment"]) == (Decimal("0.754"), 0.699)


def test_pace_in_2027_is_half_and_half() -> None:
    row = by_person(blended(PEOPLE, CODES, year=2027, pace=True))[1]
    # V22: 0.955 / 1.202 = 0.795, x 0.5 = 0.398 (0.3975, half up); V28: 1.033 / 1.079 = 0.957, x 0.5 = 0.479
    assert row["risk_score_payment"] == 0.877


def test_every_blend_that_is_printed_can_be_worked_out() -> None:
    for pace in (False, True):
        for fact in facts():
            if fact.factor == ("pace_share" if pace else "share") and fact.value and fact.year in years():
                rows = by_person(blended(PEOPLE, CODES, year=fact.year, pace=pace))
                assert (
                    rows[1]["v28_risk_score" if fact.model == "V28" else f"{fact.model}_risk_score".lower()] is not None
                )


@pytest.mark.parametrize("code", ["C430", "E119", "I509", "J449", "F200", "N184", "B20", "I4891", "G35", "M0579"])
def test_a_payment_score_is_cms_own_number_in_python_and_sql(code: str) -> None:
    person = PEOPLE.slice(0, 1)
    (row,) = score(person, pa.table({"person_id": [1], "diagnosis_code": [code]}), model="V28", year=2026).to_pylist()
    places, factor = Decimal("0.001"), Decimal("1.067")
    normal = (row["risk_score"] / factor).quantize(places, ROUND_HALF_UP)
    assert row["risk_score_payment"] == float((normal * Decimal("0.941")).quantize(places, ROUND_HALF_UP))
    assert lessened(normalized(int(row["risk_score"] * 1000), 1.067), 0.941) == round(row["risk_score_payment"] * 1000)


def test_reconciling_with_what_cms_pays_finds_no_difference_that_is_none(shell: Shell) -> None:
    shell.write("people.csv", "person_id,age,sex,dual_elgbl_cd,orec\n1,70,F,00,0\n")
    shell.write("dx.csv", "person_id,diagnosis_code\n1,C430\n")
    shell.write("report.csv", "person_id,hcc,risk_score\n1,HCC23,0.513\n")
    answer = shell.risk("reconcile", "--report", "report.csv", "--json").json
    assert (answer["agreeing"], answer["reasons"]) == (1, {"agrees": 1})
    shell.write("report.csv", "person_id,hcc,risk_score\n1,HCC23,0.5124\n")
    assert shell.risk("reconcile", "--report", "report.csv", "--json").json["reasons"] == {
        "agrees": 1,
        "score-differs": 1,
    }
