"""What stops, and why: the table `held`."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from careloom.engine.sql_text import text
from careloom.engine.sync.tables import empty
from careloom.engine.workspace import incoming, text_columns

HeldRow = tuple[str, str, str, str | None, int | None]
"""(key, kind, code, property, fingerprint), as in `held`."""


def hold_faulty(db: duckdb.DuckDBPyConnection) -> None:
    """Begin `held` with the rows that `row_class` found faulty; rows without a key of their own get one."""
    empty(db, "held")
    db.execute(
        """
        insert into held
        select case when code = 'null-key' then 'row ' || row
                    when code = 'duplicate-key' then key || ' (row ' || row || ')'
                    else replace(key, chr(0), '␀') end,
            'source', code, property, fingerprint
        from row_class where class = 'held'
        """
    )


def discard(db: duckdb.DuckDBPyConnection) -> None:
    """Empty `held`: what it says is written down, and rows are looked at again."""
    empty(db, "held")


def hold_rows(db: duckdb.DuckDBPyConnection, keys: Sequence[str], kind: str, code: str) -> None:
    """Hold the changed rows of `keys` for one reason; nothing more is done about them."""
    if not keys:
        return
    with incoming(db, text_columns({"key": keys})):
        db.execute(
            f"insert into held select key, {text(kind)}, {text(code)}, null, fingerprint"
            " from changed_rows semi join incoming using (key)"
        )
        db.execute("delete from desired_values where key in (select key from incoming)")
        db.execute("delete from changed_rows where key in (select key from incoming)")


def held_rows(db: duckdb.DuckDBPyConnection, kind: str | None = None) -> list[HeldRow]:
    """All that is held, or what is of one kind."""
    return db.execute(
        "select key, kind, code, property, fingerprint from held where ? is null or kind = ?", [kind, kind]
    ).fetchall()


def count_held(db: duckdb.DuckDBPyConnection) -> int:
    """How many rows stop; a conflict stops fields and no row."""
    return int(db.execute("select count(*) from held where kind <> 'conflict'").fetchall()[0][0])


def held_by_reason(db: duckdb.DuckDBPyConnection) -> list[tuple[str, str, str | None, int]]:
    """(kind, code, property, rows) of all that is held now and of what was refused before, most frequent first."""
    return db.execute(
        """
        select kind, code, property, count(*) from (
            select kind, code, property from held
            union all select 'remote', code, property from row_class where class = 'refused')
        group by all order by 4 desc, 1, 2, 3
        """
    ).fetchall()


def stopped_by_reason(db: duckdb.DuckDBPyConnection) -> list[tuple[str, str, str | None, int]]:
    """(kind, code, property, rows) of the rows in `held` that stop."""
    return db.execute(
        "select kind, code, property, count(*) from held where kind <> 'conflict' group by all"
    ).fetchall()
