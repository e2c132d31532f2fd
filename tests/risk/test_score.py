"""Scoring whole populations: what comes in, what comes out, and that nobody is lost on the way."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from careloom.core.errors import Fix
from careloom.risk import COLUMNS, Money, score, standard_money
from careloom.risk.embedded import write_whole
from careloom.risk.scores import trace
from risk.people import diagnoses, people

NOBODYS = pa.table({"person_id": pa.array([], pa.int64()), "diagnosis_code": pa.array([], pa.string())})


def _codes(**codes: str) -> pa.Table:
    pairs = [(int(person[1:]), code) for person, found in codes.items() for code in found.split()]
    return pa.table({"person_id": [person for person, _ in pairs], "diagnosis_code": [code for _, code in pairs]})


def _score_rows(persons: list[dict[str, Any]], codes: pa.Table = NOBODYS, **extra: Any) -> dict[Any, dict[str, Any]]:
    rows = score(pa.Table.from_pylist(persons), codes, **({"model": "V28", "year": 2026} | extra)).to_pylist()
    return {row["person_id"]: row for row in rows}


def _score_person(codes: str = "", model: str = "V28", **facts: Any) -> dict[str, Any]:
    person = {"person_id": 1, "age": 72, "sex": "F", "dual_elgbl_cd": "00", "orec": "0", "crec": "0"} | facts
    return _score_rows([person], _codes(p1=codes) if codes else NOBODYS, model=model)[1]


def test_a_woman_of_72_with_diabetes_heart_failure_copd_and_kidney_disease() -> None:
    row = _score_person("E11.9 i509 J449 N184")
    # 0.395 age and sex; 0.166 + 0.360 + 0.319 + 0.514; diabetes and HF 0.112, HF and lung 0.078, HF and kidney 0.176
    assert row["risk_score"] == Decimal("2.120")
    assert row["risk_score_demographics"] == Decimal("0.395")
    assert row["risk_score_hcc"] == Decimal("1.725")
    assert row["segment"] == "CNA"
    assert row["hcc_list"] == ["38", "226", "280", "327"]
    assert row["interactions"] == ["DIABETES_HF_V28", "HF_CHR_LUNG_V28", "HF_KIDNEY_V28", "D4"]
    assert row["payment_hcc_count"] == 4
    assert row["risk_score_payment"] == 1.870  # 2.120 / 1.067 = 1.987; 1.987 * 0.941 = 1.870


def test_a_disabled_man_of_50_under_v24_gets_the_interaction_below_65() -> None:
    row = _score_person("F200 F1020", model="V24", age=50, sex="M", orec="1")
    assert row["segment"] == "CND"
    assert row["hcc_list"] == ["55", "57"]
    assert "gSubstanceUseDisorder_gPsych" in row["interactions"]


def test_a_worse_category_pushes_out_the_milder_ones() -> None:
    row = _score_person("E119 E1169")
    assert (row["hcc_list_before"], row["hcc_list"]) == (["37", "38"], ["37"])


def test_a_category_that_needs_another_beside_it_counts_only_there() -> None:
    assert _score_person("T82592A")["hcc_list"] == []
    assert _score_person("T82592A")["hcc_list_before"] == ["223"]


@pytest.mark.parametrize("mode", ["cms", "compat"])
def test_both_categories_go_when_an_edit_removes_a_code(mode: str) -> None:
    person = {"person_id": 1, "age": 10, "sex": "F", "orec": "0"}
    assert _score_rows([person], _codes(p1="I70231"), mode=mode)[1]["hcc_list_before"] == []


def test_an_age_with_a_fraction_is_in_the_band_of_its_year_and_edits_go_by_whole_years_in_cms() -> None:
    person = {"person_id": 1, "age": 14.5, "sex": "F", "orec": "0"}
    codes = _codes(p1="I70231")
    assert _score_rows([person], codes)[1]["hcc_list"] == []
    assert _score_rows([person], codes, mode="compat")[1]["hcc_list_before"] == ["263", "383"]
    assert (
        _score_person(age=74.99)["risk_score"]
        == _score_person(age=70)["risk_score"]
        != _score_person(age=75)["risk_score"]
    )


def test_repeated_unknown_dotted_and_lower_case_codes() -> None:
    once = _score_person("E119")
    assert _score_person("E119 e11.9 E11.9 E119 ZZZ9 Z000") == once
    assert once["hcc_list"] == ["38"]


def test_people_without_diagnoses_are_scored_and_diagnoses_without_people_are_not() -> None:
    rows = _score_rows([{"person_id": 1, "age": 70, "sex": "M"}], _codes(p2="E119", p3="I509"))
    assert list(rows) == [1]
    assert (rows[1]["hcc_list"], rows[1]["hcc_list_before"], rows[1]["interactions"]) == ([], [], [])


def test_nobody_is_lost_whatever_is_missing() -> None:
    empty = dict.fromkeys(("dual_elgbl_cd", "orec", "crec", "new_enrollee", "snp", "lti", "low_income", "graft_months"))
    persons = [{"person_id": 1, "age": 70.0, "sex": "F"} | empty, {"person_id": 2, "age": None, "sex": "F"} | empty]
    persons += [{"person_id": 3, "age": 70.0, "sex": None} | empty, {"person_id": 4, "age": -1.0, "sex": "F"} | empty]
    persons += [{"person_id": 5, "age": float("nan"), "sex": "X"} | empty]
    for model in ("V28", "ESRD-V24"):
        rows = _score_rows(persons, _codes(p1="E119", p2="E119", p3="D66"), model=model)
        assert sorted(rows) == [1, 2, 3, 4, 5]
        assert rows[1]["held"] is None
        assert rows[1]["risk_score"] is not None
        held_numbers = {number: rows[number]["held"] for number in (2, 3, 4, 5)}
        assert held_numbers == {2: "age-missing", 3: "sex-missing", 4: "age-unreadable", 5: "age-missing"}
        assert all(rows[number]["risk_score"] is None for number in held_numbers)


def test_what_is_missing_takes_the_default_and_is_flagged() -> None:
    score_row = _score_rows([{"person_id": 1, "age": 70, "sex": "F"}])[1]
    assert score_row["defaults_taken"] == ["dual_elgbl_cd", "orec", "crec", "new_enrollee", "snp", "lti"]
    values = {"dual_elgbl_cd": "00", "orec": "0", "crec": "0", "new_enrollee": False, "snp": False, "lti": False}
    known_row = _score_rows([{"person_id": 1, "age": 70, "sex": "F"} | values])[1]
    assert known_row["defaults_taken"] == []
    assert known_row["risk_score"] == score_row["risk_score"]


def test_an_empty_orec_is_disability_under_65() -> None:
    """CMS's macro asks whether it is "0", which a blank is not."""
    person = {"person_id": 1, "age": 50, "sex": "F", "lti": True, "orec": ""}
    codes = _codes(p1="I509")
    cms, compat = (_score_rows([person], codes, mode=mode)[1] for mode in ("cms", "compat"))
    assert "DISABLED_HF_V28" in compat["interactions"]
    assert "DISABLED_HF_V28" in cms["interactions"]
    assert "orec" in cms["defaults_taken"]


