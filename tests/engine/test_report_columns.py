"""Names that PostgreSQL takes out of any header, and types that read nothing but what they say."""

from __future__ import annotations

import re
from decimal import Decimal

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from careloom.engine.reports.columns import OWN, ReportType, column_names, kinds_of, looks_like, reads, value

words = st.one_of(
    st.text(max_size=8),
    st.sampled_from(
        ["Notes", "notes", "notes_2", "Notes 2", "", "%", "Row Number", "unparsed", "xmin", "5 days", "_5_days"]
    ),
    st.sampled_from(
        ["x" * 63, "X" * 64, "x" * 61 + "_2", "x" * 61 + " 3", "unnamed_column", "unnamed_column_2", "Größe"]
    ),
)
headers = st.lists(words, max_size=12)


@given(headers)
def test_names_are_unique_short_and_plain(header: list[str]) -> None:
    names = column_names(header)
    assert len(names) == len(header)
    assert len(set(names)) == len(names)
    assert not set(names) & {*OWN, "xmin"}
    assert all(re.fullmatch("[a-z_][a-z0-9_]*", name) and len(name.encode()) <= 63 for name in names)


@given(headers)
def test_names_of_names_are_the_same_names(header: list[str]) -> None:
    assert column_names(column_names(header)) == column_names(header)


def test_forty_thousand_equal_headers_are_numbered_in_one_pass() -> None:
    """A service may send as many; looking for each number from 2 on would take a quarter of an hour."""
    names = column_names(["", "unnamed_column_3"] + [""] * 40_000)
    assert len(set(names)) == len(names)
    assert names[:4] == ["unnamed_column", "unnamed_column_3", "unnamed_column_2", "unnamed_column_4"]


@given(st.lists(words, max_size=12, unique=True), st.randoms(use_true_random=False))
def test_names_of_different_headers_do_not_depend_on_their_order(header: list[str], random: object) -> None:
    shuffled = list(header)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    former_values = dict(zip(header, column_names(header), strict=True))
    assert dict(zip(shuffled, column_names(shuffled), strict=True)) == former_values


def test_headers_become_the_names_that_people_expect() -> None:
    header = [
        "Charge ID",
        "Balance Age (Days)",
        "Collection %",
        "Patient's Name",
        "Notes",
        "Notes",
        "",
        "",
        "Row Number",
    ]
    assert column_names(header) == [
        "charge_id",
        "balance_age_days",
        "collection",
        "patients_name",
        "notes",
        "notes_2",
        "unnamed_column",
        "unnamed_column_2",
        "row_number_2",
    ]


READ: list[tuple[str, str, str]] = [
    ("numeric", "$1,234.50", "1234.50"),
    ("numeric", "(12.00)", "-12.00"),
    ("numeric", "($1,012.05)", "-1012.05"),
    ("numeric", "$(7.10)", "-7.10"),
    ("numeric", "-$5", "-5"),
    ("numeric", "$-5", "-5"),
    ("numeric", "1,234", "1234"),
    ("numeric", ".50", "0.50"),
    ("numeric", "-0.01", "-0.01"),
    ("numeric", " 12.5 ", "12.5"),
    ("numeric", "123456789012345678.123456789012", "123456789012345678.123456789012"),
    ("integer", "-12", "-12"),
    ("integer", "1,234", "1234"),
    ("integer", "999999999999999999", "999999999999999999"),
    ("percent", "12.5%", "12.5"),
    ("percent", "(3 %)", "-3"),
]
READ += [
    ("numeric", cell, number)
    for cell, number in {
        "7-": "-7",
        "$ 7": "7",
        "+3": "3",
        "5.": "5",
        "$5.00\u00a0": "5.00",
        "\u00a01,234": "1234",
        "7 CR": "-7",
        "$1,234.50CR": "-1234.50",
        "7.25 dr": "7.25",
        "$5-": "-5",
        "+$5": "5",
    }.items()
] + [("integer", "+3", "3")]
REFUSED: list[tuple[str, str]] = [
    ("integer", "0123"),
    ("integer", "1234567890123456789"),
    ("integer", "12.0"),
    ("integer", "1,23"),
    ("numeric", "0123"),
    ("numeric", "1e5"),
    ("numeric", "12.5%"),
    ("numeric", "(12"),
    ("numeric", "$"),
    ("numeric", "1,2345"),
    ("numeric", "NaN"),
    ("percent", "12.5"),
    ("date", "02/30/2026"),
    ("date", "13/01/2026"),
    ("date", "2026-1-5"),
    ("date", "0000-01-01"),
    ("date", "2026-01-05 10:00"),
    ("date", "01/05/2026 3:15:00 PM"),
    ("date", "2026-01-05T00:00:01"),
    ("date", "02/30/26"),
    ("numeric", "1E5"),
    ("integer", "1E5"),
    ("numeric", "-5-"),
    ("numeric", "1.234,50"),
]


