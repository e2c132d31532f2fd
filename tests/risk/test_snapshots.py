"""Scores month by month are those of `score` on what was known by then, for everybody in every month."""

from __future__ import annotations

import random
import stat
from calendar import monthrange
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from careloom.core.errors import Fix
from careloom.risk import score, snapshots
from careloom.risk.payment.payment_factors import Money
from risk.people import diagnoses as invented_diagnoses
from risk.people import people as invented_people
from risk.risk_shell import Shell

SAME = ("risk_score", "risk_score_hcc", "risk_score_payment", "hcc_list", "held")
ENDS = [date(2025, month, monthrange(2025, month)[1]) for month in range(1, 13)]
ONE = {"age": 72, "sex": "F", "dual_elgbl_cd": "00", "orec": "0", "crec": "0", "new_enrollee": False, "snp": False}


def population(model: str, count: int = 400) -> tuple[pa.Table, list[dict[str, Any]]]:
    """Invented people, of whom some are held, and their diagnoses on days of three years, and on none."""
    draw = random.Random(model)
    people = invented_people(count, seed=7)
    for person in people[::17]:
        person["age"] = None
    days = [None, date(2024, 12, 31), date(2026, 1, 1), *ENDS, *(date(2025, month, 1) for month in range(1, 13))]
    codes = [
        {"person_id": person, "diagnosis_code": code, "service_date": draw.choice(days)}
        for person, given in invented_diagnoses(people, model=model, seed=8).items()
        for code in given
    ]
    return pa.Table.from_pylist(people), [
        *codes,
        {**codes[0], "person_id": 10**6},
        {**codes[0], "diagnosis_code": None},
    ]


def known_by(codes: list[dict[str, Any]], end: date) -> pa.Table:
    first = date(2025, 1, 1)
    rows = [code for code in codes if code["service_date"] is None or first <= code["service_date"] <= end]
    return pa.Table.from_pylist(rows, schema=table(codes).schema)


