"""The columns of a report: their names out of its header, and the types that their text can be read as.

A type is inferred from every value of a column, never from a sample. What a type reads is written down here once, as a
pattern, and everything that the pattern refuses stays text.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Literal, get_args

from careloom.engine import sql_text

ReportType = Literal["text", "integer", "numeric", "percent", "date", "unknown"]
"""`numeric`: amounts as `$1,234.50`, `(12.00)`, `-$5`. `percent`: 12.5% is the number 12.5; every value has its sign, so that
0.125 and 12.5 never meet in one column. `unknown`: nothing but empty cells was seen yet."""
TYPES: tuple[ReportType, ...] = get_args(ReportType)
INFERRED: tuple[ReportType, ...] = ("integer", "numeric", "percent", "date")
"""Tried in this order; the first that reads every value of a column is its type."""
OWN = ("report_run", "row_number", "customer_account", "unparsed", "loaded_at")
"""The columns that every report's table or view has beside the report's own."""
_SYSTEM = ("tableoid", "xmin", "cmin", "xmax", "cmax", "ctid")
"""PostgreSQL's own, that no table may have again."""
_RESERVED = frozenset(OWN + _SYSTEM)
UNNAMED = "unnamed_column"
_MOST = 63
_SHARED = (4, 5)
"""So many of so many columns must be there for a file to be taken for the report."""
_FEW = 2
_NAMING = frozenset(
    [
        "id",
        "ids",
        "number",
        "num",
        "no",
        "nbr",
        "code",
        "codes",
        "zip",
        "zipcode",
        "postal",
        "account",
        "acct",
        "npi",
        "ssn",
        "ein",
        "tin",
        "mrn",
        "phone",
        "fax",
        "check",
        "claim",
        "icn",
        "dcn",
        "policy",
        "group",
        "member",
        "subscriber",
        "auth",
        "authorization",
        "reference",
        "ref",
        "serial",
        "key",
    ]
)
"""A column whose name ends so holds names of things, whatever digits they are made of."""
_COUNTING = frozenset(["days", "count", "number", "units", "worked", "entered", "posted", "sent"])
"""A column whose name ends so counts, also where what it counts is money: `balance_age_days`, `charges_entered`."""
_MONEY = frozenset(
    [
        "amount",
        "amt",
        "balance",
        "charge",
        "charges",
        "charged",
        "payment",
        "payments",
        "paid",
        "due",
        "total",
        "totals",
        "fee",
        "fees",
        "price",
        "cost",
        "costs",
        "revenue",
        "adjustment",
        "adjustments",
        "adjusted",
        "refund",
        "refunds",
        "copay",
        "coinsurance",
        "deductible",
        "allowed",
        "expected",
        "billed",
        "owed",
        "credit",
        "credits",
        "debit",
        "debits",
        "writeoff",
        "writeoffs",
        "offs",
        "applied",
        "unapplied",
        "recovered",
        "denied",
        "dollars",
        "usd",
    ]
)

_NBSP = "\u00a0"
_GAP = f"[ {_NBSP}]?"
_WHOLE = "(0|[1-9][0-9]{0,17}|[1-9][0-9]{0,2}(,[0-9]{3}){1,5})"
_AMOUNT = rf"({_WHOLE}(\.[0-9]{{0,12}})?|\.[0-9]{{1,12}})"
_DAY = "([0-9]{1,2}/[0-9]{1,2}/([0-9]{4}|[0-9]{2})|[0-9]{4}-[0-9]{2}-[0-9]{2})"
_MIDNIGHT = rf"([ T]((?i:12:00(:00)?{_GAP}AM)|0?0:00(:00(\.0+)?)?(Z|[+-]00:?00)?))?"
_PATTERNS: dict[str, str] = {
    # A number with leading zeros or of 19 digits and more is a name for something, not an amount.
    "integer": f"[-+]?{_WHOLE}",
    "numeric": rf"[-+]?(\${_GAP})?{_AMOUNT}|\${_GAP}[-+]{_AMOUNT}|\((\${_GAP})?{_AMOUNT}\)|\$\({_AMOUNT}\)"
    rf"|(\${_GAP})?{_AMOUNT}{_GAP}(-|(?i:CR|DR))",
    "percent": rf"-?{_AMOUNT} ?%|\({_AMOUNT} ?%\)",
    # A time of day that is not midnight would be lost in a day: such a column stays text.
    "date": f"{_DAY}{_MIDNIGHT}",
}
_PLAIN_INTEGER = "0|-?[1-9][0-9]{0,17}"
_DATES = "['%m/%d/%Y', '%Y-%m-%d']"
_LONGEST_DAY = 10
_OF_BIRTH = re.compile(r"(?:^|_)(?:dob|birth\w*|born)(?:_|$)")
"""No one can say the century of two digits where people may be a hundred years old."""


def column_names(headers: Sequence[str]) -> list[str]:
    """One name for each header: snake_case, at most 63 bytes, unique, none of `OWN` and none of PostgreSQL's; names of names are the same names.

    Which of several headers of one name keeps it depends on their text, not on their order in the file; equal headers are
    numbered as they come.
    """
    plain = [_snake(header) for header in headers]
    all_names = set(plain) | _RESERVED
    names, used_names, numbers = [""] * len(headers), set(_RESERVED), defaultdict[str, int](lambda: 2)
    for place in sorted(range(len(headers)), key=lambda index: (headers[index] != plain[index], headers[index], index)):
        name = plain[place] if plain[place] not in used_names else _numbered(plain[place], all_names, numbers)
        names[place] = name
        used_names.add(name)
        all_names.add(name)
    return names


