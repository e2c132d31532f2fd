"""Field by field: what the source says, what both sides last agreed on, what the other side holds; and so what must be written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import duckdb

from careloom.core.schema import PLAIN, PropertyType, TextForm
from careloom.engine.sql_text import name, names, text
from careloom.engine.sync.encode import Owner, canonical
from careloom.engine.sync.tables import empty, fill
from careloom.engine.workspace import text_columns

Likeness = Literal["mail", "phone"]
"""What a text is beyond a text: two spellings of one mail or of one phone number are no two values."""


def load_base(db: duckdb.DuckDBPyConnection, rows: Sequence[tuple[str, str]]) -> None:
    """Fill `base` from the ledger."""
    fill(db, "base", text_columns({"key": [row[0] for row in rows], "base": [row[1] for row in rows]}))


def load_remote(db: duckdb.DuckDBPyConnection, records: Mapping[str, Mapping[str, str | None]]) -> None:
    """Fill `remote_values` with the values of remote records, by their id."""
    cells = [(remote_id, prop, value) for remote_id, values in records.items() for prop, value in values.items()]
    columns = zip(*cells, strict=True) if cells else ([], [], [])
    fill(db, "remote_values", text_columns(dict(zip(("remote_id", "property", "value"), columns, strict=True))))


def merge(
    db: duckdb.DuckDBPyConnection,
    types: Mapping[str, tuple[PropertyType, bool]],
    owners: Mapping[str, Owner | None],
    likeness: Mapping[str, Likeness] | None = None,
    aliases: Mapping[str, str] | None = None,
    form: TextForm = PLAIN,
) -> None:
    """Fill `field_state` and `record_changes` for the rows of `desired_values` that have a record.

    `types` gives each property's type and whether it holds several options; `aliases` the property that holds further
    values of a unique one. `form`: the destination's.
    """
    empty(db, "field_state", "record_changes")
    _compare_fields(db, types, owners, likeness or {}, aliases or {}, form)
    db.execute(
        f"""
        insert into record_changes
        select key,
            cast(to_json(map(coalesce(list(property) filter (is_written), []), coalesce(list(coalesce(desired, {text(form.clear)})) filter (is_written), []))) as varchar) as send,
            cast(to_json(map(list(property), list(case when state = 'conflict' then base else desired end))) as varchar) as base,
            count(*) filter (is_written) as writes,
            list(property) filter (state = 'conflict') as conflicts,
            cast(to_json(map(coalesce(list(property) filter (is_watched), []), coalesce(list(coalesce(remote, '')) filter (is_watched), []))) as varchar) as seen
        from (
            select *, state in ('fill', 'replace', 'clear') as is_written,
                -- Where staff have a say, what a value replaces is told with it: they may have edited it since it was read.
                is_written and (owner = 'destination' or (owner is null and has_base)) as is_watched
            from field_state
        ) group by key
        """
    )


def _compare_fields(
    db: duckdb.DuckDBPyConnection,
    types: Mapping[str, tuple[PropertyType, bool]],
    owners: Mapping[str, Owner | None],
    likeness: Mapping[str, Likeness],
    aliases: Mapping[str, str],
    form: TextForm,
) -> None:
    properties = names(types)
    bases = ", ".join(f"json_extract_string(base.base, {text('$.' + name(prop))}) as {name(prop)}" for prop in types)
    spellings = {
        prop: canonical(kind, "remote_values.value", multiple=is_multiple, form=form)
        for prop, (kind, is_multiple) in types.items()
    }
    db.execute(
        f"""
        insert into field_state
        with linked_values as (
            select key, {properties} from desired_values
            where key in (select key from changed_rows where remote_id is not null)
        ),
        desired_cells as (from linked_values unpivot include nulls (desired for property in ({properties}))),
        base_values as (select base.key, {bases} from base),
        base_cells as (from base_values unpivot include nulls (base for property in ({properties}))),
        cells as (
            select desired_cells.key, desired_cells.property, desired_cells.desired, base_cells.base,
                nullif({_choose("desired_cells.property", spellings)}, '') as remote,
                {_choose("desired_cells.property", {prop: text(owner) for prop, owner in owners.items() if owner})} as owner,
                {_choose("desired_cells.property", {prop: text(kind) for prop, kind in likeness.items()})} as likeness,
                base_cells.key is not null as has_base,
                coalesce(list_contains(string_split(lower(further_values.value), {text(form.list_separator)}), lower(trim(desired_cells.desired))), false) as is_secondary,
                decisions.verdict as decision
            from desired_cells
            join changed_rows on changed_rows.key = desired_cells.key
            left join base_cells on base_cells.key = desired_cells.key and base_cells.property = desired_cells.property
            left join remote_values on remote_values.remote_id = changed_rows.remote_id
                and remote_values.property = desired_cells.property
            left join remote_values as further_values on further_values.remote_id = changed_rows.remote_id
                and further_values.property = {_choose("desired_cells.property", {prop: text(alias) for prop, alias in aliases.items()})}
            left join decisions on decisions.key = desired_cells.key and decisions.property = desired_cells.property
                and decisions.verdict in ('source', 'destination')
        ),
        {_STATES}
        """
    )


def _choose(property_column: str, values: Mapping[str, str]) -> str:
    """SQL for what `values` says of the property in that column; NULL of another."""
    arms = " ".join(f"when {text(prop)} then {value}" for prop, value in values.items())
    return f"case {property_column} {arms} end" if arms else "cast(null as varchar)"


# What compares is not what is written: blanks around a text and the case of a mail are nobody's edit. Of a phone number the
# digits are compared where the question is whether staff changed it, since the other side writes numbers in its own way.
# A record that was just linked keeps the mail that it knows to be the newer: the source's is among its secondary ones.
_STATES = """
compared as (
    select *, comparable(desired, likeness) as plain_desired, comparable(base, likeness) as plain_base,
        comparable(remote, likeness) as plain_remote, loosely(desired, likeness) as loose_desired,
        loosely(base, likeness) as loose_base, loosely(remote, likeness) as loose_remote
    from cells
)
select key, property, desired, base, remote, owner, has_base, case
    when plain_desired is not distinct from plain_remote
        or (plain_desired is not distinct from plain_base and loose_desired is not distinct from loose_remote) then 'same'
    when owner = 'destination'
        then case when remote is null and plain_desired is distinct from plain_base then 'fill' else 'keep' end
    when not has_base and is_secondary and coalesce(owner, '') <> 'source' then 'keep'
    when not has_base then case when desired is not null then case when remote is null then 'fill' else 'replace' end
                                when owner = 'source' then 'clear' else 'keep' end
    when plain_desired is not distinct from plain_base and coalesce(owner, '') <> 'source' then 'keep'
    when coalesce(owner, '') = 'source' or loose_remote is not distinct from loose_base or decision = 'source'
        then case when desired is null then 'clear' when remote is null then 'fill' else 'replace' end
    when decision = 'destination' then 'yield'
    else 'conflict' end as state
from compared
"""


def count_states(db: duckdb.DuckDBPyConnection) -> list[tuple[str, str, int]]:
    """(property, state, records) for everything that would be written or is in conflict."""
    return db.execute(
        "select property, state, count(*) from field_state where state in ('fill', 'replace', 'clear', 'conflict')"
        " group by all order by 1, 2"
    ).fetchall()
