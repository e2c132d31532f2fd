"""What is new, changed, the same, gone, or not to be touched; and that no change of a value goes unseen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from careloom.engine.sync import diff, rows, tables
from careloom.engine.sync.encode import EncodedField
from careloom.engine.workspace import open_workspace

FIELDS = [EncodedField(property=name, expression=f'"{name}"', type="string") for name in ("a", "b", "c")]
TEXT = st.none() | st.text(st.sampled_from('01:~|"\\,ab\n\u00e9'), max_size=5)
ROW = st.tuples(TEXT, TEXT, TEXT)


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_workspace(tmp_path_factory.mktemp("bench")) as workspace:
        yield workspace


def fingerprints(db: duckdb.DuckDBPyConnection, *given_rows: tuple[Any, ...]) -> list[int]:
    if len(db.execute("describe source").fetchall()) == 1:
        tables.add_columns(db, "source", dict.fromkeys(("id", "a", "b", "c"), "varchar"))
    tables.empty(db, "source")
    for number, row in enumerate(given_rows):
        db.execute("insert into source values (?, ?, ?, ?, ?)", [number, f"K{number}", *row])
    rows.fingerprint_rows(db, FIELDS, "id", "UTC")
    return [fingerprint for (fingerprint,) in db.execute("select fingerprint from desired order by row").fetchall()]


def meaning(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(None if value is None or not value.strip(" \t\n\r\u00a0") else value for value in row)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(one=ROW, other=ROW)
def test_two_rows_have_one_fingerprint_only_if_every_value_is_equal(
    db: duckdb.DuckDBPyConnection, one: tuple[Any, ...], other: tuple[Any, ...]
) -> None:
    first, second = fingerprints(db, one, other)
    assert (first == second) is (meaning(one) == meaning(other))


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(row=st.tuples(TEXT.filter(bool), TEXT, TEXT), cut=st.integers(0, 4))
def test_moving_letters_from_one_field_to_the_next_is_a_change(
    db: duckdb.DuckDBPyConnection, row: tuple[Any, ...], cut: int
) -> None:
    text = row[0] or ""
    moved = (text[:cut], text[cut:] + (row[1] or ""), row[2])
    assume(meaning(moved) != meaning(row))
    first, second = fingerprints(db, row, moved)
    assert first != second


def links(*items: tuple[str, str, int]) -> pa.Table:
    columns = list(zip(*items, strict=True)) if items else [(), (), ()]
    types = (pa.string(), pa.string(), pa.int64())
    arrays = [pa.array(list(column), kind) for column, kind in zip(columns, types, strict=True)]
    return pa.Table.from_arrays(arrays, ["key", "remote_id", "fingerprint"])


def held_table(*items: tuple[str, str, str, str | None, int | None]) -> pa.Table:
    columns = list(zip(*items, strict=True)) if items else [()] * 5
    types = (pa.string(), pa.string(), pa.string(), pa.string(), pa.int64())
    arrays = [pa.array(list(column), kind) for column, kind in zip(columns, types, strict=True)]
    return pa.Table.from_arrays(arrays, ["key", "kind", "code", "property", "fingerprint"])


def compare(
    tmp_path: Any, ledger: pa.Table, stops: pa.Table, *, full: bool = False
) -> tuple[dict[str, tuple[Any, ...]], list[Any]]:
    with open_workspace(tmp_path) as db:
        db.execute(
            "insert into desired by name select * from (values (1, 'new', null, 10), (2, 'same', null, 20), (3, 'changed', null, 30),"
            " (4, 'bad', 'born:not-a-date', 40), (5, 'twice', null, 50), (6, 'twice', null, 51), (7, '', null, 60),"
            " (8, null, null, 70), (9, 'refused', null, 80), (10, 'mended', null, 90), (11, 'doubt', null, 100),"
            " (12, 'back', null, 120), (13, 'case', null, 130), (14, 'CASE', null, 140), (15, 'linked', null, 150)) t(row, key, fault, fingerprint)"
        )
        diff.recall(db, ledger, stops)
        diff.compare(db, full=full)
        diff.find_gone(db, full_scan=True)
        rows = db.execute("select row, class, code, property from row_class").fetchall()
        return {f"row {row}": tuple(rest) for row, *rest in rows}, db.execute("select key from gone_links").fetchall()


@pytest.mark.parametrize("full", [False, True])
def test_every_row_is_of_one_class(tmp_path: Any, *, full: bool) -> None:
    ledger = links(
        ("same", "R1", 20),
        ("changed", "R2", 31),
        ("left", "R3", 1),
        ("bad", "R4", 40),
        ("twice", "R5", 50),
        ("back", "R6", 119),
        ("LINKED", "R7", 150),
    )
    stops = held_table(
        ("refused", "remote", "INVALID", "email", 80),
        ("mended", "remote", "INVALID", "email", 91),
        ("doubt", "match", "twin", None, 100),
    )
    classes, gone = compare(tmp_path, ledger, stops, full=full)
    assert classes == {
        "row 1": ("new", None, None),
        "row 2": ("changed" if full else "same", None, None),
        "row 3": ("changed", None, None),
        "row 4": ("held", "not-a-date", "born"),
        "row 5": ("held", "duplicate-key", None),
        "row 6": ("held", "duplicate-key", None),
        "row 7": ("held", "null-key", None),
        "row 8": ("held", "null-key", None),
        "row 9": ("refused", "INVALID", "email"),
        "row 10": ("new", "INVALID", "email"),
        "row 11": ("new", None, None),
        "row 12": ("changed", None, None),
        "row 13": ("held", "duplicate-key", None),
        "row 14": ("held", "duplicate-key", None),
        "row 15": ("held", "duplicate-key", None),
    }
    assert sorted(gone) == [("LINKED",), ("left",)], "rows at fault have not left"