def test_numbers_words_and_flags_are_read_as_they_are_written() -> None:
    score_row = _score_rows([{"person_id": 1, "age": 70, "sex": "2", "dual_elgbl_cd": "02", "orec": "1", "lti": True}])[
        1
    ]
    values = [
        {"person_id": 1, "age": "70", "sex": "female", "dual_elgbl_cd": 2, "orec": 1, "lti": "Y"},
        {"person_id": 1, "age": 70.0, "sex": " f", "dual_elgbl_cd": "2", "orec": 1.0, "lti": 1},
    ]
    for person in values:
        assert _score_rows([person])[1] == score_row


def test_a_birth_date_gives_the_age_on_the_first_of_february() -> None:
    birth_dates = [date(1956, 2, 1), date(1956, 2, 2), date(1961, 1, 31)]
    rows = _score_rows([{"person_id": number, "birth_date": day, "sex": "F"} for number, day in enumerate(birth_dates)])
    ages = [_score_person(age=age)["risk_score"] for age in (70, 69, 65)]
    assert [rows[number]["risk_score"] for number in range(3)] == ages


def test_the_same_scores_from_arrow_parquet_and_duckdb(tmp_path: Path) -> None:
    population = people(300, seed=4)
    codes_by_person = diagnoses(population, model="V24", seed=5)
    codes = pa.table(
        {
            "person_id": [number for number, mine in codes_by_person.items() for _ in mine],
            "diagnosis_code": [code for person_codes in codes_by_person.values() for code in person_codes],
        }
    )
    table = pa.Table.from_pylist(population)
    pq.write_table(table, tmp_path / "people.parquet")
    pq.write_table(codes, tmp_path / "dx.parquet")
    db = duckdb.connect()
    sources = [
        (table, codes),
        (tmp_path / "people.parquet", str(tmp_path / "dx.parquet")),
        (db.from_arrow(table), db.from_arrow(codes)),
    ]
    scored = [score(*source, model="V24", year=2026).sort_by("person_id") for source in sources]
    assert scored[0].equals(scored[1])
    assert scored[0].equals(scored[2])
    assert tuple(scored[0].column_names) == COLUMNS


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    table = pa.Table.from_pylist(people(50, seed=1))
    rows = score(table, NOBODYS, model="V28", year=2026, out=tmp_path / "scores.parquet")
    assert (tmp_path / "scores.parquet").stat().st_mode & 0o777 == 0o600
    assert rows == 50
    assert pq.read_table(tmp_path / "scores.parquet").num_rows == 50
    with pytest.raises(Fix):
        score(table.drop_columns(["person_id"]), NOBODYS, model="V28", year=2026, out=tmp_path / "other.parquet")
    assert [path.name for path in tmp_path.iterdir()] == ["scores.parquet"]


