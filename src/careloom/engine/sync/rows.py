"""The source's rows: taken in whole, and turned into what the other side should hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import chain

import duckdb
import pyarrow as pa
import sqlglot
from sqlglot import exp

from careloom.engine.sql_text import name, names, text, texts
from careloom.engine.sync.encode import EncodedField, encode, encoded_column
from careloom.engine.sync.tables import add_columns, empty
from careloom.engine.workspace import incoming


def load_source(db: duckdb.DuckDBPyConnection, batches: Iterator[pa.RecordBatch], columns: Mapping[str, str]) -> int:
    """Fill `source` from `batches`; returns the number of rows. `columns` shapes it when there is no batch."""
    first = next(batches, None)
    if first is None:
        add_columns(db, "source", columns)
        return 0
    schema = first.schema.insert(0, pa.field("_row", pa.int64()))
    with incoming(db, schema.empty_table()):
        column_types = db.execute("describe select * exclude (_row) from incoming").fetchall()
    add_columns(db, "source", {column: kind for column, kind, *_ in column_types})
    with incoming(db, pa.RecordBatchReader.from_batches(schema, _numbered(chain([first], batches), schema))):
        db.execute("insert into source select * from incoming")
    return int(db.execute("select count(*) from source").fetchall()[0][0])


def _numbered(batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """The batches with the place of each row, from 1. Counted here, a table keeps no order while it is filled."""
    offset = 0
    for batch in batches:
        places = pa.array(range(offset + 1, offset + batch.num_rows + 1), pa.int64())
        yield pa.RecordBatch.from_arrays([places, *batch.columns], schema=schema)
        offset += batch.num_rows


def highest_value(db: duckdb.DuckDBPyConnection, column: str, now: datetime, look_back: timedelta) -> str | None:
    """The greatest value of the source's `column`, as text; of a time less the look-back, None if there is no value.

    A time that is still to come counts as `now`, or one wrong row would hide all that changes until then.
    """
    value = f"max({name(column)})"
    kind = db.execute(f"select typeof({value}) from source").fetchall()[0][0]
    if kind.startswith(("TIMESTAMP", "DATE")):
        latest = text(f"{now:%Y-%m-%d %H:%M:%S}")
        value = f"least({value}, cast({latest} as {kind})) - interval {int(look_back.total_seconds())} second"
    row = db.execute(f"select cast({value} as varchar) from source having max({name(column)}) is not null").fetchone()
    return None if row is None else str(row[0])


def fingerprint_rows(db: duckdb.DuckDBPyConnection, fields: Sequence[EncodedField], key: str, zone: str) -> None:
    """Fill `desired` from `source`: each row's key, fingerprint, and first fault."""
    columns = [name(field.property) for field in sorted(fields, key=lambda f: f.property)]
    prints = f"concat({', '.join(f'framed({column}), {column}' for column in columns)})"
    select = projection(db, fields, key, zone, "source")
    empty(db, "desired")
    db.execute(f"insert into desired select row, key, fault, fingerprint({prints}) from ({select})")


def project_changed(
    db: duckdb.DuckDBPyConnection, fields: Sequence[EncodedField], key: str, zone: str, key_property: str
) -> None:
    """Fill `desired_values` with the values of `changed_rows`.

    Beside the mapped properties there is `key_property`, holding the key; the fallback properties are still empty.
    """
    empty(db, "desired_values")
    _project(db, fields, key, zone, key_property, rows="changed_rows", table="desired_values")


def project_all(
    db: duckdb.DuckDBPyConnection, fields: Sequence[EncodedField], key: str, zone: str, key_property: str
) -> None:
    """Fill `all_values` with the values of every row that is not held."""
    sound = "(select key, row from row_class where class <> 'held')"
    empty(db, "all_values")
    _project(db, fields, key, zone, key_property, rows=sound, table="all_values")


def _project(
    db: duckdb.DuckDBPyConnection,
    fields: Sequence[EncodedField],
    key: str,
    zone: str,
    key_property: str,
    *,
    rows: str,
    table: str,
) -> None:
    properties = names(field.property for field in fields)
    selection = f"(select source.* from source semi join {rows} as chosen on source._row = chosen.row)"
    select = projection(db, fields, key, zone, selection)
    db.execute(
        f"insert into {table} (key, {properties}, {name(key_property)})"
        f" select chosen.key, {properties}, chosen.key from ({select}) as projected join {rows} as chosen using (row)"
    )


