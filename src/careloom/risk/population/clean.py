"""How what people write is cleaned before it is compared: codes without blanks of any kind, categories as numbers, days.

A number that is a name is never computed with: HCC `38.0`, as data frames and spreadsheets write it, is HCC 38, and a text that is
neither is left as it is, so that it is told as unknown and not taken for another.
"""

from __future__ import annotations

from sqlglot import exp

SPACES, UNSEEN = "\t\r\n\u00a0\u2002\u2003\u2007\u2009\u202f\u3000", "\u200b\u200c\u200d\u2060\ufeff"
"""Blanks other than the plain one that stand in exported codes. Engines' own `trim` know only some, and not the same."""
_DAYS = ("%Y%m%d", "%m/%d/%Y")
"""How CMS's files write days, besides YYYY-MM-DD."""


def clean_code(code: str) -> str:
    """A diagnosis code without dots, blanks around it and signs that no one sees, in capitals: what `sql_code` does."""
    return code.translate(str.maketrans(SPACES, " " * len(SPACES), UNSEEN + ".")).strip(" ").upper()


def sql_code(column: exp.Expr) -> exp.Expr:
    """The same in SQL, of every engine: each space becomes a plain one, and what has no counterpart goes."""
    signs = [exp.Literal.string(SPACES + UNSEEN + "."), exp.Literal.string(" " * len(SPACES))]
    return exp.Upper(this=exp.Trim(this=exp.Anonymous(this="TRANSLATE", expressions=[column, *signs])))


def duckdb_code(column: str) -> str:
    """The same as the text of DuckDB's SQL."""
    return sql_code(exp.column(column)).sql(dialect="duckdb")


def category(column: str) -> str:
    """A category as this library writes it, in DuckDB's SQL: `38` of `HCC38`, `RXHCC 38`, `038`, `38.0` and 38.0."""
    bare = f"regexp_replace(regexp_replace(trim(cast({column} as varchar)), '[.]0*$', ''), '^[^0-9]*0*', '')"
    return f"nullif({bare}, '')"


def whole_text(column: str) -> str:
    """A number that is a name, as text without the `.0` that data frames add, in DuckDB's SQL."""
    return f"regexp_replace(trim(cast({column} as varchar)), '[.]0+$', '')"


def day(column: str, kind: str = "VARCHAR") -> str:
    """A column as a day, in DuckDB's SQL: YYYY-MM-DD, YYYYMMDD or MM/DD/YYYY; NULL where it is none of them."""
    if kind == "DATE" or kind.startswith("TIMESTAMP"):
        return f"cast({column} as date)"
    text = whole_text(column)
    formats = ", ".join(f"'{day_format}'" for day_format in _DAYS)
    return f"coalesce(try_cast({text} as date), cast(try_strptime({text}, [{formats}]) as date))"