def _snake(header: str) -> str:
    """Letters of other alphabets go with the special characters; accents only leave their letter."""
    letters = unicodedata.normalize("NFKD", header.casefold()).encode("ascii", "ignore").decode()
    words = re.sub(r"[^a-z0-9]+", "_", letters.replace("'", "")).strip("_")
    if words[:1].isdigit():
        words = f"_{words}"
    return words[:_MOST].rstrip("_") or UNNAMED


def _numbered(name: str, all_names: set[str], numbers: dict[str, int]) -> str:
    """`name` with the first free number. `numbers`: where to continue looking, so that ten thousand equal headers take no hour."""
    while (candidate := f"{name[: _MOST - len(str(numbers[name])) - 1].rstrip('_')}_{numbers[name]}") in all_names:
        numbers[name] += 1
    return candidate


def same_columns(first: Sequence[str], second: Sequence[str]) -> bool:
    """Whether two files have the same headers, in whatever order."""
    return Counter(first) == Counter(second)


def looks_like(former: Iterable[str], header: Iterable[str]) -> bool:
    """Whether a file with the columns `header` can be the report whose last files had the columns `former`: four of five are there.

    A report changes a column at a time, so one may be gone of few; but not one of two. Columns without a name, which come
    by a ragged row, say nothing.
    """
    names, now = _named(former), _named(header)
    missing = len(names - now)
    return missing * _SHARED[1] <= len(names) * (_SHARED[1] - _SHARED[0]) or (missing == 1 and len(names) > _FEW)


def _named(columns: Iterable[str]) -> set[str]:
    return {column for column in columns if not column.startswith(UNNAMED)}


def kinds_of(column: str) -> tuple[ReportType, ...]:
    """The types that a column may be taken for by its values alone.

    A number of something stays the text that it is: leading zeros, twenty digits and 1E5 would be lost in a number. Money
    of whole dollars is no whole number: the next file has cents.
    """
    words = re.sub(r"_[0-9]+$", "", column).split("_")
    if words[-1] in _NAMING:
        return ()
    if set(words) & _MONEY and words[-1] not in _COUNTING:
        return tuple(kind for kind in INFERRED if kind != "integer")
    return INFERRED


def widened(pin: ReportType, kind: ReportType) -> ReportType:
    """The narrowest type that holds all that `pin` held, and all that `kind` reads, without loss."""
    if kind in {pin, "unknown"}:
        return pin
    return "numeric" if {pin, kind} == {"integer", "numeric"} else "text"


def filled(column: str) -> str:
    """DuckDB: whether a cell holds anything but spaces."""
    return f"trim({sql_text.name(column)}) <> ''"


def reads(column: str, type: ReportType, *, inferring: bool = False) -> str:
    """DuckDB: whether a cell's text is one of `type`. `inferring` is stricter: 1,234 does not make a column of integers."""
    pattern = _PLAIN_INTEGER if inferring and type == "integer" else _PATTERNS[type]
    # Spaces as PostgreSQL skips them; what else is around is taken away where the value is written.
    around = r"[ \t]*" if type == "integer" else rf"[ \t{_NBSP}]*"
    regex = sql_text.text(f"{around}({pattern}){around}")
    fits = f"regexp_full_match({sql_text.name(column)}, {regex})"
    # A day that the calendar lacks is null, and no answer is not "no".
    return f"({fits} and coalesce(year({_day(column)}) between 1 and 9999, false))" if type == "date" else fits


def value(column: str, type: ReportType) -> str:
    """DuckDB: a cell that `reads` as `type`, in the writing that PostgreSQL takes; null for an empty one.

    Text is left as it came, spaces and formulas included.
    """
    cell = sql_text.name(column)
    if type == "text":
        return f"nullif({cell}, '')"
    if type == "unknown":
        return "null::varchar"
    if type == "date":
        return f"cast({_day(column)} as varchar)"
    # Almost every amount needs less than a pattern. Spaces around a number are PostgreSQL's to skip.
    plain = f"case when contains({cell}, ',') then replace({cell}, ',', '') else nullif(trim({cell}), '') end"
    if type == "integer":
        return plain
    sign = f"case when contains({cell}, '-') or contains({cell}, '(') or contains(upper({cell}), 'CR') then '-' else '' end"
    odd = f"{sign} || regexp_replace({cell}, '[^0-9.]', '', 'g')"
    ends = f"right({cell}, 1) between '0' and '9' and not contains({cell}, '{_NBSP}')"
    return (
        f"case when {ends} and starts_with({cell}, '$') and substr({cell}, 2, 1) between '.' and '9' "
        f"then replace(substr({cell}, 2), ',', '') "
        f"when {ends} and not contains({cell}, '$') then {plain} "
        f"when trim({cell}) = '' then null else {odd} end"
    )


def _day(column: str) -> str:
    """A cell's day, without the midnight that may follow it. Two digits are of 1969 to 2068, but never a birth."""
    cell = f"trim({sql_text.name(column)}, ' \t{_NBSP}')"
    day = (
        f"case when length({cell}) > {_LONGEST_DAY} then split_part(replace({cell}, 'T', ' '), ' ', 1) else {cell} end"
    )
    full = f"try_strptime({day}, {_DATES})"
    short = "null" if _OF_BIRTH.search(column) else f"try_strptime({day}, '%m/%d/%y')"
    return f"cast(case when substr({day}, -3, 1) = '/' then {short} else {full} end as date)"