def source_values(
    db: duckdb.DuckDBPyConnection,
    fields: Sequence[EncodedField],
    key: str,
    zone: str,
    *,
    keys: Sequence[str],
    properties: Sequence[str],
) -> dict[str, dict[str, str | None]]:
    """What `source` holds of `keys` now, in the text form in which it travels: key → property → value."""
    select = projection(db, fields, key, zone, "source")
    columns = names(["key", *properties])
    records = db.execute(f"select {columns} from ({select}) where list_contains({texts(keys)}, key)").fetchall()
    return {row[0]: dict(zip(properties, row[1:], strict=True)) for row in records}


def spare_properties(fields: Sequence[EncodedField]) -> list[str]:
    """The properties that receive a unique value when another record holds it, as far as no field maps them."""
    properties = {field.property for field in fields}
    return sorted({field.when_taken for field in fields if field.unique and field.when_taken} - properties)


def projection(db: duckdb.DuckDBPyConnection, fields: Sequence[EncodedField], key: str, zone: str, table: str) -> str:
    """A SELECT of row, key, fault and each property's text, over `table`."""
    inner, cast_faults = _computed(fields, key, table)
    types = {row[0]: row[1] for row in db.execute(f"describe {inner}").fetchall()}
    encodings = [encode(field, field.property, types[field.property], zone) for field in fields]
    faults = [
        f"{text(field.property + ':')} || {fault}"
        for field, encoding in zip(fields, encodings, strict=True)
        for fault in (cast_faults.get(field.property), encoding.fault)
        if fault
    ]
    faults.append(
        "case when contains(key, chr(0)) then ':nul-character' when length(key) > 500 then ':key-too-long' end"
    )
    values = ", ".join(
        f"{encoding.value} as {encoded_column(field.property)}"
        for field, encoding in zip(fields, encodings, strict=True)
    )
    aliases = ", ".join(f"{encoded_column(field.property)} as {name(field.property)}" for field in fields)
    return (
        f"select row, key, coalesce({', '.join(faults)}, null) as fault, {aliases}"
        f" from (select *, {values} from ({inner}))"
    )


def _computed(fields: Sequence[EncodedField], key: str, table: str) -> tuple[str, dict[str, str]]:
    """A SELECT of row, key and each property's raw value; and for what is computed, SQL that says if it could not be.

    An error in one row would end the statement, and its text would quote the row. TRY makes it NULL instead; a value that
    is NULL in its own right stands inside a struct.
    """
    trees = {field.property: sqlglot.parse_one(field.expression, read="duckdb") for field in fields}
    computed_properties = [prop for prop, tree in trees.items() if not isinstance(tree, exp.Column)]
    cells = [
        f"try({{'v': {_lenient(tree).sql('duckdb')}}}) as {name('?' + prop)}"
        if prop in computed_properties
        else f"{tree.sql('duckdb')} as {name(prop)}"
        for prop, tree in trees.items()
    ]
    inner = f"select _row as row, trim(cast({name(key)} as varchar)) as key, {', '.join(cells)} from {table}"
    faults = {
        prop: f"case when {name('?' + prop)} is null then {text(_fault_of(trees[prop]))} end"
        for prop in computed_properties
    }
    if computed_properties:
        columns = ", ".join(f"{name('?' + prop)}.v as {name(prop)}" for prop in computed_properties)
        inner = f"select *, {columns} from ({inner})"
    return inner, faults


def _fault_of(tree: exp.Expr) -> str:
    kinds = {_CAST_FAULTS.get(node.to.this, "not-castable") for node in tree.find_all(exp.Cast)}
    return kinds.pop() if len(kinds) == 1 else "not-castable"


_CAST_FAULTS = {
    exp.DataType.Type.DATE: "not-a-date",
    exp.DataType.Type.TIMESTAMP: "not-a-time",
    exp.DataType.Type.TIMESTAMPTZ: "not-a-time",
    exp.DataType.Type.BOOLEAN: "not-a-bool",
}


def _lenient(tree: exp.Expr) -> exp.Expr:
    """`tree` with every CAST made to give NULL for blank text, which is an empty value and no fault."""

    def forgive(node: exp.Expr) -> exp.Expr:
        if not isinstance(node, exp.Cast) or isinstance(node, exp.TryCast):
            return node
        value = _lenient(node.this)
        cast = exp.Cast(this=value.copy(), to=node.to)
        if node.to.this in exp.DataType.TEXT_TYPES:
            return cast
        return exp.Case().when(exp.Anonymous(this="blank", expressions=[value]), exp.Null()).else_(cast)

    return tree.copy().transform(forgive)
