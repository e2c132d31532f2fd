"""The engines that the scoring statement is rendered for, and everything in which they differ.

Bit operations, BIT_OR, CASE and joins are rendered by sqlglot; what is left is how a text becomes a list, how the model
is told that a number is a double, and types.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from sqlglot import exp

from careloom.core.errors import Fix

DIALECTS = ("duckdb", "postgres", "bigquery", "spark")


def check_dialect(dialect: str) -> str:
    """`dialect`, if the statement can be rendered for it.

    Raises:
        Fix: it cannot.

    """
    if dialect not in DIALECTS:
        raise Fix(f"the scoring statement is not made for {dialect!r}; write one of {', '.join(DIALECTS)}")
    return dialect


def list_of(text: exp.Expr, dialect: str) -> exp.Expr:
    """The list of texts in `text`, where each is followed by a comma; no text is an empty list."""
    comma = exp.Literal.string(",")
    body = exp.Anonymous(this="RTRIM", expressions=[text.copy(), comma.copy()])
    if dialect == "postgres":  # the only one in which the empty text splits into nothing
        return exp.Anonymous(this="STRING_TO_ARRAY", expressions=[body, comma])
    if dialect == "spark":
        parts = exp.Anonymous(this="SPLIT", expressions=[text.copy(), comma])
        return exp.Anonymous(this="ARRAY_REMOVE", expressions=[parts, exp.Literal.string("")])
    name = {"duckdb": "STRING_SPLIT", "bigquery": "SPLIT"}[dialect]
    parts = exp.Anonymous(this=name, expressions=[body, comma])
    empty_list = exp.Array(expressions=[])
    return exp.case().when(text.copy().eq(exp.Literal.string("")), empty_list).else_(parts)


def join_lists(lists: Sequence[exp.Expr], dialect: str) -> exp.Expr:
    """Lists of texts, one after the other."""
    name = {"duckdb": "LIST_CONCAT", "postgres": "ARRAY_CAT", "bigquery": "ARRAY_CONCAT", "spark": "CONCAT"}[dialect]
    return reduce(lambda first, second: exp.Anonymous(this=name, expressions=[first, second]), lists)


def double(number: exp.Expr) -> exp.Expr:
    """`number` as a double."""
    return exp.cast(number, exp.DataType.Type.DOUBLE)


def thousandths(number: exp.Expr) -> exp.Expr:
    """A whole number of thousandths as an exact decimal with three places."""
    exact = exp.cast(number, exp.DataType.build("DECIMAL(9, 0)"))
    step = exp.cast(exp.Literal.number("0.001"), exp.DataType.build("DECIMAL(4, 3)"))
    return exp.cast(exp.Mul(this=exact, expression=step), exp.DataType.build("DECIMAL(12, 3)"))
