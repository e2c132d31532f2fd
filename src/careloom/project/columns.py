"""Holds a sync against the columns that its source really has: names first, then types, judged by DuckDB itself."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache

import duckdb
from sqlglot import exp
from sqlglot.expressions import Expr

from careloom.core.errors import Fault
from careloom.core.schema import PropertyType
from careloom.project.grammar import DIALECT, lineage, parse_expression, place_in_text
from careloom.project.model import Field, Sync
from careloom.project.nearest import list_names, suggestion
from careloom.project.nodes import Step

_NUMBERS = re.compile(r"(U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL.*|BIGNUM)")
_SHOWN_COLUMNS = 12

# What a column of this family may feed, and how another is made of it. Text is read value by value when the sync runs,
# and a record whose text is no such value is held, so text fits everything.
_FITS: dict[str, dict[str, str]] = {
    "text": {"string": "", "number": "", "date": "", "datetime": "", "bool": "", "enumeration": ""},
    "number": {"string": "", "number": "", "enumeration": "", "bool": "{} <> 0"},
    "bool": {"string": "", "bool": "", "enumeration": "", "number": "CAST({} AS INTEGER)"},
    "date": {"string": "", "date": "", "datetime": "", "enumeration": "", "number": "year({})"},
    "timestamp": {"string": "", "datetime": "", "date": "CAST({} AS DATE)", "number": "year({})"},
    "time": {"string": "", "enumeration": ""},
    "null": {"string": "", "number": "", "date": "", "datetime": "", "bool": "", "enumeration": ""},
}


def check_columns(sync: Sync, columns: Mapping[str, str]) -> list[Fault]:
    """The faults of `sync` given its source's columns, each with its DuckDB type name; empty if it can run."""
    column_names = {name.lower(): name for name in columns}
    faults = list(_named_columns(sync, columns, column_names))
    with _judge().cursor() as database:
        _empty_table(database, columns)
        for path, expression in _expressions(sync):
            unknown = list(_unknown(sync, path, expression, columns, column_names))
            faults.extend(unknown or _check_type(sync, path, expression, database))
    return faults


@cache
def _judge() -> duckdb.DuckDBPyConnection:
    """One for the process, since opening one costs more than all its answers; each cursor has tables of its own."""
    return duckdb.connect(":memory:", config={"enable_external_access": "false", "threads": 1})


def _empty_table(database: duckdb.DuckDBPyConnection, columns: Mapping[str, str]) -> None:
    definitions = [
        f"{exp.to_identifier(name, quoted=True).sql(dialect=DIALECT)} {kind}" for name, kind in columns.items()
    ]
    database.execute(f"CREATE TEMP TABLE source ({', '.join(definitions)})")


def _expressions(sync: Sync) -> Iterator[tuple[tuple[Step, ...], Expr]]:
    for field in sync.fields.values():
        yield ("fields", field.property, "from"), _tree(field.source)
    for number, tie in enumerate(sync.associations):
        yield ("associations", number, "key"), _tree(tie.key)


def _tree(text: str) -> Expr:
    """What was read once without a mistake."""
    tree = parse_expression(text)
    if isinstance(tree, list):
        raise AssertionError(f"{tree[0].code}: the project was read with it")  # noqa: TRY004 no matter of a type
    return tree


def _named_columns(sync: Sync, columns: Mapping[str, str], column_names: Mapping[str, str]) -> Iterator[Fault]:
    for key, name in (("key", sync.source.key), ("cursor", sync.source.cursor)):
        if name is None:
            continue
        if name.lower() not in column_names:
            yield sync.fault(
                ("from", key), "unknown-column", f"there is no column `{name}`", _column_fix(name, columns)
            )
            continue
        family = _family(columns[column_names[name.lower()]])
        if family is None or (key == "cursor" and family in {"bool", "time"}):
            cause = f"`{name}` is of type {columns[column_names[name.lower()]]}, which cannot be a {key}"
            yield sync.fault(("from", key), "wrong-type", cause, "name a column of text, numbers or times")


