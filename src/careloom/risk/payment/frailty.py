"""A PACE organisation's frailty score, from CMS's factors by limitations of daily living and the answers of its survey.

No factor is kept here: CMS publishes them by model and payment year, and they are handed in as a table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

from careloom.core.errors import Fix
from careloom.risk.population.handwritten import rows

MOST_ADLS = 6
"""The survey asks for six activities of daily living."""
_PLACES = Decimal("0.000001")
_MOST_PEOPLE = 10_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Respondents with `adl_min` to `adl_max` limitations, with or without Medicaid, and what each adds."""

    adl_min: int
    adl_max: int
    medicaid: bool
    factor: Decimal
    respondents: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Frailty:
    """`score` is `total`, the exact sum of the respondents' factors, by `respondents`, rounded half up to six places."""

    respondents: int
    total: Decimal
    score: Decimal
    groups: Sequence[Group]


def frailty_score(factors: str | Path, survey: str | Path) -> Frailty:
    """The mean factor of the respondents of `survey`.

    `factors` is a CSV file with adl_min, adl_max, medicaid and factor; `survey` one with adl_count and medicaid, a row for
    each respondent, or for as many as its column `respondents` says. Other columns are not read.

    Raises:
        Fix: a file cannot be read, a cell is wrong, two lines of factors are for the same people, or there is no factor
            for an answer.

    """
    table = _table(Path(factors))
    respondents_by_group = [0] * len(table)
    for row in rows(Path(survey), ("adl_count", "medicaid")):
        adls, medicaid = row.whole("adl_count", 0, MOST_ADLS), row.truth("medicaid")
        many = row.whole("respondents", 0, _MOST_PEOPLE) if row.text("respondents") else 1
        place = _place(table, adls, medicaid=medicaid)
        if place is None:
            raise Fix(f"{row.place}: {factors} has no factor for this answer; add a line for it there")
        respondents_by_group[place] += many
    respondents = sum(respondents_by_group)
    if not respondents:
        raise Fix(f"{survey} has no respondents; write a row for each answer")
    total = sum((group.factor * many for group, many in zip(table, respondents_by_group, strict=True)), Decimal(0))
    return Frailty(
        respondents=respondents,
        total=total,
        score=(total / respondents).quantize(_PLACES, ROUND_HALF_UP),
        groups=[
            Group(
                adl_min=group.adl_min,
                adl_max=group.adl_max,
                medicaid=group.medicaid,
                factor=group.factor,
                respondents=many,
            )
            for group, many in zip(table, respondents_by_group, strict=True)
        ],
    )


def _table(path: Path) -> list[Group]:
    groups: list[Group] = []
    for row in rows(path, ("adl_min", "adl_max", "medicaid", "factor")):
        minimum = row.whole("adl_min", 0, MOST_ADLS)
        maximum, medicaid = row.whole("adl_max", minimum, MOST_ADLS), row.truth("medicaid")
        write = "a number from -10 to 10, such as 0.123"
        factor = row.number("factor", write, minimum="-10", maximum="10")
        if factor is None:
            raise row.wrong("factor", write)
        if any(_place(groups, adls, medicaid=medicaid) is not None for adls in range(minimum, maximum + 1)):
            raise Fix(f"{row.place}: a line above has a factor for the same people; let the ranges not overlap")
        groups.append(Group(adl_min=minimum, adl_max=maximum, medicaid=medicaid, factor=factor))
    return groups


def _place(table: Sequence[Group], adls: int, *, medicaid: bool) -> int | None:
    for place, group in enumerate(table):
        if group.medicaid == medicaid and group.adl_min <= adls <= group.adl_max:
            return place
    return None
