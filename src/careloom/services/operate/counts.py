"""How things stand, in numbers: what is landed, and what is linked."""

from __future__ import annotations

from psycopg import sql

from careloom.services.session.sessions import Session
from careloom.store.landed_rows import table_of


def landed_rows(session: Session) -> int:
    """The live rows of all landing tables."""
    count = sql.SQL("select count(*) from {} where deleted_at is null")
    return sum(
        _number(session, count.format(table_of(landing.stream))) for landing in session.project.landings.values()
    )


def linked_rows(session: Session) -> int:
    """The links that live rows have."""
    count = sql.SQL("select count({}) from {} where deleted_at is null")
    return sum(
        _number(session, count.format(sql.Identifier(rule.column), table_of(landing.stream)))
        for landing in session.project.landings.values()
        for rule in landing.stream.links
    )


def _number(session: Session, statement: sql.Composed) -> int:
    with session.store.transaction() as connection:
        row = connection.execute(statement).fetchone()
        return int(row[0]) if row else 0
