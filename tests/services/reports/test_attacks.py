"""Reports as a hostile or careless system sends them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from careloom.store.database import open_store
from services.reports.test_load import Office


@pytest.fixture
def office(database: str, tmp_path: Path) -> Iterator[Office]:
    store = open_store(database)
    yield Office(store, tmp_path / "reports")
    store.close()


def table(*rows: list[str]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue()


@pytest.mark.parametrize(("head", "end"), [("Balance\nAge", "\r\n"), ("Balance\r\nAge", "\n"), ("Age\r", "\n")])
def test_no_row_is_lost_behind_a_header_with_a_line_break(office: Office, head: str, end: str) -> None:
    rows = "".join(f"{number},{number}{end}" for number in range(3000))
    assert office.bring(f'Line,"{head}"{end}{rows}').rows == 3000


@pytest.mark.parametrize(
    "cell",
    ["\u00a01,234", "1,234\u00a0", "$1,234.50\u00a0", "\u00a0$5.00", "(5.00)\u00a0", "5%\u00a0", "\u1680-$5"],
)
def test_a_number_between_spaces_that_are_not_ascii_ends_no_run(office: Office, cell: str) -> None:
    assert office.bring(table(["Line", "Amount"], ["1", cell])).rows == 1


@pytest.mark.parametrize("cell", ["\u00a05", "\u30001/2/2026", "- 5", "5.", "1e5", "\uff15", "\t5", "5\n", "$\u00a05"])
def test_odd_cells_arrive_as_a_value_or_as_they_came(office: Office, cell: str) -> None:
    office.bring(table(["Line", "Amount"], ["1", cell], ["2", "1,000.25"]))
    (row,) = office.ask("select coalesce(amount::text, unparsed ->> 'amount') from reports.aging where line = 1")
    assert row[0].strip() == cell.strip() or row[0] in {cell, "5"}


def test_one_ragged_row_does_not_make_the_report_another_one(office: Office) -> None:
    office.bring("Line,Balance,A,B\n1,$5.00,a,b\n")
    office.bring("Line,Balance,A,B\n1,$5.00,a,b,c,d,e,f,g,h\n", account="1002")
    assert office.bring("Line,Balance,A,B\n2,$6.00,a,b\n").rows == 1


def test_a_report_whose_columns_are_renamed_one_by_one_stays_the_same_report(office: Office) -> None:
    for first in range(12):
        heads = [f"c{number}" for number in range(first, first + 10)]
        assert office.bring(table(heads, ["x"] * 10)).rows == 1


def test_a_column_that_became_text_can_be_given_its_type_as_the_documentation_says(office: Office) -> None:
    office.bring("Line,Balance\n1,n/a\n")
    office.ask("delete from report_columns where column_name = 'balance'")
    office.bring("Line,Balance\n1,n/a\n2,$7.00\n", declared_types={"balance": "numeric"})
    assert office.ask("select distinct pg_typeof(balance)::text from reports.aging") == [("numeric",)]


def test_two_headers_of_sql_and_names_of_ours_are_only_names(office: Office) -> None:
    heads = ["x); drop table account_reports; --", 'y" text', "report_run", "Customer Account", "%s", "{0}", "xmin"]
    assert office.bring(table(heads, ["1"] * len(heads))).rows == 1
    assert office.count("account_reports") == 1
