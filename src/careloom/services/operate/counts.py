"""How things stand, in numbers: what is landed, and what is linked."""

from __future__ import annotations

from psycopg import sql

from careloom.services.session.session import Opened
from careloom.store.landed_rows import table_of


def landed_rows(ready: Opened) -> int:
    """The live rows of all landing tables."""
    count = sql.SQL("select count(*) from {} where deleted_at is null")
    return sum(_number(ready, count.format(table_of(one.stream))) for one in ready.project.landings.values())


def linked_rows(ready: Opened) -> int:
    """The links that live rows have."""
    count = sql.SQL("select count({}) from {} where deleted_at is null")
    return sum(
        _number(ready, count.format(sql.Identifier(rule.column), table_of(one.stream)))
        for one in ready.project.landings.values()
        for rule in one.stream.links
    )


def _number(ready: Opened, statement: sql.Composed) -> int:
    with ready.store.transaction() as connection:
        row = connection.execute(statement).fetchone()
        return int(row[0]) if row else 0
