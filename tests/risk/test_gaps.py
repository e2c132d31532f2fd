"""`careloom risk gaps` and `reconcile`: each status and each reason has its person."""

from __future__ import annotations

import pytest

from risk.risk_shell import Shell


def by_person(rows: list[dict[str, str]], what: str) -> dict[tuple[str, str], str]:
    return {(row["person_id"], row["hcc"]): row[what] for row in rows}


def test_chronic_categories_of_former_years_are_recaptured_covered_or_open(shell: Shell) -> None:
    result = shell.risk("gaps", "--out", "gaps.csv", "--json")
    assert result.code == 0
    rows = shell.rows("gaps.csv")
    assert by_person(rows, "status") == {
        ("A1", "37"): "open",  # E11.22 in 2024; E11.9 of that year is below it, and 2021 is too long ago
        ("A2", "151"): "recaptured",
        ("A2", "226"): "open",
        ("A3", "38"): "covered",  # by 37, which is coded without a date
    }
    assert by_person(rows, "covered_by")["A3", "38"] == "37"
    assert by_person(rows, "open_coefficient") == {
        ("A1", "37"): "0.166",
        ("A2", "151"): "",
        ("A2", "226"): "0.537",
        ("A3", "38"): "",
    }
    heart = next(row for row in rows if row["hcc"] == "226")
    assert (heart["last_coded_on"], heart["years_coded"]) == ("2024-02-01", "2")
    recapture = result.json["recapture"]
    assert recapture["statuses"] == {"covered": 1, "open": 2, "recaptured": 1}
    assert [(hcc, people, worth) for hcc, _, people, worth in recapture["open"]] == [
        ("226", 1, 0.537),
        ("37", 1, 0.166),
    ]


def test_looking_back_further_finds_more(shell: Shell) -> None:
    shell.risk("gaps", "--out", "gaps.csv", "--look-back", "4")
    assert by_person(shell.rows("gaps.csv"), "status")["A1", "23"] == "open"
    shell.risk("gaps", "--out", "gaps.csv", "--look-back", "1")
    assert {row["hcc"]: row["years_coded"] for row in shell.rows("gaps.csv")}["226"] == "1"


def test_what_is_not_chronic_is_no_gap(shell: Shell) -> None:
    shell.write("dx.csv", "person_id,diagnosis_code,service_date\nA1,A419,2024-05-05\n")  # sepsis
    result = shell.risk("gaps")
    assert "recapture: nothing; open of 0 people" in result.out


def test_gaps_need_dates(shell: Shell) -> None:
    shell.write("dx.csv", "person_id,diagnosis_code\nA1,E119\n")
    result = shell.risk("gaps")
    assert (result.code, "no column 'service_date'" in result.err) == (2, True)


def test_every_status_of_an_opportunity(shell: Shell) -> None:
    shell.write(
        "thoughts.csv",
        "person_id,hcc,reason,model,payment_year\n"
        "A1,HCC38,lab,V28,2026\nA1,329,lab,CMS-HCC Model V28,2026\nA2,HCC 22,note,,\nA2,22,again,v28,\nA2,999,x,V28,2026\n"
        "Z1,38,x,V28,2026\nA3,22,x,V24,2026\nA3,22,x,V28,2025\n",
    )
    result = shell.risk("gaps", "--opportunities", "thoughts.csv", "--out", "gaps.csv")
    rows = [row for row in shell.rows("gaps.csv") if row["kind"] == "opportunities"]
    assert by_person(rows, "status") == {
        ("A1", "38"): "captured",
        ("A1", "329"): "covered",
        ("A2", "22"): "open",
        ("A2", "999"): "unknown-hcc",
        ("Z1", "38"): "unknown-person",
    }
    assert by_person(rows, "covered_by")["A1", "329"] == "327"
    assert by_person(rows, "times")["A2", "22"] == "2"
    assert by_person(rows, "open_coefficient")["A2", "22"] == "0.409"
    assert "opportunities: 1 captured, 1 covered, 1 open, 1 unknown-hcc, 1 unknown-person" in result.out


