"""The small expressions of which the scoring statement is made: words of bits, sums and texts, in parentheses.

Engines disagree on which bit operator goes first, so nothing is left to precedence.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce

from sqlglot import exp


def number(value: float) -> exp.Expr:
    """A number as it stands."""
    return exp.Literal.number(value)


def column(name: str, table: str | None = None) -> exp.Column:
    """A column, of `table` if more than one is read."""
    return exp.column(name, table=table)


def all_of(first: exp.Expr, second: exp.Expr) -> exp.Expr:
    """The bits that both have."""
    return exp.paren(exp.BitwiseAnd(this=first, expression=second), copy=False)


def any_of(parts: Iterable[exp.Expr]) -> exp.Expr:
    """The bits that any part has."""
    return exp.paren(reduce(lambda first, second: exp.BitwiseOr(this=first, expression=second), parts), copy=False)


def without(word: exp.Expr, mask: exp.Expr) -> exp.Expr:
    """The bits of `word` that `mask` has not."""
    return all_of(word, exp.BitwiseNot(this=exp.paren(mask, copy=False)))


def sum_of(parts: Iterable[exp.Expr]) -> exp.Expr:
    """The sum of all parts."""
    return exp.paren(reduce(lambda first, second: exp.Add(this=first, expression=second), parts), copy=False)


def shift(word: exp.Expr, places: int) -> exp.Expr:
    """`word` moved down by `places` bits."""
    if not places:
        return word
    return exp.paren(exp.BitwiseRightShift(this=word, expression=number(places)), copy=False)


def texts(parts: Iterable[exp.Expr]) -> exp.Expr:
    """Texts, one after the other; none of them is NULL."""
    return exp.Concat(expressions=list(parts), safe=False, coalesce=False)