def test_two_runs_cannot_write_one_file_at_once(tmp_path: Path) -> None:
    file = tmp_path / "scores.parquet"
    persons = pa.Table.from_pylist(people(50, seed=1))
    with write_whole(file) as part:
        part.write_bytes(b"of the first")
        with pytest.raises(Fix, match="written by another run"):
            score(persons, NOBODYS, model="V28", year=2026, out=file)
    assert file.read_bytes() == b"of the first"
    assert score(persons, NOBODYS, model="V28", year=2026, out=file) == 50
    assert pq.read_table(file).num_rows == 50


def test_what_a_killed_run_left_is_in_nobodys_way(tmp_path: Path) -> None:
    (tmp_path / ".scores.parquet.part").write_bytes(b"half of a file, longer than the whole one will be" * 9_999)
    persons = pa.Table.from_pylist(people(50, seed=1))
    assert score(persons, NOBODYS, model="V28", year=2026, out=tmp_path / "scores.parquet") == 50
    assert pq.read_table(tmp_path / "scores.parquet").num_rows == 50


def test_nobody_else_can_read_the_file_while_it_is_written(tmp_path: Path) -> None:
    persons = pa.table({"person_id": range(400_000), "age": [70] * 400_000, "sex": ["F"] * 400_000})
    seen: set[int] = set()
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(score, persons, NOBODYS, model="V28", year=2026, out=tmp_path / "scores.parquet")
        while not future.done():
            for path in tmp_path.iterdir():
                with suppress(FileNotFoundError):
                    seen.add(stat.S_IMODE(path.stat().st_mode))
    assert future.result() == 400_000
    assert seen == {0o600}


def test_keys_of_different_kinds_are_compared_as_text() -> None:
    codes = pa.table({"person_id": ["1", "x"], "diagnosis_code": ["E119", "E119"]})
    assert _score_rows([{"person_id": 1, "age": 70, "sex": "F"}], codes)["1"]["hcc_list"] == ["38"]


