"""Normal forms of what identifies a person: one set of DuckDB macros, used over whole columns and for single values.

`install` puts the macros into a connection. The functions `normal_*` ask the same macros for one value; they give None
for a placeholder ("unknown", noreply@…, 1900-01-01) and for what cannot be a value of its kind.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from threading import Lock

import duckdb
import phonenumbers
import pyarrow as pa
from nicknames import name_triplets

from careloom.identity.address_words import address_words

SQL = Path(__file__).parent / "sql"
_one_at_a_time = Lock()


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


@cache
def _own() -> duckdb.DuckDBPyConnection:
    db = duckdb.connect(config={"threads": 1})
    install(db)
    return db


def _ask(macro: str, text: str) -> str | None:
    with _one_at_a_time:
        answer = _own().execute(f"SELECT careloom_{macro}($1)", [text]).fetchall()[0][0]
    return None if answer is None else str(answer)


def normal_mail(text: str) -> str | None:
    """The address in lower case; plus-tags stay, because two tags may be two people."""
    return _ask("email", text)


def normal_phone(text: str) -> str | None:
    """E.164; a number without country is a US one."""
    with _one_at_a_time:
        _own().execute("CREATE OR REPLACE TEMP TABLE asked AS SELECT $1::VARCHAR AS t", [text])
        settle_phones(_own(), "SELECT t FROM asked")
    return _ask("phone", text)


def normal_first_name(text: str) -> str | None:
    """The given name in lower-case words, without titles, accents, suffixes and initials behind it."""
    return _ask("first_name", text)


def normal_last_name(text: str) -> str | None:
    """The family name in lower-case words, without accents and suffixes."""
    return _ask("last_name", text)


def normal_suffix(text: str) -> str | None:
    """jr, sr, ii, iii, iv or v; degrees are no evidence."""
    return _ask("suffix", text)


def normal_birth_date(text: str) -> str | None:
    """YYYY-MM-DD from ISO, US, Oracle-like text or milliseconds since 1970 UTC."""
    return _ask("birth_date", text)


def normal_sex(text: str) -> str | None:
    """One letter, m or f."""
    return _ask("sex", text)


def normal_street(text: str) -> str | None:
    """House number and street in the short words of USPS Publication 28, without the unit."""
    return _ask("street", text)


def normal_unit(text: str) -> str | None:
    """The unit's number without its designator."""
    return _ask("unit", text)


def normal_city(text: str) -> str | None:
    """The city in lower-case words, "St" as "saint"."""
    return _ask("city", text)


def normal_state(text: str) -> str | None:
    """Two lower-case letters."""
    return _ask("state", text)


def normal_zip(text: str) -> str | None:
    """Five digits."""
    return _ask("zip", text)
