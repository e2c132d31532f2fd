"""Whatever a CSV file looks like: no row and no cell less than Python's csv module reads."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from careloom.core.errors import Hold
from careloom.engine.reports import csv as reports_csv
from careloom.engine.reports.columns import column_names
from careloom.engine.reports.csv import MisreadRow
from careloom.engine.reports.glance import digest_of
from careloom.engine.workspace import open_workspace

NASTY = st.text(alphabet=list("ab1\",,,\n\n\r;\\=#' \t\ufeffé\x0b\x1c\u2028"), max_size=40)
CELLS = st.text(alphabet=list("a\",\n\r =$\t'é"), max_size=5)


def read(texts: Sequence[str], folder: Path, *, careful: bool | None = None) -> tuple[list[str], list[tuple[str, ...]]]:
    """The columns and rows that the engine reads; as the service asks it to, unless `careful` is given."""
    files = [folder / f"{number}.csv" for number in range(len(texts))]
    for file, text in zip(files, texts, strict=True):
        file.write_bytes(text.encode())
    crooked = digest_of(files).needs_rewrite
    if careful is None:
        try:
            return read(texts, folder, careful=crooked)
        except MisreadRow:
            return read(texts, folder, careful=True)
    with open_workspace(folder / "work") as db:
        sheets = reports_csv.sheets_of(files, folder, careful=careful)
        columns = reports_csv.show(db, sheets)
        column_stats = reports_csv.column_stats(db, columns, dict.fromkeys(columns, "text"), careful=careful)
        pieces = reports_csv.chunks(db, column_stats, {}, careful=careful)
        text = b"".join(pieces).decode()
    rows = [tuple(row[:-2]) for row in csv.reader(io.StringIO(text, newline=""))]
    assert column_stats.rows == len(rows)
    return columns, rows


def oracle(text: str) -> tuple[list[str], list[tuple[str, ...]]]:
    rows = [row for row in csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")) if row]
    header, body = rows[0], rows[1:]
    width = max([len(header), *(max((at + 1 for at, cell in enumerate(row) if cell), default=0) for row in body)])
    names = column_names([*header, *[""] * (width - len(header))])
    return names, [(*row[:width], *[""] * (width - len(row))) for row in body]


@given(NASTY)
@example('a,b\n1, "x,y"\n')
@example('a,b\n1,"x" \n')
@example("a\n\n1\n")
@example('a\n""\n1\n')
@example("a,b\n1\n1,2,3\n")
@example("a,b\r1,2\r3,4")
@example('\ufeff"a\nb",c\r\n1,"x\r\ny"\r\n')
@example("a,b\n1,2\r\n3,4\n")
@example('a,b\n1,"x"y\n')
@example("\r,")
@example('1\r"')
@example('""1,\n1')
@example('"a"b,c\n1,2\n3,4\n')
@settings(max_examples=80, deadline=None)
def test_any_text_at_all_is_read_as_the_csv_module_reads_it_or_held(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        try:
            found = read([text], Path(folder))
        except Hold as hold:
            assert hold.code in {"empty-file", "unclosed-quote"}  # noqa: PT017 (or it is read)
            return
    assert found == oracle(text)


@given(
    st.lists(st.lists(CELLS, min_size=1, max_size=4), max_size=8),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
)
@settings(max_examples=50, deadline=None)
def test_ragged_rows_written_by_the_rule_come_back_cell_by_cell(rows: list[list[str]], end: str, quoting: int) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, quoting=quoting, lineterminator=end).writerows([["One", "Two", "Two"], *rows])  # type: ignore[arg-type]
    with tempfile.TemporaryDirectory() as folder:
        assert read([text.getvalue()], Path(folder)) == oracle(text.getvalue())


def test_the_further_cells_of_a_long_row_get_columns_of_their_own(tmp_path: Path) -> None:
    columns, rows = read(["a,b\n1\n1,2,,4\n1,2,\n"], tmp_path)
    assert columns == ["a", "b", "unnamed_column", "unnamed_column_2"]
    assert rows == [("1", "", "", ""), ("1", "2", "", "4"), ("1", "2", "", "")]


def test_files_of_one_report_are_read_one_after_the_other_by_name_of_column(tmp_path: Path) -> None:
    columns, rows = read(["a,b\n1,2\n", "b,a\n4,3\n6,5,extra\n"], tmp_path)
    assert columns == ["a", "b", "unnamed_column"]
    assert rows == [("1", "2", ""), ("3", "4", ""), ("5", "6", "extra")]


def test_a_cell_of_many_lines_and_a_million_characters_is_one_cell(tmp_path: Path) -> None:
    long = 'line "one"\n' * 100_000
    text = long.replace('"', '""')
    assert read([f'a,b\n1,"{text}"\n2,x\n'], tmp_path) == (["a", "b"], [("1", long), ("2", "x")])


def test_order_is_kept_over_many_rows(tmp_path: Path) -> None:
    _, rows = read(["a,b\n" + "".join(f"{number},x\n" for number in range(200_000))], tmp_path)
    assert [int(row[0]) for row in rows] == list(range(200_000))


@pytest.mark.parametrize(
    ("texts", "code"),
    [
        ([""], "empty-file"),
        (["\n\n"], "empty-file"),
        (["a,b\n1,2\n", ""], "empty-file"),
        (["a,b\n1,x\0y\n"], "nul-character"),
        (["a,b\n1,2\n", "a,c\n1,2\n"], "different-headers"),
        (["a,b\n1,2\n", "a,b,b\n1,2\n"], "different-headers"),
        ([",".join(f"c{number}" for number in range(10_000)) + "\n"], "too-many-columns"),
        (["a,b\n" + "," * 9_999 + "x\n"], "too-many-columns"),
        (['a,b\n1,"x\n2,y\n'], "unclosed-quote"),
        (['a,b\n1,"' + "x" * (9 * 2**20) + '"\n'], "row-too-long"),
    ],
)
def test_what_cannot_be_one_table_is_held(texts: list[str], code: str, tmp_path: Path) -> None:
    with pytest.raises(Hold) as error:
        read(texts, tmp_path)
    assert error.value.code == code


def test_bytes_that_are_no_utf8_are_held_without_showing_them(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"a,b\nJos\xe9,1\n")
    with pytest.raises(Hold) as error:
        digest_of([tmp_path / "a.csv"])
    assert error.value.code == "not-utf8"
    assert "Jos" not in str(error.value)
    assert error.value.__cause__ is None


def types_of(text: str, folder: Path, known: dict[str, reports_csv.ReportType] | None = None) -> dict[str, str]:
    (folder / "a.csv").write_text(text, encoding="utf-8")
    with open_workspace(folder / "work") as db:
        columns = reports_csv.show(db, reports_csv.sheets_of([folder / "a.csv"], folder, careful=True))
        column_stats = reports_csv.column_stats(db, columns, known or {}, careful=True)
    return {column: weight.type for column, weight in column_stats.columns.items()}


def test_one_value_in_the_last_of_many_rows_decides_a_type(tmp_path: Path) -> None:
    lines = "".join(f"{number},{number},01/02/2026,{number}.5%,\n" for number in range(1, 5000))
    assert types_of(f"a,b,c,d,e\n{lines}", tmp_path) == {
        "a": "integer",
        "b": "integer",
        "c": "date",
        "d": "percent",
        "e": "unknown",
    }
    last = "0007,$7.00,02/30/2026,7,=1+1\n"
    assert types_of(f"a,b,c,d,e\n{lines}{last}", tmp_path) == {
        "a": "text",
        "b": "numeric",
        "c": "text",
        "d": "text",
        "e": "text",
    }


@pytest.fixture(autouse=True)
def _leave_no_folder(tmp_path: Path) -> Iterator[None]:
    yield
    assert not list((tmp_path / "work").glob("work-*"))