def _column_fix(name: str, columns: Mapping[str, str]) -> str:
    return suggestion(name, columns, f"the columns are {list_names(columns, _SHOWN_COLUMNS)}")


def _unknown(
    sync: Sync, path: tuple[Step, ...], expression: Expr, columns: Mapping[str, str], column_names: Mapping[str, str]
) -> Iterator[Fault]:
    node = sync.node.at(*path)
    for column in expression.find_all(exp.Column, bfs=False):
        if column.name.lower() not in column_names:
            place = node.inside(*place_in_text(column))
            cause = f"there is no column `{column.name}`"
            yield place.fault("unknown-column", cause, _column_fix(column.name, columns))


def _check_type(
    sync: Sync, path: tuple[Step, ...], expression: Expr, database: duckdb.DuckDBPyConnection
) -> Iterator[Fault]:
    text = expression.sql(dialect=DIALECT, comments=False)
    try:
        row = database.execute(f"DESCRIBE SELECT {text} FROM source").fetchall()[0]
    except duckdb.Error as error:
        yield sync.fault(path, "sql-types", _first_line(error), _cast_fix(expression))
        return
    if path[0] == "fields":
        field = sync.fields[str(path[1])]
        fault = _mismatch(sync, field, str(row[1]))
        if fault is not None:
            yield fault


def _first_line(error: duckdb.Error) -> str:
    line = str(error).split("\n", 1)[0]
    line = re.sub(r"^\w+( \w+)* Error: ", "", line)
    return f"the types do not fit: {line[:1].lower()}{line[1:]}"


def _cast_fix(expression: Expr) -> str:
    names = lineage(expression)
    column = names[0] if names else "x"
    column_sql = column if re.fullmatch(r"[A-Za-z_]\w*", column) else f'"{column}"'
    return f"say which type is meant, as in `TRY_CAST({column_sql} AS INTEGER)`"


def _mismatch(sync: Sync, field: Field, kind: str) -> Fault | None:
    family = _family(kind)
    property_type: PropertyType = field.type or "string"
    path = ("fields", field.property, "from")
    if family is None:
        cause = f"`{field.source}` is of type {kind}, which no property holds"
        return sync.fault(path, "wrong-type", cause, "take one value out of it, or write `CAST(… AS VARCHAR)`")
    if field.format and family != "text":
        fix = "remove `format`: the source already knows the type"
        return sync.fault(
            ("fields", field.property, "format"), "date-format", f"`format` reads text, and this is {kind}", fix
        )
    remedy = _FITS[family].get(property_type, "CAST({} AS VARCHAR)")
    if not remedy:
        return None
    cause = f"`{field.property}` is a {property_type}, and `{field.source}` gives {kind}"
    if remedy.startswith("CAST({} AS VARCHAR)"):
        return sync.fault(path, "wrong-type", cause, f"write `type: {_natural(family)}`, or another expression")
    return sync.fault(path, "wrong-type", cause, f"write `{remedy.format(field.source)}`")


def _natural(family: str) -> str:
    return {"timestamp": "datetime", "time": "string"}.get(family, family)


def _family(kind: str) -> str | None:
    upper = kind.upper()
    if _NUMBERS.fullmatch(upper):
        return "number"
    if upper.startswith(("VARCHAR", "ENUM", "UUID", "CHAR", "TEXT", "STRING", "JSON")):
        return "text" if not upper.endswith("]") else None
    if upper.startswith("TIMESTAMP") or upper == "DATETIME":
        return "timestamp" if not upper.endswith("]") else None
    simple = {"BOOLEAN": "bool", "DATE": "date", "INT": "number", "REAL": "number", '"NULL"': "null", "NULL": "null"}
    return "time" if upper in {"TIME", "TIME WITH TIME ZONE", "INTERVAL"} else simple.get(upper)
