"""The source's rows: taken in whole, and turned into what the other side should hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain

import duckdb
import pyarrow as pa
import sqlglot
from sqlglot import exp

from careloom.engine.sql_text import name, text
from careloom.engine.sync.encode import EncodedField, encode, encoded_column

# Tables that this module makes:
#   source(_row BIGINT, the source's columns)      every row as read
#   wanted(row, key, fault, fp)                     one line a row; fault is "property:code"
#   ours(row, key, fp, one VARCHAR a property)      the rows that something must be done about


def load_source(db: duckdb.DuckDBPyConnection, batches: Iterator[pa.RecordBatch], columns: Mapping[str, str]) -> int:
    """Fill `source` from `batches`; returns the number of rows. `columns` shapes it when there is no batch."""
    first = next(batches, None)
    if first is None:
        shape = ", ".join(f"{name(column)} {kind}" for column, kind in columns.items())
        db.execute(f"create table source (_row bigint, {shape})")
        return 0
    schema = first.schema.insert(0, pa.field("_row", pa.int64()))
    reader = pa.RecordBatchReader.from_batches(schema, _numbered(chain([first], batches), schema))
    db.register("incoming", reader)
    db.execute("create table source as select * from incoming")
    db.unregister("incoming")
    return int(db.execute("select count(*) from source").fetchall()[0][0])


def _numbered(batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """The batches with the place of each row, from 1. Counted here, a table keeps no order while it is filled."""
    offset = 0
    for batch in batches:
        places = pa.array(range(offset + 1, offset + batch.num_rows + 1), pa.int64())
        yield pa.RecordBatch.from_arrays([places, *batch.columns], schema=schema)
        offset += batch.num_rows


def fingerprint_rows(db: duckdb.DuckDBPyConnection, fields: Sequence[EncodedField], key: str, zone: str) -> None:
    """Make `wanted` from `source`: each row's key, fingerprint, and first fault."""
    columns = [name(field.property) for field in sorted(fields, key=lambda f: f.property)]
    prints = f"concat({', '.join(f'framed({column}), {column}' for column in columns)})"
    select = projection(db, fields, key, zone, "source")
    db.execute(f"create table wanted as select row, key, fault, fingerprint({prints}) as fp from ({select})")


def project_rows(
    db: duckdb.DuckDBPyConnection,
    fields: Sequence[EncodedField],
    key: str,
    zone: str,
    *,
    rows: str,
    into: str,
    key_property: str,
) -> None:
    """Make table `into` with the values of the rows in table `rows`(row, key, fp).

    Beside the mapped properties it has `key_property`, holding the key, and the `when_taken` ones, still empty.
    """
    db.execute(f"create or replace table picked as select source.* from source join {rows} on source._row = {rows}.row")
    properties = ", ".join(name(field.property) for field in fields)
    spare = "".join(f", cast(null as varchar) as {name(extra)}" for extra in spare_properties(fields))
    select = projection(db, fields, key, zone, "picked")
    db.execute(
        f"create or replace table {into} as select p.row, r.key, r.fp, {properties}, r.key as {name(key_property)}{spare}"
        f" from ({select}) p join {rows} r using (row)"
    )
    db.execute("drop table picked")


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
