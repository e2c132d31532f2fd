"""What a row's values become: the texts, their faults and their fingerprints, against a second reading in Python."""

from __future__ import annotations

import hashlib
import re
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from careloom.engine.sync import rows
from careloom.engine.sync.encode import EncodedField
from careloom.engine.workspace import open_workspace

FIELDS = (
    EncodedField(property="name", expression="name", type="string", max_length=5),
    EncodedField(property="amount", expression="amount", type="number"),
)
BLANKS = " \t\n\r\u00a0"
TEXTS = st.none() | st.text(st.sampled_from(BLANKS + '!"0aé~\x00\x1f\x0b💉'), max_size=7)
NUMBERS = st.sampled_from(["0", "-0", "00", "007", "+5", "5.", ".5", "-.50", "1.500", "12", "-12", "", " 7 ", "often"])


def desired_of(tmp_path: Path, values: list[tuple[str | None, str]]) -> list[tuple[str, str | None, int]]:
    """(key, fault, fingerprint) of each row, keys being places."""
    table = pa.table(
        {
            "id": pa.array([str(place) for place in range(len(values))]),
            "name": pa.array([value[0] for value in values], pa.string()),
            "amount": pa.array([value[1] for value in values], pa.string()),
        }
    )
    with open_workspace(tmp_path) as db:
        kinds = {"id": "VARCHAR", "name": "VARCHAR", "amount": "VARCHAR"}
        rows.load_source(db, iter(table.to_batches(max_chunksize=3)), kinds)
        rows.fingerprint_rows(db, FIELDS, "id", "UTC")
        return db.execute("select key, fault, fingerprint from desired order by row").fetchall()


def number(text: str) -> str | None:
    """One spelling for one number."""
    stripped = text.strip(" ")
    if not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)", stripped):
        return None
    plain = format(Decimal(stripped), "f")
    plain = plain.rstrip("0").rstrip(".") if "." in plain else plain
    return "0" if plain in ("-0", "") else plain


def by_recipe(name: str | None, amount: str) -> tuple[str | None, int]:
    """Fault and fingerprint by recipe 1."""
    text = None if name is None or not name.strip(BLANKS) else name
    digits = number(amount)
    if digits is None and amount.strip(BLANKS):
        fault: str | None = "amount:not-a-number"
    else:
        fault = None
    if text is not None and ("\x00" in text or len(text) > 5):
        fault = "name:nul-character" if "\x00" in text else "name:too-long"
    framed = "".join("~" if one is None else f"{len(one.encode())}:{one}" for one in (digits, text))
    lower = int.from_bytes(hashlib.md5(framed.encode(), usedforsecurity=False).digest()[8:], "little")
    return fault, lower - 2**63


@settings(max_examples=60, deadline=None)
@example(values=[(" ", "0"), ("\u00a0", "-0"), ("\n!", " 7 "), ("", ""), (None, "often"), ("a\x00", "1")])
@given(values=st.lists(st.tuples(TEXTS, NUMBERS), min_size=1, max_size=40))
def test_a_rows_fault_and_fingerprint_are_those_of_a_second_reading(
    tmp_path_factory: pytest.TempPathFactory, values: list[tuple[str | None, str]]
) -> None:
    folder = tmp_path_factory.getbasetemp()
    value_list = desired_of(folder, values)
    assert value_list == [(str(place), *by_recipe(*value)) for place, value in enumerate(values)]


def test_rows_are_numbered_from_one_in_the_order_in_which_they_came(tmp_path: Path) -> None:
    table = pa.table({"id": [f"k{place}" for place in range(10)]})
    with open_workspace(tmp_path) as db:
        assert rows.load_source(db, iter(table.to_batches(max_chunksize=4)), {"id": "VARCHAR"}) == 10
        row_list = db.execute("select _row, id from source order by _row").fetchall()
    assert row_list == [(place + 1, f"k{place}") for place in range(10)]


def test_a_source_without_rows_keeps_its_columns(tmp_path: Path) -> None:
    with open_workspace(tmp_path) as db:
        assert rows.load_source(db, iter([]), {"id": "VARCHAR"}) == 0
        assert describe(db) == ["_row", "id"]


def describe(db: duckdb.DuckDBPyConnection) -> list[str]:
    """The columns of `source`."""
    return [row[0] for row in db.execute("describe source").fetchall()]
