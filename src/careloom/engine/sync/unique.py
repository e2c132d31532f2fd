"""Values that only one record may hold: who keeps one, and where the others' go."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from careloom.core.schema import ObjectShape
from careloom.engine.sql_text import name, text
from careloom.engine.sync.encode import EncodedField

# Tables: holder(value, remote_id) for one property at a time; rerouted(key, property, when_taken) for all of them.


def begin(db: duckdb.DuckDBPyConnection) -> None:
    """Make the empty `rerouted`."""
    db.execute("create or replace table rerouted (key varchar, property varchar, when_taken varchar)")


def reroute_taken(
    db: duckdb.DuckDBPyConnection,
    fields: Sequence[EncodedField],
    shape: ObjectShape,
    key_property: str,
    *,
    has_mirror: bool,
) -> None:
    """Where another record holds a unique value of a row in `ours`, move it into the field's `when_taken` property.

    `pending`(key, remote_id) says which record each row is, if any. `has_mirror`: the table `theirs` holds the mirror.
    `refused`(key, property) lists what the destination itself said is taken. A value that was moved before stays moved,
    so that a record does not change because another row did.
    """
    begin(db)
    for field in fields:
        if field.unique and field.property != key_property and field.when_taken:
            _holders(db, field.property, shape, has_mirror=has_mirror)
            _reroute(db, field)


def claims_anew(db: duckdb.DuckDBPyConnection, fields: Sequence[EncodedField]) -> bool:
    """True if a linked row wants a unique value that it neither holds nor was denied before."""
    unique = [field for field in fields if field.unique]
    news = [
        f"(o.{name(field.property)} is not null and o.{name(field.property)} is distinct from {base_value(field.property)}"
        f" and o.{name(field.property)} is distinct from {base_value(field.when_taken or '')})"
        for field in unique
    ]
    statement = (
        f"select count(*) from ours o join pending p using (key) join agreed a using (key) where {' or '.join(news)}"
    )
    return bool(unique) and bool(db.execute(statement).fetchall()[0][0])


def base_value(property_name: str) -> str:
    """SQL for what was agreed about a property, in the table `a`."""
    return f"json_extract_string(a.agreed, {text('$.' + name(property_name))})"


def _holders(db: duckdb.DuckDBPyConnection, property_name: str, shape: ObjectShape, *, has_mirror: bool) -> None:
    db.execute("create or replace table holder (value varchar, remote_id varchar)")
    if not has_mirror:
        return
    definition = shape.properties.get(property_name)
    for column in (property_name, *(definition.aliases if definition else ())):
        db.execute(
            "insert into holder select distinct lower(trim(v)), id from"
            f" (select id, unnest(string_split({name(column)}, ';')) as v from theirs where {name(column)} is not null)"
            " where trim(v) <> ''"
        )


def _reroute(db: duckdb.DuckDBPyConnection, field: EncodedField) -> None:
    column = name(field.property)
    # Who has the value already keeps it; then who has a record; then the oldest key.
    db.execute(
        f"""
        create or replace temp table claim as
        select o.key, o.{column} as value, p.remote_id,
            row_number() over (partition by lower(trim(o.{column})) order by
                (h.remote_id is not null and h.remote_id = p.remote_id) desc, (p.remote_id is null),
                length(o.key), o.key) as turn,
            h.remote_id is not null and h.remote_id is distinct from p.remote_id as elsewhere,
            r.key is not null or {base_value(field.when_taken or "")} = o.{column} as refused
        from ours o join pending p using (key)
        left join (select value, min(remote_id) as remote_id from holder group by value) h on h.value = lower(trim(o.{column}))
        left join refused r on r.key = o.key and r.property = {text(field.property)}
        left join agreed a on a.key = o.key
        where o.{column} is not null
        """
    )
    db.execute(
        f"insert into rerouted select key, {text(field.property)}, {text(field.when_taken or '')} from claim"
        " where turn > 1 or elsewhere or refused"
    )
    db.execute(
        f"update ours set {name(field.when_taken or '')} = {column}, {column} = null"
        f" where key in (select key from rerouted where property = {text(field.property)})"
    )
