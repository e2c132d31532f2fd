"""`careloom risk validate`: every member agrees with hccinfhir, and whom `cms` scores otherwise has a rule that says why."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from careloom.risk import RULES
from careloom.risk.review import differences as differences_
from careloom.risk.review.validation import ValidationResult, validate
from careloom.risk.workspace import open_workspace
from risk.people import diagnoses, people
from risk.risk_shell import Shell

MEMBERS = 150


def _write_files(folder: Path, model: str) -> tuple[Path, Path]:
    population = people(MEMBERS, seed=51)
    codes_by_person = diagnoses(population, model="RX-V08" if model.startswith("RX") else model, seed=52)
    pairs = [(number, code) for number, mine in codes_by_person.items() for code in mine]
    pq.write_table(pa.Table.from_pylist(population), folder / "people.parquet")
    codes = pa.table({"person_id": [number for number, _ in pairs], "diagnosis_code": [code for _, code in pairs]})
    pq.write_table(codes, folder / "dx.parquet")
    return folder / "people.parquet", folder / "dx.parquet"


def _validate(folder: Path, model: str, year: int) -> ValidationResult:
    with open_workspace() as workspace:
        return validate(workspace, *_write_files(folder, model), model=model, year=year)


@pytest.mark.parametrize(
    ("model", "year"),
    [
        ("V28", 2025),
        ("V22", 2026),
        ("ESRD-V21", 2025),
        ("ESRD-V24", 2026),
        ("RX-V08", 2026),
        ("RX-V08-PDP", 2027),
        ("RX-V08-MAPD", 2027),
        ("RX-V08-PDP-AND-MAPD", 2027),
    ],
)
def test_everybody_agrees_and_every_difference_has_a_rule(tmp_path: Path, model: str, year: int) -> None:
    rows = _validate(tmp_path, model, year)
    assert rows.verdicts.keys() <= {"agrees", "random"}
    assert rows.verdicts["agrees"] > MEMBERS * 0.9
    assert (rows.members, rows.unexplained) == (MEMBERS, 0)
    assert (rows.otherwise > 0) == (rows.refused is None)
    assert rows.rules.keys() <= RULES.keys()
    assert ("edits-by-whole-years" in rows.rules) <= (not model.startswith("RX")), "RxHCC has no edits"


def test_every_rule_that_both_modes_do_not_share_can_be_reached() -> None:
    assert set(RULES) - set(differences_._REACHES) == {"edit-removes-every-category"}
    assert set(differences_._REACHES) <= set(RULES)


def test_a_difference_without_a_rule_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rest = {
        name: reaches for name, reaches in differences_._REACHES.items() if name not in {"rx-variants", "rx-hierarchy"}
    }
    monkeypatch.setattr(differences_, "_REACHES", rest)
    assert _validate(tmp_path, "RX-V08-MAPD", 2027).unexplained > 10


def test_the_command_prints_the_rules_with_their_sources(shell: Shell) -> None:
    shell.write(
        "people.csv", "person_id,age,sex,orec,new_enrollee\nA1,67,F,2,yes\nA2,10,F,0,no\nA3,70,X,0,no\nA4,70,F,9,no\n"
    )
    shell.write("dx.csv", "person_id,diagnosis_code\nA2,I70231\n")
    result = shell.risk("validate", "--out", "compared.csv")
    assert result.code == 0, result.err
    rows = {row["person_id"]: row for row in shell.rows("compared.csv")}
    assert (rows["A1"]["verdict"], rows["A1"]["hccinfhir"], rows["A1"]["cms"]) == ("agrees", "0.000", "0.557")
    assert (rows["A1"]["difference"], rows["A1"]["rules"]) == ("0.557", "new-enrollee-age-band")
    assert {person: row["verdict"] for person, row in rows.items()} == {
        "A1": "agrees",
        "A2": "random",
        "A3": "held",
        "A4": "refused",
    }
    assert "1 new-enrollee-age-band" in result.out
    assert RULES["new-enrollee-age-band"].source in result.out.replace("\n", "")


def test_a_sample_is_the_same_each_time(shell: Shell) -> None:
    lines = "".join(f"P{number},70,F\n" for number in range(100))
    shell.write("people.csv", f"person_id,age,sex\n{lines}")
    drawn = []
    for name in ("one.csv", "two.csv"):
        assert shell.risk("validate", "--sample", "10", "--out", name, "--json").json["members"] == 10
        drawn.append(sorted(row["person_id"] for row in shell.rows(name)))
    assert drawn[0] == drawn[1]


def test_a_member_who_does_not_agree_is_told_and_leaves_with_1(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(_read: object) -> object:
        return lambda _facts, _codes: type(
            "Found",
            (),
            {
                "risk_score": 9.0,
                "risk_score_demographics": 9.0,
                "risk_score_hcc": 0.0,
                "risk_score_chronic_only": 0.0,
                "hcc_list": [],
            },
        )

    monkeypatch.setattr("careloom.risk.review.validation._peer", wrong)
    result = shell.risk("validate")
    assert result.code == 1
    assert "3 do not agree: please report it" in result.out
