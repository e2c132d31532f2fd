"""Field by field: what the source wants, what was agreed, what the other side holds; and so what must be written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import duckdb

from careloom.core.schema import PropertyType
from careloom.engine.sql_text import name, names, text
from careloom.engine.sync.encode import Owner, canonical
from careloom.engine.workspace import load

Likeness = Literal["mail", "phone"]
"""What a text is beyond a text: two spellings of one mail or of one phone number are no two values."""

# It reads the tables `agreed` (key, and a JSON object: what both sides last agreed on) and `held_there` (remote_id,
# property, value: what the other side holds, as it answered). It makes `cell`, one line for each key and property with
# what is ours, the base, theirs, and the state; and `merged`, one line a key with JSON texts of what to send and agree.


def begin(db: duckdb.DuckDBPyConnection) -> None:
    """Make a `cell` that says that nothing differs, for when no row is to be merged."""
    db.execute("create table cell (key varchar, property varchar, state varchar)")


def load_base(db: duckdb.DuckDBPyConnection, rows: Sequence[tuple[str, str]]) -> None:
    """Fill `agreed` from the ledger."""
    load(db, "agreed", {"key": [row[0] for row in rows], "agreed": [row[1] for row in rows]})


def load_remote(db: duckdb.DuckDBPyConnection, rows: Mapping[str, Mapping[str, str | None]]) -> None:
    """Fill `held_there` with the values of remote records, by their id."""
    flat = [(remote_id, prop, value) for remote_id, values in rows.items() for prop, value in values.items()]
    load(
        db,
        "held_there",
        {
            "remote_id": [row[0] for row in flat],
            "property": [row[1] for row in flat],
            "value": [row[2] for row in flat],
        },
    )


def merge(
    db: duckdb.DuckDBPyConnection,
    types: Mapping[str, tuple[PropertyType, bool]],
    owners: Mapping[str, Owner | None],
    likeness: Mapping[str, Likeness] | None = None,
    aliases: Mapping[str, str] | None = None,
) -> None:
    """Make `cell` and `merged` for the rows of `ours` that have a record (`pending.remote_id`).

    `types` gives each property's type and whether it holds several options; `aliases` the property that holds further
    values of a unique one, joined by ";".
    """
    _gather(db, types, owners, likeness or {}, aliases or {})
    db.execute(_STATES)
    db.execute(
        """
        create or replace table merged as
        select key,
            cast(to_json(map(coalesce(list(property) filter (writes), []), coalesce(list(coalesce(ours, '')) filter (writes), []))) as varchar) as send,
            cast(to_json(map(list(property), list(case when state = 'conflict' then base else ours end))) as varchar) as agreed,
            count(*) filter (writes) as written,
            list(property) filter (state = 'conflict') as conflicts,
            cast(to_json(map(coalesce(list(property) filter (watched), []), coalesce(list(coalesce(theirs, '')) filter (watched), []))) as varchar) as seen
        from (
            select *, state in ('fill', 'replace', 'clear') as writes,
                -- Where staff have a say, what a value replaces is told with it: they may have edited it since it was read.
                writes and (owner = 'destination' or (owner is null and known)) as watched
            from cell
        ) group by key
        """
    )


def _gather(
    db: duckdb.DuckDBPyConnection,
    types: Mapping[str, tuple[PropertyType, bool]],
    owners: Mapping[str, Owner | None],
    likeness: Mapping[str, Likeness],
    aliases: Mapping[str, str],
) -> None:
    properties = names(types)
    bases = ", ".join(f"json_extract_string(agreed, {text('$.' + name(prop))}) as {name(prop)}" for prop in types)
    arms = " ".join(
        f"when {text(prop)} then {canonical(kind, 't.value', multiple=many)}" for prop, (kind, many) in types.items()
    )
    ownership = " ".join(f"when {text(prop)} then {text(owner)}" for prop, owner in owners.items() if owner)
    alike = " ".join(f"when {text(prop)} then {text(kind)}" for prop, kind in likeness.items())
    further = " ".join(f"when {text(prop)} then {text(alias)}" for prop, alias in aliases.items())
    db.execute(
        f"""
        create or replace table cell as
        with mine as (select ours.* from ours join pending using (key) where pending.remote_id is not null),
             o as (from (select key, {properties} from mine) unpivot include nulls (ours for property in ({properties}))),
             a as (select key, {bases} from agreed),
             b as (from (select key, {properties} from a) unpivot include nulls (base for property in ({properties})))
        select b.key, b.property, b.ours, b.base, b.known, nullif(case b.property {arms} end, '') as theirs,
            {f"case b.property {ownership} end" if ownership else "cast(null as varchar)"} as owner,
            {f"case b.property {alike} end" if alike else "cast(null as varchar)"} as likeness,
            coalesce(list_contains(string_split(lower(x.value), ';'), lower(trim(b.ours))), false) as secondary,
            ruled.verdict as ruling
        from (select o.key, o.property, o.ours, b.base, b.key is not null as known
              from o left join b on b.key = o.key and b.property = o.property) b
        join pending p on p.key = b.key
        left join held_there t on t.remote_id = p.remote_id and t.property = b.property
        left join held_there x on x.remote_id = p.remote_id
            and x.property = {f"case b.property {further} end" if further else "null"}
        left join ruled on ruled.key = b.key and ruled.property = b.property and ruled.verdict in ('source', 'destination')
        """
    )


# What compares is not what is written: blanks around a text and the case of a mail are nobody's edit. Of a phone number the
# digits are compared where the question is whether staff changed it, since the other side writes numbers in its own way.
# A record that was just linked keeps the mail that it knows to be the newer: the source's is among its secondary ones.
_STATES = """
create or replace table cell as
select * exclude (o, b, t, loose_o, loose_b, loose_t), case
    when o is not distinct from t or (o is not distinct from b and loose_o is not distinct from loose_t) then 'same'
    when owner = 'destination' then case when theirs is null and o is distinct from b then 'fill' else 'keep' end
    when not known and secondary and coalesce(owner, '') <> 'source' then 'keep'
    when not known then case when ours is not null then case when theirs is null then 'fill' else 'replace' end
                             when owner = 'source' then 'clear' else 'keep' end
    when o is not distinct from b and coalesce(owner, '') <> 'source' then 'keep'
    when coalesce(owner, '') = 'source' or loose_t is not distinct from loose_b or ruling = 'source'
        then case when ours is null then 'clear' when theirs is null then 'fill' else 'replace' end
    when ruling = 'destination' then 'yield'
    else 'conflict' end as state
from (
    select *, comparable(ours, likeness) as o, comparable(base, likeness) as b, comparable(theirs, likeness) as t,
        loosely(ours, likeness) as loose_o, loosely(base, likeness) as loose_b, loosely(theirs, likeness) as loose_t
    from cell
)
"""


def count_states(db: duckdb.DuckDBPyConnection) -> list[tuple[str, str, int]]:
    """(property, state, records) for everything that would be written or is in conflict."""
    return db.execute(
        "select property, state, count(*) from cell where state in ('fill', 'replace', 'clear', 'conflict')"
        " group by all order by 1, 2"
    ).fetchall()
