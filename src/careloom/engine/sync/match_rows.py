"""Rows that have no record yet: which of the other side's records they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Literal

import duckdb
import pyarrow as pa

from careloom.engine.sql_text import name, names, text
from careloom.engine.sync.tables import empty, fill
from careloom.engine.workspace import incoming, text_columns
from careloom.identity.match import MatchSpec, match, match_nobody

Decision = tuple[str, str, str | None, str | None]
"""What a person decided: (key, verdict, remote id, property)."""


def load_decisions(db: duckdb.DuckDBPyConnection, decisions: Sequence[Decision]) -> None:
    """Fill `decisions` from the ledger."""
    columns = zip(*decisions, strict=True) if decisions else ([], [], [], [])
    fill(db, "decisions", text_columns(dict(zip(("key", "verdict", "remote_id", "property"), columns, strict=True))))


def load_mirror(db: duckdb.DuckDBPyConnection, records: pa.Table) -> None:
    """Fill `mirror` with the other side's records."""
    fill(db, "mirror", records)


def list_unlinked(db: duckdb.DuckDBPyConnection) -> None:
    """Fill `unlinked_values` with the changed rows that have no record."""
    empty(db, "unlinked_values")
    db.execute(
        "insert into unlinked_values by name select * from desired_values"
        " where key in (select key from changed_rows where remote_id is null)"
    )


def has_unlinked(db: duckdb.DuckDBPyConnection) -> bool:
    """Whether a changed row has no record."""
    return bool(db.execute("select 1 from changed_rows where remote_id is null limit 1").fetchall())


def may_fit(db: duckdb.DuckDBPyConnection, key_property: str, *, has_tiers: bool) -> bool:
    """False if no record can be an unlinked row's: a first load, and a sync by key alone, are spared the normal forms of all."""
    if has_tiers:
        suitors = "select 1 from mirror"
    else:
        suitors = (
            f"select 1 from mirror join unlinked_values on trim(mirror.{name(key_property)}) = unlinked_values.key"
            " union all select 1 from decisions semi join unlinked_values using (key) where verdict = 'link'"
        )
    return bool(db.execute(f"{suitors} limit 1").fetchall())


def match_unlinked(db: duckdb.DuckDBPyConnection, spec: MatchSpec, merges: pa.Table, today: date) -> None:
    """Find for `unlinked_values` which of `mirror` they are, with `all_values` in view.

    `merges`: former ids of records, each with the record that it means now (id, merged_into).
    """
    empty(db, "surviving_links", "pair_decisions")
    with incoming(db, merges):
        db.execute(
            "insert into surviving_links select links.key, coalesce(incoming.merged_into, links.remote_id)"
            " from links left join incoming on incoming.id = links.remote_id"
        )
    db.execute(
        "insert into pair_decisions select key, remote_id, verdict from decisions where verdict in ('never', 'link')"
    )
    match(
        db,
        spec,
        source="unlinked_values",
        remote="mirror",
        links="surviving_links",
        decisions="pair_decisions",
        everyone="all_values",
        today=today,
    )
    empty(db, "all_values")


def match_none(db: duckdb.DuckDBPyConnection) -> None:
    """What matching finds where no record can fit."""
    match_nobody(db, "unlinked_values")


def take_outcomes(
    db: duckdb.DuckDBPyConnection, *, policy: Literal["create", "hold"], properties: Sequence[str]
) -> None:
    """Say in `changed_rows` what matching and people came to, and hold what neither settled.

    `policy`: what becomes of a row that no record fits. What the records just linked hold of `properties` goes into
    `remote_values`.
    """
    db.execute(
        f"""
        update changed_rows
        set intent = settled.intent,
            rule = coalesce(settled.rule, changed_rows.rule),
            grade = coalesce(settled.grade, changed_rows.grade),
            remote_id = case when settled.intent = 'update' then settled.remote_id end
        from (
            select match_outcome.key, match_outcome.remote_id, match_outcome.rule, match_outcome.grade,
                case when made_anew.key is not null then 'create'
                     when match_outcome.outcome = 'link' then 'update'
                     when match_outcome.outcome = 'none' then {text(policy)}
                     else 'hold' end as intent
            from match_outcome
            left join (select distinct key from decisions where verdict = 'create') as made_anew using (key)
        ) as settled
        where settled.key = changed_rows.key
        """
    )
    db.execute(
        """
        insert into held
        select changed_rows.key, 'match',
            case when match_outcome.outcome = 'none' then 'unmatched' else match_outcome.reason end,
            null, changed_rows.fingerprint
        from changed_rows join match_outcome using (key)
        where changed_rows.intent = 'hold'
        """
    )
    db.execute("delete from desired_values where key in (select key from changed_rows where intent = 'hold')")
    _show_linked(db, properties)


def _show_linked(db: duckdb.DuckDBPyConnection, properties: Sequence[str]) -> None:
    columns = names(properties)
    db.execute(
        f"""
        insert into remote_values
        from (
            select id as remote_id, {columns} from mirror
            where id in (select remote_id from changed_rows where class = 'new' and remote_id is not null)
        ) unpivot (value for property in ({columns}))
        """
    )


def candidates(db: duckdb.DuckDBPyConnection) -> Iterator[dict[str, object]]:
    """The candidates of the rows that are held for their match, key by key: lines of identity's `match_candidate`."""
    if not db.execute("select 1 from information_schema.tables where table_name = 'match_candidate'").fetchall():
        return
    cursor = db.execute(
        "select * from match_candidate where key in (select key from held where kind = 'match') order by key, remote_id"
    )
    columns = [column[0] for column in cursor.description]
    for row in cursor.fetchall():
        yield dict(zip(columns, row, strict=True))


def match_rules(db: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """How many new rows were linked or made by which rule, most frequent first."""
    return dict(
        db.execute(
            "select actions.rule, count(*) from actions join changed_rows using (key)"
            " where changed_rows.class = 'new' group by 1 order by 2 desc"
        ).fetchall()
    )