@pytest.mark.parametrize(
    ("persons", "message"),
    [
        ([{"person_id": None, "age": 70, "sex": "F"}], "no person_id"),
        ([{"person_id": 1, "sex": "F"}], "'age'"),
        ([{"person_id": 1, "age": 70}], "'sex'"),
        ([{"age": 70, "sex": "F"}], "'person_id'"),
    ],
)
def test_people_who_cannot_be_told_apart_or_read_stop_the_run(persons: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(Fix, match=message):
        _score_rows(persons)


def test_what_cannot_be_read_as_rows_is_said_so(tmp_path: Path) -> None:
    person = pa.Table.from_pylist([{"person_id": 1, "age": 70, "sex": "F"}])
    with pytest.raises(Fix, match=r"nowhere\.parquet"):
        score(tmp_path / "nowhere.parquet", NOBODYS, model="V28", year=2026)
    with pytest.raises(Fix, match="no rows"):
        score([1, 2], NOBODYS, model="V28", year=2026)
    with pytest.raises(Fix, match="diagnosis_code"):
        score(person, pa.table({"person_id": [1]}), model="V28", year=2026)


def test_transplants_grafts_and_dialysis_score_as_cms_software_does() -> None:
    def of(**facts: Any) -> Decimal:
        return _score_person(model="ESRD-V24", **facts)["risk_score"]

    assert of(graft_months=1) == Decimal("5.985")
    assert _score_person("D66", model="ESRD-V24", age=67, dual_elgbl_cd="02", graft_months=6)["risk_score"] == Decimal(
        "3.247"
    )
    assert of(sex="M", age=70, dual_elgbl_cd="01", lti=True, graft_months=12) == Decimal("3.287")
    assert of(age=40, new_enrollee=True) == Decimal("0.747")
    assert of(age=67, dual_elgbl_cd="02", new_enrollee=True, graft_months=6) == Decimal("3.979")


@pytest.mark.parametrize("model", ["V28", "V24", "V22", "ESRD-V21", "ESRD-V24", "RX-V08-MAPD"])
@pytest.mark.parametrize("mode", ["cms", "compat"])
def test_a_trace_adds_up_to_the_score_and_explains_every_category(model: str, mode: str) -> None:
    population = people(300, seed=31)
    year = 2027 if model.startswith("RX") else 2026
    codes_by_person = diagnoses(population, model=model, seed=32)
    pairs = [(number, code) for number, mine in codes_by_person.items() for code in mine]
    codes = pa.table({"person_id": [number for number, _ in pairs], "diagnosis_code": [code for _, code in pairs]})
    rows = score(pa.Table.from_pylist(population), codes, model=model, year=year, mode=mode, trace=True).to_pylist()
    assert len(rows) == 300
    for row in rows:
        steps = row["trace"]
        before, after = set(row["hcc_list_before"]), set(row["hcc_list"])
        assert sum(step["value"] or 0 for step in steps) == row["risk_score"]
        assert {step["hcc"] for step in steps if step["step"] in ("diagnosis", "edited")} == before
        assert {step["hcc"] for step in steps if step["step"] in ("dropped", "not-counted")} == before - after


def test_money_can_be_told_and_is_unknown_where_nothing_is_published() -> None:
    person = pa.Table.from_pylist([{"person_id": 1, "age": 70, "sex": "F", "dual_elgbl_cd": "00"}])
    money = Money(normalization=2.0, coding_intensity=0.5, frailty=0.25)
    row = score(person, NOBODYS, model="V28", year=2026, money=money).to_pylist()[0]
    assert row["risk_score_payment"] == 0.349  # 0.395 / 2 = 0.198; 0.198 x 0.5 = 0.099; + 0.25
    assert score(person, NOBODYS, model="V22", year=2025).to_pylist()[0]["risk_score_payment"] is None
    assert standard_money("V28", 2026, "compat") == Money()
    assert standard_money("V22", 2026, pace=True).coding_intensity == 0.0


def test_people_traced_in_parts_are_those_traced_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    population = people(300, seed=51)
    codes_by_person = diagnoses(population, model="V28", seed=52)
    codes = _codes(
        **{f"p{number}": " ".join(code for code in mine if code) for number, mine in codes_by_person.items()}
    )
    persons = pa.Table.from_pylist(population)
    at_once = score(persons, codes, model="V28", year=2026, trace=True)
    monkeypatch.setattr(trace, "PART", 70)
    file = tmp_path / "traced.parquet"
    assert score(persons, codes, model="V28", year=2026, trace=True, out=file) == 300
    assert pq.ParquetFile(file).num_row_groups == 5
    assert pq.read_table(file).sort_by("person_id").equals(at_once.sort_by("person_id"))
