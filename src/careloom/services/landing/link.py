"""Ties between landed rows: what equal columns say now, whatever came first, and unmade when they say it no longer.

A link is a function of the rows as they stand. It is derived again when its own row is written, and when a row is written or
deleted that it leads to, could lead to, or could have led to before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import LiteralString
from uuid import UUID

import psycopg
from psycopg import sql

from careloom.core.streams import LinkRule, Stream
from careloom.project.model import Landing
from careloom.services.session.sessions import Session
from careloom.store.landed_rows import SCHEMA, pg_type, set_actor, table_of
from careloom.store.statements import statements

_BATCH = 1000
_FIRST = UUID(int=0)

Fitted = Mapping[tuple[str, str], Sequence[str]]
"""Ids of rows by the names of their landing and of their link's column."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unlinked:
    """A live row without its link. `why`: "none" fits, "ambiguous" (several do), or "contradiction" (what fits says otherwise)."""

    record_id: str
    key: str
    column: str
    why: str


def lock_links(connection: psycopg.Connection, session: Session, landing: Landing) -> None:
    """Until this transaction ends no one else lands what `landing` links to, or what links to it. Call it before writing.

    Two that landed the ends of a link at once would not see each other's row, and the link would never be made. Nor does anyone
    land the records that hold those of `landing`, or that these hold.
    """
    tables = {rule.to for rule in landing.stream.links}
    if any(True for _ in _rules_to(session, landing)):
        tables.add(landing.table)
    # Whether what a record holds is overtaken, its row decides: no one writes that in the meantime.
    roots = [root_landing(session, member) for member in session.project.landings.values()]
    tables |= {
        root.table
        for root in (root_landing(session, landing), *(other_root for other_root in roots if other_root is landing))
        if root
    }
    # In one order, so that no two wait for each other.
    for table in sorted(tables):
        connection.execute(_SQL["lock"], {"table": table})


def fitted_before(connection: psycopg.Connection, session: Session, landing: Landing, keys: Sequence[str]) -> Fitted:
    """The rows of other streams that fit the rows `keys` of `landing` as these are before they are written.

    What is written may fit them no longer, and where two fitted, the other one is then the only one.
    """
    fitting_ids: dict[tuple[str, str], list[str]] = {}
    for referrer, rule in _rules_to(session, landing):
        # A key never changes: what fits by it alone is found afterwards as well.
        if {target_column for tier in rule.tiers for _, target_column in tier} == {landing.stream.key_column}:
            continue
        statement = _fitted(referrer.stream, rule, landing.stream)
        fitting_ids[referrer.name, rule.column] = [
            id_ for (id_,) in connection.execute(statement, {"keys": list(keys)})
        ]
    return fitting_ids


def link_rows(
    connection: psycopg.Connection, session: Session, landing: Landing, ids: Sequence[str], prior_fits: Fitted
) -> set[str]:
    """Derive the links of `ids`, rows of `landing` that were just written or marked deleted, and all links that they decide.

    `prior_fits`: what `fitted_before` found. Returns the ids of the rows whose links are others now.
    """
    changed_ids: set[str] = set()
    for rule in landing.stream.links:
        changed_ids |= _derive(connection, landing.stream, rule, "own", {"ids": list(ids)})
    for referrer, rule in _rules_to(session, landing):
        fitting_ids = prior_fits.get((referrer.name, rule.column), ())
        changed_ids |= _derive(
            connection, referrer.stream, rule, "other", {"ids": list(ids), "fitted": list(fitting_ids)}
        )
    return changed_ids


def link_again(session: Session, landing: Landing, *, actor: str, run: int | None = None) -> Iterator[int]:
    """Derive every link of `landing`, a batch of rows to a transaction; yields after each how many rows were not right."""
    after: str | UUID = _FIRST
    while landing.stream.links:
        with session.store.transaction() as connection:
            set_actor(connection, actor, run)
            lock_links(connection, session, landing)
            query = sql.SQL(_SQL["next_ids"]).format(table=table_of(landing.stream))
            ids = [id_ for (id_,) in connection.execute(query, {"after": after, "most": _BATCH})]
            changed_ids: set[str] = set()
            for rule in landing.stream.links if ids else ():
                changed_ids |= _derive(connection, landing.stream, rule, "own", {"ids": ids})
        if not ids:
            return
        after = ids[-1]
        yield len(changed_ids)


def unlinked(session: Session, landing: Landing, limit: int = 1000) -> Sequence[Unlinked]:
    """The live rows of `landing` that lack a link, oldest first."""
    items: list[Unlinked] = []
    with session.store.transaction() as connection:
        for rule in landing.stream.links:
            rows = connection.execute(_statement(landing.stream, rule, "unlinked"), {"limit": limit}).fetchall()
            items += [Unlinked(record_id=id_, key=key, column=rule.column, why=why) for id_, key, why in rows]
    return items


def compared_columns(session: Session, landing: Landing) -> set[str]:
    """The columns of `landing` that links of others compare."""
    return {
        column for _, rule in _rules_to(session, landing) for pairs in (*rule.tiers, rule.agree) for _, column in pairs
    }


def root_landing(session: Session, landing: Landing) -> Landing | None:
    """The landing of the records that hold those of `landing`, where the project has one."""
    name, landings = landing.stream.out_of, session.project.landings.values()
    return next(
        (
            candidate
            for candidate in landings
            if name and candidate.system == landing.system and candidate.stream.name == name
        ),
        None,
    )


def linked_to(session: Session, landing: Landing) -> list[Landing]:
    """The landings whose rows link to those of `landing`."""
    return list({referrer.name: referrer for referrer, _ in _rules_to(session, landing)}.values())


def _rules_to(session: Session, landing: Landing) -> Iterator[tuple[Landing, LinkRule]]:
    for referrer in session.project.landings.values():
        for rule in referrer.stream.links:
            if rule.to == landing.table:
                yield referrer, rule


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