REPORT = """person_id,payment_month,hcc,risk_score
A1,2026-01-01,38,1.0
A1,2026-02-01,HCC38,1.870
A1,2026-02-01,HCC226,1.870
A1,2026-02-01,HCC328,1.870
A1,2026-02-01,HCC23,1.870
A2,2026-02-01,151,1.5
A2,2026-02-01,226,1.5
A2,2026-02-01,999,1.5
A3,2026-02-01,36,0.438
A4,2026-02-01,38,0.4
Z1,2026-02-01,38,0.4
"""


def test_each_difference_from_cms_has_its_reason(shell: Shell) -> None:
    shell.write("report.csv", REPORT)
    shell.write("people.csv", (shell.folder / "people.csv").read_text() + "A5,70,F,00,0,0,no,no,no\n")
    result = shell.risk("reconcile", "--report", "report.csv", "--out", "differences.csv", "--json")
    assert result.code == 0, result.err
    rows = shell.rows("differences.csv")
    assert by_person(rows, "reason") == {
        ("A1", "38"): "agrees",
        ("A1", "226"): "agrees",
        ("A1", "280"): "not-paid-by-cms",
        ("A1", "327"): "lower-in-hierarchy-at-cms",
        ("A1", "328"): "no-diagnosis-here",
        ("A1", "23"): "no-diagnosis-here",  # it was coded in 2021, which is not looked at
        ("A2", ""): "score-differs",
        ("A2", "139"): "not-paid-by-cms",
        ("A2", "151"): "agrees",
        ("A2", "226"): "coded-in-a-former-year-only",
        ("A2", "999"): "hcc-not-in-model",
        ("A3", "36"): "no-diagnosis-here",
        ("A3", "37"): "higher-in-hierarchy-at-cms",
        ("A4", ""): "person-held-here",
        ("A4", "38"): "person-held-here",
        ("A5", ""): "person-not-in-report",
        ("Z1", ""): "person-not-here",
        ("Z1", "38"): "person-not-here",
    }
    assert by_person(rows, "coefficient_at_stake")["A1", "280"] == "0.319"
    difference = next(row for row in rows if (row["person_id"], row["hcc"]) == ("A2", ""))
    assert float(difference["score_difference"]) == pytest.approx(0.978 - 1.5)
    answer = result.json
    assert (answer["here"], answer["at_cms"], answer["agreeing"]) == (5, 5, 0)
    assert sum(answer["reasons"].values()) == len(rows)


def test_a_category_here_that_a_higher_one_pushed_out_is_told_as_such(shell: Shell) -> None:
    shell.write("report.csv", "person_id,hcc_list\nA1,38;226;280;327\nA3,38\n")
    shell.write("dx.csv", (shell.folder / "dx.csv").read_text() + "A3,E119,2025-05-05\n")
    shell.risk("reconcile", "--report", "report.csv", "--out", "differences.csv")
    rows_by_person = by_person(shell.rows("differences.csv"), "reason")
    assert rows_by_person["A3", "38"] == "lower-in-hierarchy-here"
    assert rows_by_person["A3", "37"] == "lower-in-hierarchy-at-cms"
    assert {reason for (person, _), reason in rows_by_person.items() if person == "A1"} == {"agrees"}


def test_the_reports_own_columns_and_the_raw_score(shell: Shell) -> None:
    shell.write("report.csv", "MBI,Score\nA1,2.12\nA2,1.2\n")
    names = ("--column", "person_id=MBI", "--column", "risk_score=Score")
    result = shell.risk("reconcile", "--report", "report.csv", *names, "--score", "raw", "--out", "differences.csv")
    assert "4 people here, 2 in CMS's report" in result.out
    rows_by_person = by_person(shell.rows("differences.csv"), "reason")
    assert ("A1", "") not in rows_by_person
    assert rows_by_person["A2", ""] == "score-differs"
    shell.risk(
        "reconcile",
        "--report",
        "report.csv",
        *names,
        "--score",
        "raw",
        "--tolerance",
        "0.1",
        "--out",
        "differences.csv",
    )
    assert ("A2", "") not in by_person(shell.rows("differences.csv"), "reason")
