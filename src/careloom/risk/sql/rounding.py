"""CMS's rounding of payment scores: to three decimals after each step, half up, in whole numbers so that every engine agrees.

A raw score is a whole number of thousandths. Divided by the normalisation it is rounded, then times one less the coding
intensity it is rounded again; in a blend each model's part is rounded once more. (CMS, Announcements: "the risk score is rounded
to three decimal places after each step"; worked example 0.581 / 1.067 = 0.545, x 0.941 = 0.513.)
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal

from sqlglot import exp

from careloom.risk.sql.expressions import number

PLACES = 9
"""Decimals of a factor that are looked at."""
_ONE = 10**PLACES


def billionths(factor: float) -> int:
    """A factor as a whole number of billionths: 1.067 is 1067000000."""
    return int((Decimal(repr(float(factor))) * _ONE).to_integral_value(ROUND_HALF_UP))


def thousandths_of(amount: float) -> int:
    """An amount, such as a frailty score, as a whole number of thousandths."""
    return int((Decimal(repr(float(amount))) * 1000).quantize(Decimal(1), ROUND_HALF_UP))


def normalized(raw: int, normalization: float) -> int:
    """Thousandths of a raw score by the normalisation, rounded."""
    return _divide(raw * _ONE, billionths(normalization))


def lessened(score: int, share: float) -> int:
    """Thousandths of a score times `share` (one less the coding intensity, or a model's share of a blend), rounded."""
    return _divide(score * billionths(share), _ONE)


def _divide(dividend: int, divisor: int) -> int:
    return (2 * dividend + divisor) // (2 * divisor)


def sql_normalized(raw: exp.Expr, normalization_of: Callable[[Callable[[float], int]], exp.Expr]) -> exp.Expr:
    """`normalized`, in SQL. `raw` is a whole number of 64 bits; `normalization_of` writes the normalisation, as what it is handed makes of it."""
    dividend = exp.Add(
        this=exp.Mul(this=exp.paren(raw), expression=number(2 * _ONE)), expression=normalization_of(billionths)
    )
    return _quotient(dividend, normalization_of(lambda factor: 2 * billionths(factor)))


def sql_lessened(score: exp.Expr, share: float) -> exp.Expr:
    """`lessened`, in SQL."""
    dividend = exp.Mul(this=exp.paren(score), expression=number(2 * billionths(share)))
    return _quotient(exp.Add(this=dividend, expression=number(_ONE)), number(2 * _ONE))


def _quotient(dividend: exp.Expr, divisor: exp.Expr) -> exp.Expr:
    """Whole division; nothing divided here is negative, so it does not matter which way an engine cuts."""
    return exp.IntDiv(this=exp.paren(dividend, copy=False), expression=exp.paren(divisor, copy=False))
