"""Ties between landed rows: what equal columns say now, whatever came first, and unmade when they say it no longer.

A link is a function of the rows as they stand. It is derived again when its own row is written, and when a row is written or
deleted that it leads to, could lead to, or could have led to before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import psycopg

from careloom.core.streams import LinkRule
from careloom.project.model import Landing
from careloom.services.session.sessions import Session
from careloom.store import links
from careloom.store.landed_rows import set_actor

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
        links.lock_table(connection, table)


def fitted_before(connection: psycopg.Connection, session: Session, landing: Landing, keys: Sequence[str]) -> Fitted:
    """The rows of other streams that fit the rows `keys` of `landing` as these are before they are written.

    What is written may fit them no longer, and where two fitted, the other one is then the only one.
    """
    fitting_ids: dict[tuple[str, str], list[str]] = {}
    for referrer, rule in _rules_to(session, landing):
        # A key never changes: what fits by it alone is found afterwards as well.
        if {target_column for tier in rule.tiers for _, target_column in tier} == {landing.stream.key_column}:
            continue
        fitting_ids[referrer.name, rule.column] = links.fitting_ids(
            connection, referrer.stream, rule, landing.stream, keys
        )
    return fitting_ids


def link_rows(
    connection: psycopg.Connection, session: Session, landing: Landing, ids: Sequence[str], prior_fits: Fitted
) -> set[str]:
    """Derive the links of `ids`, rows of `landing` that were just written or marked deleted, and all links that they decide.

    `prior_fits`: what `fitted_before` found. Returns the ids of the rows whose links are others now.
    """
    changed_ids: set[str] = set()
    for rule in landing.stream.links:
        changed_ids |= links.derive(connection, landing.stream, rule, ids)
    for referrer, rule in _rules_to(session, landing):
        fitting_ids = prior_fits.get((referrer.name, rule.column), ())
        changed_ids |= links.derive_to(connection, referrer.stream, rule, ids, fitting_ids)
    return changed_ids


def link_again(session: Session, landing: Landing, *, actor: str, run: int | None = None) -> Iterator[int]:
    """Derive every link of `landing`, a batch of rows to a transaction; yields after each how many rows were not right."""
    after: str | UUID = _FIRST
    while landing.stream.links:
        with session.store.transaction() as connection:
            set_actor(connection, actor, run)
            lock_links(connection, session, landing)
            ids = links.next_ids(connection, landing.stream, after, _BATCH)
            changed_ids: set[str] = set()
            for rule in landing.stream.links if ids else ():
                changed_ids |= links.derive(connection, landing.stream, rule, ids)
        if not ids:
            return
        after = ids[-1]
        yield len(changed_ids)


def unlinked(session: Session, landing: Landing, limit: int = 1000) -> Sequence[Unlinked]:
    """The live rows of `landing` that lack a link, oldest first."""
    items: list[Unlinked] = []
    with session.store.transaction() as connection:
        for rule in landing.stream.links:
            items += [
                Unlinked(record_id=id_, key=key, column=rule.column, why=why)
                for id_, key, why in links.unlinked_rows(connection, landing.stream, rule, limit)
            ]
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
