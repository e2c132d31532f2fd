"""What BigQuery's analyser would refuse and an emulator on another engine may let pass: functions, columns and types.

The names are those of BigQuery's function reference (cloud.google.com/bigquery/docs/reference/standard-sql/functions-all); the types that
may be compared are those of its conversion rules: numbers with numbers, and everything else with its own kind.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import sqlglot
from sqlglot import exp
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify

from careloom.risk import lookups
from careloom.risk.population.columns import PEOPLE

FUNCTIONS = frozenset(
    {
        "ARRAY_CONCAT",
        "BIT_OR",
        "CAST",
        "COALESCE",
        "CONCAT",
        "COUNT",
        "DIV",
        "EXTRACT",
        "FLOOR",
        "LEAST",
        "REPLACE",
        "RTRIM",
        "SPLIT",
        "TRANSLATE",
        "TRIM",
        "UNNEST",
        "UPPER",
    }
)
"""Those functions of BigQuery that this house uses."""
NUMBERS = frozenset({"INT64", "NUMERIC", "FLOAT64"})
BITS = (exp.BitwiseAnd, exp.BitwiseOr, exp.BitwiseLeftShift, exp.BitwiseRightShift)
ARROW = {"string": "STRING", "int64": "INT64", "int32": "INT64", "bool": "BOOL"}
DECLARED = {"": "INT64", "VARCHAR": "STRING", "DOUBLE": "FLOAT64", "BOOLEAN": "BOOL", "INTEGER": "INT64"}
Schema = Mapping[str, Mapping[str, str]]


def declare_tables(model: str, year: int) -> dict[str, dict[str, str]]:
    """The tables that the statement reads, with BigQuery's types."""
    tables = {
        name: {item.name: ARROW[str(item.type)] for item in table.schema}
        for name, table in lookups(model, year).tables.items()
    }
    people = {name: DECLARED[kind] for name, kind in PEOPLE.items()}
    return tables | {"people": people, "diagnoses": {"person_id": "INT64", "diagnosis_code": "STRING"}}


def annotate(statement: str, schema: Schema) -> exp.Expr:
    """`statement` with the table and type of every column; a column that no table has is an error."""
    tree = qualify(sqlglot.parse_one(statement, read="bigquery"), schema=dict(schema), dialect="bigquery")
    return annotate_types(tree, schema=dict(schema), dialect="bigquery")


def faults(statement: str, schema: Schema) -> list[str]:
    """What BigQuery would refuse in it, as far as names and types can tell."""
    unknown = {f"no function {name}" for name in re.findall(r"\b([A-Za-z_]\w*)\(", statement)} - {
        f"no function {name}" for name in FUNCTIONS
    }
    return [*sorted(unknown), *(found for node in annotate(statement, schema).walk() for found in _of(node))]


def _of(node: exp.Expr) -> Iterator[str]:
    if isinstance(node, exp.Column | exp.Func | exp.Binary | exp.Paren) and _kind(node) == "UNKNOWN":
        yield f"no type: {node.sql('bigquery')}"
    if isinstance(node, exp.EQ | exp.NEQ | exp.LT | exp.LTE | exp.GT | exp.GTE):
        yield from _unlike(node, node.this, node.expression)
    if isinstance(node, exp.In):
        for expression in node.expressions:
            yield from _unlike(node, node.this, expression)
    if isinstance(node, BITS) and {_kind(node.this), _kind(node.expression)} != {"INT64"}:
        yield f"bits of what is no INT64: {node.sql('bigquery')}"
    if isinstance(node, exp.Case):
        kinds = {_kind(expression.args["true"]) for expression in node.args["ifs"]} | {_kind(node.args.get("default"))}
        if len(_classes(kinds)) > 1:
            yield f"branches of {sorted(kinds)}: {node.sql('bigquery')}"


def _unlike(node: exp.Expr, left: exp.Expr, right: exp.Expr) -> Iterator[str]:
    if len(_classes({_kind(left), _kind(right)})) > 1:
        yield f"{_kind(left)} with {_kind(right)}: {node.sql('bigquery')}"


def _classes(kinds: set[str]) -> set[str]:
    """Numbers are one class; NULL and the empty list are of any."""
    return {
        "number" if kind in NUMBERS else kind for kind in kinds - {"NULL", "", "ARRAY", "ARRAY<NULL>", "ARRAY<UNKNOWN>"}
    }


def _kind(node: exp.Expr | None) -> str:
    if node is None:
        return "NULL"
    return node.type.sql("bigquery") if node.type is not None else "UNKNOWN"