def table(codes: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(codes)


def by_person(rows: pa.Table, end: date | None = None) -> dict[Any, dict[str, Any]]:
    return {row["person_id"]: row for row in rows.to_pylist() if end is None or row["month"] == end}


@pytest.mark.parametrize(
    ("model", "mode", "compared"),
    [("V28", "cms", (0, 1, 5, 11)), ("V22", "compat", (6,)), ("ESRD-V21", "cms", (11,))],
)
def test_each_month_is_what_score_says_of_the_diagnoses_known_by_its_end(
    model: str, mode: str, compared: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("careloom.risk.scores.monthly.AT_ONCE", 250)
    people, codes = population(model)
    money = Money(normalization=1.1, coding_intensity=0.059)
    month_table = snapshots(people, table(codes), model=model, year=2026, mode=mode, money=money)
    assert month_table.num_rows == 12 * people.num_rows
    months = [by_person(month_table, end) for end in ENDS]
    for at in compared:
        code_list = known_by(codes, ENDS[at])
        rows_by_person = by_person(score(people, code_list, model=model, year=2026, mode=mode, money=money))
        assert rows_by_person.keys() == months[at].keys()
        for person, row in months[at].items():
            assert {name: row[name] for name in SAME} == {name: rows_by_person[person][name] for name in SAME}
    for before, after in pairwise([{}, *months]):
        for person, row in after.items():
            had = before[person]["hcc_list"] if before else []
            assert row["hccs_added"] == [hcc for hcc in row["hcc_list"] if hcc not in had]
    moved = [
        after[person]["risk_score"] != before[person]["risk_score"]
        for before, after in pairwise(months)
        for person in after
    ]
    assert sum(moved) > 100
    assert sum(row["held"] is not None for row in months[-1].values()) == 24


def few(*codes: tuple[str, str, str | None]) -> pa.Table:
    rows = [dict(zip(("person_id", "diagnosis_code", "service_date"), code, strict=True)) for code in codes]
    return pa.Table.from_pylist(rows)


def people_called(*names: str) -> pa.Table:
    return pa.Table.from_pylist([{"person_id": name, **ONE} for name in names])


def test_a_higher_category_is_added_and_what_it_displaces_goes_without_a_word() -> None:
    up = [("up", "E119", "2025-02-03"), ("up", "E11.22", "2025-04-30")]
    down = [("down", "E1122", "2025-02-03"), ("down", "E119", "2025-04-30")]
    table = snapshots(people_called("up", "down"), few(*up, *down), model="V28", year=2026)
    lists = {(row["person_id"], row["month"].month): (row["hcc_list"], row["hccs_added"]) for row in table.to_pylist()}
    assert lists["up", 1] == ([], [])
    assert lists["up", 2] == (["38"], ["38"])
    assert lists["up", 3] == (["38"], [])
    assert lists["up", 4] == (["37"], ["37"])
    assert lists["up", 12] == (["37"], [])
    assert lists["down", 2] == (["37"], ["37"])
    assert lists["down", 4] == (["37"], [])


def test_somebody_without_diagnoses_is_there_in_every_month() -> None:
    table = snapshots(people_called("A", "B"), few(("A", "E119", "2025-11-01")), model="V28", year=2026)
    rows = [row for row in table.to_pylist() if row["person_id"] == "B"]
    assert [row["month"] for row in rows] == ENDS
    assert {str(row["risk_score"]) for row in rows} == {"0.395"}
    assert all(row["hcc_list"] == row["hccs_added"] == [] for row in rows)
    nobody = snapshots(people_called("A"), few(("A", "E119", None)).slice(0, 0), model="V28", year=2026)
    assert nobody.num_rows == 12


def test_nobody_at_all_is_a_file_with_columns_and_no_rows(tmp_path: Path) -> None:
    table = pa.table(
        {"person_id": pa.array([], pa.int64()), "age": pa.array([], pa.int32()), "sex": pa.array([], pa.string())}
    )
    codes = pa.table({"person_id": [1], "diagnosis_code": ["E119"], "service_date": [date(2025, 3, 1)]})
    month_table = snapshots(table, codes, model="V28", year=2026)
    assert (month_table.num_rows, {"person_id", "month", "hccs_added"} <= set(month_table.column_names)) == (0, True)
    assert snapshots(table, codes, model="V28", year=2026, out=tmp_path / "s.parquet") == 0
    assert pq.read_table(tmp_path / "s.parquet").column_names == month_table.column_names


def test_what_has_no_date_or_none_that_a_calendar_has_is_known_from_the_first_month() -> None:
    codes = few(("A", "E119", None), ("B", "E119", "soon"), ("C", "E119", "2024-12-31"), ("D", "E119", "2025-02-01"))
    table = snapshots(people_called(*"ABCD"), codes, model="V28", year=2026, through=date(2025, 1, 5))
    assert {row["person_id"]: row["hccs_added"] for row in table.to_pylist()} == {
        "A": ["38"],
        "B": ["38"],
        "C": [],
        "D": [],
    }
    assert table.schema.names == [
        "person_id",
        "month",
        *SAME[:-1],
        "hccs_added",
        "held",
    ]
    assert table.schema.field("month").type == pa.date32()


def test_keys_of_different_kinds_are_matched_as_score_matches_them() -> None:
    people = pa.Table.from_pylist([{"person_id": number, **ONE} for number in (1, 2)])
    table = snapshots(people, few(("1", "E119", "2025-01-01")), model="V28", year=2026)
    scores = score(people, few(("1", "E119", "2025-01-01")), model="V28", year=2026)
    assert table.schema.field("person_id").type == scores.schema.field("person_id").type
    assert {row["person_id"]: row["hcc_list"] for row in table.to_pylist()} == {
        row["person_id"]: row["hcc_list"] for row in scores.to_pylist()
    }


def test_what_snapshots_cannot_be_made_of_is_said() -> None:
    people, codes = people_called("A"), few(("A", "E119", "2025-01-01"))
    with pytest.raises(Fix, match="no column 'service_date'"):
        snapshots(people, codes.drop_columns(["service_date"]), model="V28", year=2026)
    with pytest.raises(Fix, match="are of 2025; they cannot end with 2026-06"):
        snapshots(people, codes, model="V28", year=2026, through=date(2026, 6, 1))
    twice = snapshots(people_called("A", "A"), codes, model="V28", year=2026)
    assert twice.num_rows == 12, "who is there twice with the same facts is one person"


def test_what_is_stopped_between_months_leaves_the_former_file(tmp_path: Path) -> None:
    out = tmp_path / "s.parquet"
    out.write_text("the former one")
    steps: list[tuple[int, int | None]] = []

    def stop(done: int, of: int | None) -> None:
        steps.append((done, of))
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        snapshots(
            people_called("A"), few(("A", "E119", "2025-01-01")), model="V28", year=2026, out=out, on_progress=stop
        )
    assert steps == [(1, 12), (2, 12), (3, 12)]
    assert [path.name for path in tmp_path.iterdir()] == ["s.parquet"]
    assert out.read_text() == "the former one"


# ---------------------------------------------------------------- the command


def test_ctrl_c_within_a_query_is_an_interruption_and_no_bug(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: object, **__: object) -> None:  # as DuckDB does it
        raise RuntimeError("Query interrupted") from KeyboardInterrupt()

    monkeypatch.setattr("careloom.risk.snapshots", stopped)
    result = shell.risk("snapshots", "--out", "s.parquet")
    assert (result.code, "stopped at once" in result.err, "bug" in result.err) == (130, True, False)
    assert not list(shell.folder.glob("*s.parquet*"))


def test_the_command_writes_each_month_and_prints_what_it_added(shell: Shell) -> None:
    result = shell.risk("snapshots", "--out", "s.parquet")
    assert result.code == 0, result.err
    assert "4 people by V28 of 2026 (cms), 12 months" in result.out
    lines = {words[0]: words[1:] for line in result.out.splitlines() if (words := line.split())}
    assert lines["2025-01"] == ["2", "0.667", "3"]  # A2's two, and A3's without a date
    assert lines["2025-02"] == ["2", "0.667", "0"]
    assert lines["2025-06"] == ["3", "1.242", "1"]
    assert lines["2025-12"][0] == "3"
    rows = pq.read_table(shell.folder / "s.parquet").to_pylist()
    assert len(rows) == 48
    assert stat.S_IMODE((shell.folder / "s.parquet").stat().st_mode) == 0o600
    assert {row["held"] for row in rows if row["person_id"] == "A4"} == {"age-missing"}
    shell.risk("score", "--out", "scores.parquet")
    scores = by_person(pq.read_table(shell.folder / "scores.parquet"))
    last = {row["person_id"]: row for row in rows if row["month"] == ENDS[-1]}
    assert {person: [row[name] for name in SAME] for person, row in last.items()} == {
        person: [row[name] for name in SAME] for person, row in scores.items()
    }


def test_through_ends_early_and_a_csv_has_the_same_rows(shell: Shell) -> None:
    answer = shell.risk("snapshots", "--out", "s.csv", "--through", "2025-04", "--json").json
    assert [(month["month"], month["with_hcc"], month["hccs_added"]) for month in answer["months"]] == [
        ("2025-01-31", 2, 3),
        ("2025-02-28", 2, 0),
        ("2025-03-31", 3, 1),
        ("2025-04-30", 3, 1),
    ]
    rows = {(row["person_id"], row["month"]): row for row in shell.rows("s.csv")}
    assert len(rows) == 16
    assert (rows["A1", "2025-04-30"]["hcc_list"], rows["A1", "2025-04-30"]["hccs_added"]) == ("38 226", "226")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--through", "June"], "--through is a month, such as 2025-06"),
        (["--through", "2025-13"], "--through is a month, such as 2025-06"),
        (["--through", "2024-06"], "are of 2025; they cannot end with 2024-06"),
        (["--out", "s.xls"], "neither Parquet nor CSV"),
        (["--model", "V29"], "there is no risk model 'V29'"),
    ],
)
def test_a_users_mistake_is_a_sentence_and_nothing_is_written(shell: Shell, words: list[str], message: str) -> None:
    result = shell.risk("snapshots", "--out", "s.parquet", *words)
    assert result.code == 2
    assert message in result.err
    assert not list(shell.folder.glob("*s.parquet*"))


def test_diagnoses_without_a_date_column_have_no_months(shell: Shell) -> None:
    shell.write("dx.csv", "person_id,diagnosis_code\nA1,E119\n")
    result = shell.risk("snapshots", "--out", "s.parquet")
    assert (result.code, "no column 'service_date'" in result.err) == (2, True)
