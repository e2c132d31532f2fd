"""The columns of a report: their names out of its header, and the types that their text can be read as.

A type is inferred from every value of a column, never from a sample. What a type reads is written down here once, as a
pattern, and everything that the pattern refuses stays text.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal, get_args

from careloom.engine import quoting

ReportType = Literal["text", "integer", "numeric", "percent", "date", "unknown"]
"""`numeric`: amounts as `$1,234.50`, `(12.00)`, `-$5`. `percent`: 12.5% is the number 12.5; every value has its sign, so that
0.125 and 12.5 never meet in one column. `unknown`: nothing but empty cells was seen yet."""
TYPES: tuple[ReportType, ...] = get_args(ReportType)
INFERRED: tuple[ReportType, ...] = ("integer", "numeric", "percent", "date")
"""Tried in this order; the first that reads every value of a column is its type."""
OWN = ("report_run", "row_number", "customer_account", "unparsed")
"""The columns that every report's table has beside the report's own."""
_SYSTEM = ("tableoid", "xmin", "cmin", "xmax", "cmax", "ctid")
"""PostgreSQL's own, that no table may have again."""
_RESERVED = frozenset(OWN + _SYSTEM)
UNNAMED = "unnamed_column"
_MOST = 63
_SHARED = (4, 5)
"""So many of so many columns must be known for a file to be taken for the report."""

_WHOLE = "(0|[1-9][0-9]{0,17}|[1-9][0-9]{0,2}(,[0-9]{3}){1,5})"
_AMOUNT = rf"({_WHOLE}(\.[0-9]{{1,12}})?|\.[0-9]{{1,12}})"
_PATTERNS: dict[str, str] = {
    # A number with leading zeros or of 19 digits and more is a name for something, not an amount.
    "integer": f"-?{_WHOLE}",
    "numeric": rf"-?\$?{_AMOUNT}|\$-{_AMOUNT}|\(\$?{_AMOUNT}\)|\$\({_AMOUNT}\)",
    "percent": rf"-?{_AMOUNT} ?%|\({_AMOUNT} ?%\)",
    "date": "[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}|[0-9]{4}-[0-9]{2}-[0-9]{2}",
}
_PLAIN_INTEGER = "0|-?[1-9][0-9]{0,17}"
_DATES = "['%m/%d/%Y', '%Y-%m-%d']"


def column_names(headers: Sequence[str]) -> list[str]:
    """One name for each header: snake_case, at most 63 bytes, unique, none of `OWN` and none of PostgreSQL's; names of names are the same names.

    Which of several headers of one name keeps it depends on their text, not on their order in the file; equal headers are
    numbered as they come.
    """
    plain = [_snake(header) for header in headers]
    taken = set(plain) | _RESERVED
    names, given = [""] * len(headers), set(_RESERVED)
    for place in sorted(range(len(headers)), key=lambda at: (headers[at] != plain[at], headers[at], at)):
        name = plain[place] if plain[place] not in given else _numbered(plain[place], taken)
        names[place] = name
        given.add(name)
        taken.add(name)
    return names


def _snake(header: str) -> str:
    """Letters of other alphabets go with the special characters; accents only leave their letter."""
    letters = unicodedata.normalize("NFKD", header.casefold()).encode("ascii", "ignore").decode()
    words = re.sub(r"[^a-z0-9]+", "_", letters.replace("'", "")).strip("_")
    if words[:1].isdigit():
        words = f"_{words}"
    return words[:_MOST].rstrip("_") or UNNAMED


def _numbered(name: str, taken: set[str]) -> str:
    number = 2
    while (candidate := f"{name[: _MOST - len(str(number)) - 1].rstrip('_')}_{number}") in taken:
        number += 1
    return candidate


def same_columns(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether two files have the same headers, in whatever order."""
    return Counter(one) == Counter(other)


def looks_like(known: Iterable[str], header: Iterable[str], declared: Iterable[str] = ()) -> bool:
    """Whether a file with the columns `header` can be the report that ever had the columns `known`: most of the fewer are shared.

    Reports of one service share much, and a report changes a column at a time; columns that are gone, or that came by one
    ragged row, must not count against it. Of a report that never came, all `declared` columns must be there; without any, nothing speaks against it.
    """
    former, now = set(known), set(header)
    if former:
        return len(former & now) * _SHARED[1] >= min(len(former), len(now)) * _SHARED[0]
    return set(declared) <= now


def filled(column: str) -> str:
    """DuckDB: whether a cell holds anything but spaces."""
    return f"trim({quoting.name(column)}) <> ''"


def reads(column: str, type: ReportType, *, inferring: bool = False) -> str:
    """DuckDB: whether a cell's text is one of `type`. `inferring` is stricter: 1,234 does not make a column of integers."""
    pattern = _PLAIN_INTEGER if inferring and type == "integer" else _PATTERNS[type]
    # Spaces as PostgreSQL skips them: others are not taken away when the value is written.
    spaced = quoting.text(rf"[ \t]*({pattern})[ \t]*")
    fits = f"regexp_full_match({quoting.name(column)}, {spaced})"
    # A day that the calendar lacks is null, and no answer is not "no".
    return f"({fits} and coalesce(year({_day(column)}) between 1 and 9999, false))" if type == "date" else fits


def value(column: str, type: ReportType) -> str:
    """DuckDB: a cell that `reads` as `type`, in the writing that PostgreSQL takes; null for an empty one.

    Text is left as it came, spaces and formulas included.
    """
    cell = quoting.name(column)
    if type == "text":
        return f"nullif({cell}, '')"
    if type == "unknown":
        return "null::varchar"
    if type == "date":
        return f"cast({_day(column)} as varchar)"
    # translate is slow, and almost every amount needs less. Spaces around a number are PostgreSQL's to skip.
    plain = f"case when contains({cell}, ',') then replace({cell}, ',', '') else nullif(trim({cell}), '') end"
    if type == "integer":
        return plain
    sign = f"case when contains({cell}, '-') or contains({cell}, '(') then '-' else '' end"
    return (
        f"case when starts_with({cell}, '$') and not contains({cell}, '(') then replace(substr({cell}, 2), ',', '') "
        f"when contains({cell}, '(') or contains({cell}, '$') or contains({cell}, '%') "
        f"then {sign} || translate({cell}, '$,()-% ', '') else {plain} end"
    )


def _day(column: str) -> str:
    return f"cast(try_strptime(trim({quoting.name(column)}), {_DATES}) as date)"
