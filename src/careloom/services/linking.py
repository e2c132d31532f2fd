"""Ties between landed rows: found by equal columns, made only where exactly one row fits, in whatever order the rows come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import psycopg
from psycopg import sql

from careloom.core.streams import LinkRule, Stream
from careloom.project.model import Landing
from careloom.services.opening import Opened
from careloom.store.landing import SCHEMA, table_of
from careloom.store.statements import statements


@dataclass(frozen=True, slots=True, kw_only=True)
class Unlinked:
    """A live row without its link. `why`: "none" found, or "ambiguous"."""

    record_id: str
    key: str
    column: str
    why: str


def lock_links(connection: psycopg.Connection, ready: Opened, landing: Landing) -> None:
    """Until this transaction ends nobody else lands what `landing` links to, or what links to it. Call it before writing.

    Two that landed the ends of a link at once would not see each other's row, and the link would never be made.
    """
    tables = {rule.to for rule in landing.stream.links}
    if any(rule.to == landing.table for other in ready.project.landings.values() for rule in other.stream.links):
        tables.add(landing.table)
    # In one order, so that no two wait for each other.
    for table in sorted(tables):
        connection.execute(_SQL["lock"], {"table": table})


def link_rows(connection: psycopg.Connection, ready: Opened, landing: Landing, ids: Sequence[str]) -> int:
    """Link what `ids`, rows of `landing` that were just written or marked deleted, make linkable; how many links were made.

    First these rows to others; then the rows of other streams that waited for one of these, or for one of two to go.
    """
    made = 0
    for rule in landing.stream.links:
        made += _link(connection, landing.stream, rule, "own", ids)
    for other in ready.project.landings.values():
        for rule in other.stream.links:
            if rule.to == landing.table:
                made += _link(connection, other.stream, rule, "other", ids)
    return made


def unlinked(ready: Opened, landing: Landing, limit: int = 1000) -> Sequence[Unlinked]:
    """The live rows of `landing` that lack a link, oldest first."""
    found: list[Unlinked] = []
    with ready.store.transaction() as connection:
        for rule in landing.stream.links:
            rows = connection.execute(_statement(landing.stream, rule, "unlinked"), {"limit": limit}).fetchall()
            found += [Unlinked(record_id=id_, key=key, column=rule.column, why=why) for id_, key, why in rows]
    return found


def _link(connection: psycopg.Connection, stream: Stream, rule: LinkRule, side: str, ids: Sequence[str]) -> int:
    values = {"ids": list(ids), "table": stream.table or stream.name, "vendor_key": stream.key_column}
    row = connection.execute(_statement(stream, rule, side), values).fetchone()
    return int(row[0]) if row else 0


@cache
def _statement(stream: Stream, rule: LinkRule, name: str) -> sql.Composed:
    """One of the statements of linking.sql for a rule. A tier that finds two rows ends the search: no link."""
    equals = [
        sql.SQL(" and ").join(
            sql.SQL("o.{} = f.{}").format(sql.Identifier(other), sql.Identifier(own)) for own, other in tier
        )
        for tier in rule.tiers
    ]
    found = [
        sql.SQL("(select array_agg(o.id) from {to} o where o.deleted_at is null and {equal})").format(
            to=sql.Identifier(SCHEMA, rule.to), equal=equal
        )
        for equal in equals
    ]
    # From the rows that came to those that wait for them, so that indexes lead there however many wait for others.
    waiting = [
        sql.SQL(
            "select f.id from {to} o join {table} f on {equal} where o.id = any(%(ids)s::uuid[]) and f.{column} is null"
        ).format(
            to=sql.Identifier(SCHEMA, rule.to),
            table=table_of(stream),
            column=sql.Identifier(rule.column),
            equal=equal,
        )
        for equal in equals
    ]
    return sql.SQL(_SQL[name]).format(
        table=table_of(stream),
        key=sql.Identifier(stream.key_column),
        column=sql.Identifier(rule.column),
        linked_at=sql.Identifier(f"{rule.column}_linked_at"),
        found=sql.SQL("coalesce({})").format(sql.SQL(", ").join(found)),
        waiting=sql.SQL(" union ").join(waiting),
    )


_SQL = statements("linking")
