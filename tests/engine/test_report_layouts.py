"""Files that are not by the rule: read as they were meant, or held; never shifted."""

from __future__ import annotations

from pathlib import Path

import pytest

from careloom.core.errors import Hold
from careloom.engine.reports import csv
from careloom.engine.reports.glance import digest_of
from careloom.engine.reports.layouts import PLAIN, Layout, layout_of
from careloom.engine.workspace import open_workspace

KNOWN = ("claim_id", "amount", "when", "payer")


def write_report(folder: Path, text: str) -> Path:
    path = folder / "a.csv"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("expected", [(), KNOWN])
@pytest.mark.parametrize("titles", ["", "AR Aging\n", "AR Aging\n\nPrinted 11/30/2026\n"])
def test_delimiters_and_titles_are_recognised(
    tmp_path: Path, delimiter: str, expected: tuple[str, ...], titles: str
) -> None:
    rows = ["Claim ID,Amount,When,Payer", "1,5.00,1/2/2026,Acme", "2,6.00,1/3/2026,Acme"]
    path = write_report(tmp_path, titles + "\n".join(row.replace(",", delimiter) for row in rows) + "\n")
    assert layout_of(path, expected) == Layout(
        delimiter=delimiter, titles=titles.count("A") - titles.count("AR A") + titles.count("Printed")
    )


@pytest.mark.parametrize(
    "text",
    [
        "a,b\n1,2\n",
        "a\n1\n",
        "Payer|Plan,Balance\nAcme|Gold,5\n",
        "Notes;more,Balance\nx;y;z,5\n",
        "a\n1,2\n",
        "",
        "\n\n",
        'a,b\n"x\n',
    ],
)
def test_what_is_by_the_rule_or_unclear_is_left_as_it_is(tmp_path: Path, text: str) -> None:
    assert layout_of(write_report(tmp_path, text)) == PLAIN


def test_a_title_of_several_cells_is_seen_by_the_columns_that_are_expected(tmp_path: Path) -> None:
    path = write_report(
        tmp_path, "Report,AR Aging,of,Acme\nfrom,1/1/2026,to,1/2/2026\nClaim ID,Amount,When,Payer\n1,2,1/1/2026,x\n"
    )
    assert layout_of(path, KNOWN).titles == 2


def cells(path: Path, folder: Path) -> list[tuple[str, ...]]:
    glance = digest_of([path])
    layout = layout_of(path, needs_rewrite=glance.needs_rewrite)
    with open_workspace(folder / "work") as db:
        sheets = csv.sheets_of([path], folder, careful=True, layouts=[layout])
        csv.show(db, sheets, sums=glance.sums)
        return db.execute("select * from report_rows").fetchall()


def test_a_space_before_a_quote_shifts_no_cell(tmp_path: Path) -> None:
    path = write_report(tmp_path, 'ID, Payer, Amount\n00123, "Ann, B", $5.00\n00124, "Bo", $6.00\n')
    assert cells(path, tmp_path) == [("00123", "Ann, B", "$5.00"), ("00124", "Bo", "$6.00")]


def test_quotes_that_would_shift_cells_are_held(tmp_path: Path) -> None:
    path = write_report(tmp_path, 'ID,Payer,Amount\n00123, "Ann", B", $5.00\n00124, "Bo, x", y, $6.00\n')
    with pytest.raises(Hold) as error:
        cells(path, tmp_path)
    assert error.value.code == "shifted-cells"


@pytest.mark.parametrize("word", ["Total", "TOTALS", "Grand Total:", "Subtotal", "sub-total", "Report Total"])
@pytest.mark.parametrize("row", ["{},,$11.00", "{},,", ",{},$11.00", '"{}",,($11.00)'])
def test_sums_and_empty_rows_are_no_data(tmp_path: Path, word: str, row: str) -> None:
    text = "ID,Payer,Amount\n1,Acme,$5.00\n,,\n2,Total Care,$6.00\n" + row.format(word) + "\n , ,\n"
    assert cells(write_report(tmp_path, text), tmp_path) == [("1", "Acme", "$5.00"), ("2", "Total Care", "$6.00")]


def test_a_row_that_says_more_than_a_sum_is_data(tmp_path: Path) -> None:
    text = "Payer,Plan,Amount\nTotal,Gold,$5.00\nTotals,,$6.00\nTotality,,$7.00\n"
    assert cells(write_report(tmp_path, text), tmp_path) == [("Total", "Gold", "$5.00"), ("Totality", None, "$7.00")]