@pytest.mark.parametrize(("type", "cell", "number"), READ)
def test_a_number_is_read_to_the_last_digit(type: ReportType, cell: str, number: str) -> None:
    assert _evaluate(reads("cell", type), cell) is True
    assert Decimal(str(_evaluate(value("cell", type), cell))) == Decimal(number)


@pytest.mark.parametrize(("type", "cell"), REFUSED)
def test_what_is_not_quite_of_a_type_is_none(type: ReportType, cell: str) -> None:
    assert not _evaluate(reads("cell", type), cell)


def test_of_a_birth_no_century_is_guessed() -> None:
    cell = {"dob": "1/5/26", "patient_birth_date": "01/05/26", "borne_by": "1/5/26"}
    rows = [
        DB.execute(f"select {reads(one, 'date')} from (select ?::varchar as {one})", [text]).fetchall()
        for one, text in cell.items()
    ]
    assert rows == [[(False,)], [(False,)], [(True,)]]


@pytest.mark.parametrize(
    "column", ["charge_id", "id", "check_number", "zip_code", "patient_account", "member_id_2", "npi"]
)
def test_what_names_a_thing_is_never_a_number(column: str) -> None:
    assert kinds_of(column) == ()


@pytest.mark.parametrize("column", ["balance", "charge_amount", "total_paid", "write_offs", "balance_due_insurance"])
def test_money_is_never_a_whole_number(column: str) -> None:
    assert kinds_of(column) == ("numeric", "percent", "date")


@pytest.mark.parametrize("column", ["units", "balance_age_days", "encounters", "number_of_claims"])
def test_counts_are_whole_numbers(column: str) -> None:
    assert kinds_of(column)[0] == "integer"


DAYS = [
    "1/5/2026",
    "01/05/2026",
    "2026-01-05",
    " 1/05/2026 ",
    "01/05/2026 12:00:00 AM",
    "1/5/26",
    "01/05/26",
    "2026-01-05T00:00:00",
    "2026-01-05 00:00:00.000",
    "2026-01-05T00:00:00Z",
    "1/5/2026\u00a0",
]


@pytest.mark.parametrize("cell", DAYS)
def test_a_day_is_read_however_it_is_written(cell: str) -> None:
    assert _evaluate(reads("cell", "date"), cell) is True
    assert _evaluate(value("cell", "date"), cell) == "2026-01-05"


@given(st.decimals(min_value=-(10**15), max_value=10**15, places=2), st.integers(0, 4))
def test_money_in_every_writing_is_exact_to_the_cent(amount: Decimal, writing: int) -> None:
    sign, size = ("-" if amount < 0 else ""), f"{abs(amount):,.2f}"
    cell = [f"{sign}{size}", f"{sign}${size}", f"({size})", f"(${size})", f"{sign}{size.replace(',', '')}"][writing]
    expected = -abs(amount) if cell.startswith("(") else amount
    assert _evaluate(reads("cell", "numeric"), cell) is True
    assert Decimal(str(_evaluate(value("cell", "numeric"), cell))) == expected


def test_a_report_is_known_by_four_of_five_of_its_columns() -> None:
    assert looks_like(["a", "b", "c", "d", "e"], ["a", "b", "c", "d", "z"])
    assert not looks_like(["a", "b", "c", "d", "e"], ["a", "b", "c", "y", "z"])
    assert not looks_like([*"abcdefghij"], ["a", "b", "c"]), "of what is known, not of what came"
    assert looks_like(["a", "b", "c"], [*"abcdefghij"]), "columns that came with a ragged row do not count"
    assert looks_like([*"abcd", "unnamed_column", "unnamed_column_2"], [*"abcd"]), "nor do those of an earlier one"
    assert looks_like(["a", "b", "c"], ["a", "b", "renamed"]), "one may be renamed of few"
    assert not looks_like(["a", "b"], ["a", "renamed"])
    assert looks_like([], ["anything"])


DB = duckdb.connect(":memory:", config={"threads": 1})


def _evaluate(expression: str, cell: str) -> object:
    return DB.execute(f"select {expression} from (select ?::varchar as cell)", [cell]).fetchall()[0][0]
