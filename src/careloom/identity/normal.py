"""Normal forms of what identifies a person: one set of DuckDB macros over whole columns, put into a connection by `install`.

They give NULL for a placeholder ("unknown", noreply@…, 1900-01-01) and for what cannot be a value of its kind.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import duckdb
import phonenumbers
import pyarrow as pa
from nicknames import name_triplets

from careloom.identity.address_words import address_words

SQL = Path(__file__).parent / "sql"


def statement(name: str) -> str:
    """The text of identity/sql/NAME.sql."""
    return (SQL / f"{name}.sql").read_text(encoding="utf-8")


def install(db: duckdb.DuckDBPyConnection) -> None:
    """Put the macros careloom_* and the tables they read into `db`, as temporary objects; harmless when repeated."""
    db.execute("CREATE OR REPLACE TEMP TABLE careloom_abroad(written VARCHAR, e164 VARCHAR)")
    db.execute("CREATE OR REPLACE TEMP TABLE careloom_word(kind VARCHAR, word VARCHAR, short VARCHAR)")
    fill(db, "careloom_word", _words())
    db.execute("CREATE OR REPLACE TEMP TABLE careloom_nickname(x VARCHAR, y VARCHAR)")
    fill(db, "careloom_nickname", _nicknames())
    db.execute(statement("normal"))


def columns_of(rows: Sequence[tuple[str | None, ...]]) -> pa.Table:
    """`rows` of text, one at least, as columns; for `fill`."""
    columns = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]
    return pa.table({f"c{number}": column for number, column in enumerate(columns)})


def fill(db: duckdb.DuckDBPyConnection, table: str, rows: pa.Table) -> None:
    """Put `rows` into `table`. Parameters, singly or as lists, would take a second for a few thousand of them."""
    db.register("careloom_rows", rows)
    db.execute(f"INSERT INTO {table} FROM careloom_rows")
    db.unregister("careloom_rows")


@cache
def _words() -> pa.Table:
    return columns_of(address_words())


@cache
def _nicknames() -> pa.Table:
    """Pairs in both directions, without dots: the `nicknames` package names the given name first."""
    pairs = {(triplet.name1.replace(".", ""), triplet.name2.replace(".", "")) for triplet in name_triplets()}
    return columns_of(sorted({pair for x, y in pairs if x != y for pair in ((x, y), (y, x))}))


def settle_phones(db: duckdb.DuckDBPyConnection, numbers: str) -> None:
    """Let phonenumbers read what SQL cannot: `numbers` is a query of one column of texts; run it before `careloom_phone`."""
    query = f"SELECT DISTINCT t FROM ({numbers}) AS n(t) WHERE NOT careloom_is_plain_phone(t) AND regexp_matches(t, '\\d.*\\d.*\\d.*\\d.*\\d.*\\d.*\\d')"
    phones = [(text, number) for (text,) in db.execute(query).fetchall() if (number := _read_phone(text))]
    db.execute("DELETE FROM careloom_abroad")
    if phones:
        fill(db, "careloom_abroad", columns_of(phones))


def _read_phone(text: str) -> str | None:
    try:
        number = phonenumbers.parse(text, "US")
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
