"""Links between landed rows: the statements that derive them, one for each rule. `services.landing.link` says when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import LiteralString
from uuid import UUID

import psycopg
from psycopg import sql

from careloom.core.streams import LinkRule, Stream
from careloom.store.database import Store
from careloom.store.landed_rows import SCHEMA, pg_type, table_of
from careloom.store.statements import statements


def lock_table(connection: psycopg.Connection, table: str) -> None:
    """No one else derives the links of `table` until this transaction ends."""
    connection.execute(_SQL["lock"], {"table": table})


def fitting_ids(
    connection: psycopg.Connection, stream: Stream, rule: LinkRule, target: Stream, keys: Sequence[str]
) -> list[str]:
    """The rows of `stream` that `rule` would link to the rows `keys` of `target`, as these are now."""
    return [id_ for (id_,) in connection.execute(_fitted(stream, rule, target), {"keys": list(keys)})]


def derive(connection: psycopg.Connection, stream: Stream, rule: LinkRule, ids: Sequence[str]) -> set[str]:
    """Derive the links of the rows `ids` of `stream`; returns those whose link is another now."""
    return _derive(connection, stream, rule, "own", {"ids": list(ids)})


def derive_to(
    connection: psycopg.Connection, stream: Stream, rule: LinkRule, ids: Sequence[str], prior_ids: Sequence[str]
) -> set[str]:
    """Derive the links of the rows of `stream` that the rows `ids` of the rule's other table decide about.

    `prior_ids`: rows of `stream` that fitted before those were written. Returns the rows whose link is another now.
    """
    return _derive(connection, stream, rule, "other", {"ids": list(ids), "fitted": list(prior_ids)})


def next_ids(connection: psycopg.Connection, stream: Stream, after: str | UUID, limit: int) -> list[str]:
    """The ids of up to `limit` rows behind the id `after`, in their order."""
    query = sql.SQL(_SQL["next_ids"]).format(table=table_of(stream))
    return [id_ for (id_,) in connection.execute(query, {"after": after, "most": limit})]


def unlinked_rows(
    connection: psycopg.Connection, stream: Stream, rule: LinkRule, limit: int
) -> list[tuple[str, str, str]]:
    """(id, key, why) of the live rows that lack the link, oldest first."""
    return connection.execute(_statement(stream, rule, "unlinked"), {"limit": limit}).fetchall()


def count_rows(store: Store, stream: Stream) -> int:
    """The live rows of the stream's table."""
    return _count(store, sql.SQL("select count(*) from {} where deleted_at is null").format(table_of(stream)))


def count_links(store: Store, stream: Stream, rule: LinkRule) -> int:
    """The live rows that have the rule's link."""
    count = sql.SQL("select count({}) from {} where deleted_at is null")
    return _count(store, count.format(sql.Identifier(rule.column), table_of(stream)))


def _count(store: Store, statement: sql.Composed) -> int:
    with store.transaction() as connection:
        row = connection.execute(statement).fetchone()
        return int(row[0]) if row else 0


def _derive(
    connection: psycopg.Connection, stream: Stream, rule: LinkRule, side: str, values: Mapping[str, Sequence[str]]
) -> set[str]:
    names = {"table": stream.table or stream.name, "vendor_key": stream.key_column}
    return {id_ for (id_,) in connection.execute(_statement(stream, rule, side), {**values, **names}).fetchall()}


@cache
def _statement(stream: Stream, rule: LinkRule, side: str) -> sql.Composed:
    """One of the statements of linking.sql for a rule; `side`: "own" and "other" derive, "unlinked" lists."""
    fitting = [
        sql.SQL(
            "when {stated} then (select array_agg(o.id) from {to} o where o.deleted_at is null and {equal})"
        ).format(to=_target(rule), equal=_equal(tier), stated=_stated(tier))
        for tier in rule.tiers
    ]
    name = "unlinked" if side == "unlinked" else "derive"
    return sql.SQL(_SQL[name]).format(
        table=table_of(stream),
        key=sql.Identifier(stream.key_column),
        column=sql.Identifier(rule.column),
        linked_at=sql.Identifier(f"{rule.column}_linked_at"),
        fitting=sql.SQL("case {} end").format(sql.SQL(" ").join(fitting)),
        affected=_affected(stream, rule, side),
        to=_target(rule),
        agree=_agree(rule),
    )


def _affected(stream: Stream, rule: LinkRule, side: str) -> sql.Composable:
    """The rows to derive: those named, or those that rows of the other table decide about.

    From the rows that came to those that may fit them, so that indexes lead there however many there are.
    """
    if side == "own":
        return sql.SQL("select unnest(%(ids)s::uuid[]) as id")
    names = {"to": _target(rule), "table": table_of(stream), "column": sql.Identifier(rule.column)}
    fits: LiteralString = "select f.id from {to} o join {table} f on {equal} where o.id = any(%(ids)s::uuid[])"
    parts = [sql.SQL(fits).format(**names, equal=_equal(tier)) for tier in rule.tiers]
    parts.append(sql.SQL("select id from {table} where {column} = any(%(ids)s::uuid[])").format(**names))
    parts.append(sql.Composed([sql.SQL("select unnest(%(fitted)s::uuid[])")]))
    return sql.SQL(" union ").join(parts)


def _fitted(stream: Stream, rule: LinkRule, target: Stream) -> sql.Composed:
    names = {"to": _target(rule), "table": table_of(stream), "to_key": sql.Identifier(target.key_column)}
    key_type = sql.SQL(pg_type(target.key_type))
    queries = [sql.SQL(_SQL["fitted"]).format(**names, equal=_equal(tier), key_type=key_type) for tier in rule.tiers]
    return sql.SQL(" union ").join(queries)


def _equal(tier: Sequence[tuple[str, str]]) -> sql.Composed:
    pairs = [
        sql.SQL("o.{} = f.{}").format(sql.Identifier(target_column), sql.Identifier(column))
        for column, target_column in tier
    ]
    return sql.SQL(" and ").join(pairs)


def _stated(tier: Sequence[tuple[str, str]]) -> sql.Composed:
    return sql.SQL(" and ").join(sql.SQL("f.{} is not null").format(sql.Identifier(column)) for column, _ in tier)


def _agree(rule: LinkRule) -> sql.Composed:
    """Nothing that the rule compares anywhere is stated by both sides and differs."""
    pairs = dict.fromkeys([pair for tier in rule.tiers for pair in tier] + list(rule.agree))
    return sql.SQL(" and ").join(
        sql.SQL("(o.{other} = f.{own} or o.{other} is null or f.{own} is null)").format(
            own=sql.Identifier(column), other=sql.Identifier(target_column)
        )
        for column, target_column in pairs
    )


def _target(rule: LinkRule) -> sql.Identifier:
    return sql.Identifier(SCHEMA, rule.to)


_SQL = statements("linking")
