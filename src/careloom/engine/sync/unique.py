"""Values that only one record may hold: who keeps one, and where the others' go."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from careloom.core.schema import ObjectShape
from careloom.engine.sql_text import name, text
from careloom.engine.sync.encode import EncodedField
from careloom.engine.sync.tables import empty
from careloom.engine.workspace import incoming, text_columns


def deny(db: duckdb.DuckDBPyConnection, values: Sequence[tuple[str, str]]) -> None:
    """The other side said of these, (key, property), that another record holds the value; add them to `denied_values`."""
    with incoming(db, text_columns({"key": [row[0] for row in values], "property": [row[1] for row in values]})):
        db.execute("insert into denied_values by name select * from incoming")


def reroute_taken(
    db: duckdb.DuckDBPyConnection,
    fields: Sequence[EncodedField],
    shape: ObjectShape,
    key_property: str,
    *,
    has_mirror: bool,
) -> None:
    """Where another record holds a unique value of `desired_values`, move it into the field's fallback property.

    `has_mirror`: `mirror` was filled. A value that was moved before stays moved, so that a record does not change because
    another row did.
    """
    empty(db, "rerouted")
    for field in fields:
        if field.unique and field.property != key_property and field.when_taken:
            _find_holders(db, field, shape, has_mirror=has_mirror)
            _reroute(db, field, field.when_taken)


def has_new_claims(db: duckdb.DuckDBPyConnection, fields: Sequence[EncodedField]) -> bool:
    """True if a linked row wants a unique value that it neither holds nor was denied before."""
    claims = [
        f"(desired_values.{name(field.property)} is not null"
        f" and desired_values.{name(field.property)} is distinct from {base_value(field.property)}"
        f" and desired_values.{name(field.property)} is distinct from {base_value(field.when_taken or '')})"
        for field in fields
        if field.unique
    ]
    statement = (
        "select count(*) from desired_values join changed_rows using (key) join base using (key)"
        f" where {' or '.join(claims)}"
    )
    return bool(claims) and bool(db.execute(statement).fetchall()[0][0])


def base_value(property_name: str) -> str:
    """SQL for what `base` holds of a property."""
    return f"json_extract_string(base.base, {text('$.' + name(property_name))})"


def count_rerouted(db: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """How often a unique value went into another property since another record holds it: "email → shared_email"."""
    statement = "select property || ' → ' || fallback_property, count(*) from rerouted join actions using (key) group by 1 order by 1"
    return dict(db.execute(statement).fetchall())


def _find_holders(db: duckdb.DuckDBPyConnection, field: EncodedField, shape: ObjectShape, *, has_mirror: bool) -> None:
    empty(db, "holders")
    if not has_mirror:
        return
    definition = shape.properties.get(field.property)
    separator = text(field.form.list_separator)
    for column in (field.property, *(definition.aliases if definition else ())):
        db.execute(
            "insert into holders select distinct lower(trim(value)), id from"
            f" (select id, unnest(string_split({name(column)}, {separator})) as value from mirror where {name(column)} is not null)"
            " where trim(value) <> ''"
        )


def _reroute(db: duckdb.DuckDBPyConnection, field: EncodedField, fallback_property: str) -> None:
    column, fallback_column = name(field.property), name(fallback_property)
    empty(db, "claims")
    # Who has the value already keeps it; then who has a record; then the oldest key.
    db.execute(
        f"""
        insert into claims
        with first_holders as (select value, min(remote_id) as remote_id from holders group by value)
        select desired_values.key,
            row_number() over (partition by lower(trim(desired_values.{column})) order by
                (first_holders.remote_id is not null and first_holders.remote_id = changed_rows.remote_id) desc,
                (changed_rows.remote_id is null), length(desired_values.key), desired_values.key) as turn,
            first_holders.remote_id is not null
                and first_holders.remote_id is distinct from changed_rows.remote_id as is_elsewhere,
            denied_values.key is not null
                or {base_value(fallback_property)} = desired_values.{column} as is_denied
        from desired_values join changed_rows using (key)
        left join first_holders on first_holders.value = lower(trim(desired_values.{column}))
        left join denied_values on denied_values.key = desired_values.key and denied_values.property = {text(field.property)}
        left join base on base.key = desired_values.key
        where desired_values.{column} is not null
        """
    )
    db.execute(
        f"insert into rerouted select key, {text(field.property)}, {text(fallback_property)} from claims"
        " where turn > 1 or is_elsewhere or is_denied"
    )
    db.execute(
        f"update desired_values set {fallback_column} = {column}, {column} = null"
        f" where key in (select key from rerouted where property = {text(field.property)})"
    )
