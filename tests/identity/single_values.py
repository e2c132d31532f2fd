"""The macros of `careloom.identity.normal`, asked for one value; None for a placeholder and for what is no value of its kind."""

from __future__ import annotations

from functools import cache

import duckdb

from careloom.identity.normal import install, settle_phones


@cache
def _database() -> duckdb.DuckDBPyConnection:
    db = duckdb.connect(config={"threads": 1})
    install(db)
    return db


def _ask(macro: str, text: str) -> str | None:
    answer = _database().execute(f"SELECT careloom_{macro}($1)", [text]).fetchall()[0][0]
    return None if answer is None else str(answer)


def normal_mail(text: str) -> str | None:
    """The address in lower case; plus-tags stay, because two tags may be two people."""
    return _ask("email", text)


def normal_phone(text: str) -> str | None:
    """E.164; a number without country is a US one."""
    _database().execute("CREATE OR REPLACE TEMP TABLE asked AS SELECT $1::VARCHAR AS t", [text])
    settle_phones(_database(), "SELECT t FROM asked")
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
