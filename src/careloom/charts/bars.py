"""What a bar chart shows, as numbers: labels, series, totals, and the groups that are too small to be shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Literal

from careloom.core.errors import Fix

Unit = Literal["count", "money", "days", "percent", "score"]
Part = tuple[str, str]
"""A label and a series."""
_ADDED_UP = ("count", "money")
"""Units whose bars may be added up to one number of the whole chart."""
_WITH_SERIES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class BarChart:
    """For each label its values by series; a chart without series has the one series "".

    `limit`: so many rows are drawn, and more came; 0 where all are drawn. `is_ordered`: the series are steps of one scale.
    `hidden_parts`: parts of fewer than `smallest_group` people, and those which would give them away. `left_out`: so many labels more
    came than are shown, which come to `remainder`. `empty`: what is said where nothing came.
    """

    title: str
    unit: Unit
    bars: Mapping[str, Mapping[str, Decimal]]
    limit: int = 0
    is_ordered: bool = False
    smallest_group: int = 0
    hidden_parts: AbstractSet[Part] = frozenset()
    left_out: int = 0
    remainder: Decimal = Decimal(0)
    empty: str = "nothing to show"

    @property
    def cut(self) -> str:
        """That rows are missing, in words; "" where all are drawn."""
        if not self.limit:
            return ""
        return f"only the first {self.limit:,} rows are drawn; let the statement sum up its rows, or limit them"

    @property
    def more(self) -> str:
        """How many labels are not shown and what they come to, in words; "" where all are."""
        if not self.left_out:
            return ""
        adds_up = self.unit in _ADDED_UP and not self.hidden_parts and not self.smallest_group
        return f"and {self.left_out:,} more" + (f": {written(self.remainder, self.unit)} together" if adds_up else "")

    @property
    def notes(self) -> Sequence[str]:
        """Whatever of the rows is not shown, in words."""
        return [note for note in (self.more, self.cut, self.suppressed) if note]

    @property
    def suppressed(self) -> str:
        """That groups are not shown, in words; "" where all are."""
        return f"groups of fewer than {self.smallest_group} people are not shown" if self.hidden_parts else ""

    @property
    def series(self) -> Sequence[str]:
        """Every series, in the order in which it first comes."""
        return list(dict.fromkeys(name for parts in self.bars.values() for name in parts))

    def shown(self, label: str) -> Mapping[str, Decimal]:
        """The parts of a bar that may be seen."""
        return {name: value for name, value in self.bars[label].items() if (label, name) not in self.hidden_parts}

    def total(self, label: str) -> Decimal | None:
        """The whole bar; None where a part of it may not be seen."""
        parts = self.shown(label)
        return sum(parts.values(), Decimal(0)) if len(parts) == len(self.bars[label]) else None

    @property
    def whole(self) -> Decimal | None:
        """All bars together; None where that says nothing (a mean, a percentage), or not all is drawn."""
        if self.unit not in _ADDED_UP or self.limit or self.hidden_parts or not self.bars:
            return None
        return sum((sum(parts.values(), Decimal(0)) for parts in self.bars.values()), self.remainder)

    def first(self, labels: int) -> BarChart:
        """The chart with no more than its first `labels` labels; all where that is 0."""
        if not labels or len(self.bars) <= labels:
            return self
        rest_labels = list(self.bars)[labels:]
        return replace(
            self,
            bars={label: parts for label, parts in self.bars.items() if label not in rest_labels},
            left_out=len(rest_labels),
            remainder=sum((sum(self.bars[label].values(), Decimal(0)) for label in rest_labels), Decimal(0)),
        )

    def as_json(self) -> dict[str, Any]:
        """The chart as plain data; numbers are text, so that no cent is lost."""
        return {
            "title": self.title,
            "unit": self.unit,
            "bars": {label: {name: str(value) for name, value in self.shown(label).items()} for label in self.bars},
            "all": None if self.whole is None else str(self.whole),
            "more": self.more,
            "cut": self.cut,
            "suppressed": self.suppressed,
        }


def bar_chart(
    title: str,
    unit: Unit,
    rows: Sequence[Sequence[object]],
    *,
    place: str = "",
    limit: int | None = None,
    is_ordered: bool = False,
    smallest_group: int = 0,
) -> BarChart:
    """Rows of (label, value) or (label, series, value) as bars; labels that come again are added up.

    No more than the first `limit` rows are drawn. `place`: the file that the chart stands in. Fix where a value is not a number.
    """
    bars: dict[str, dict[str, Decimal]] = {}
    for number, row in enumerate(rows[:limit], 1):
        label, series = _text(row[0]), _text(row[1]) if len(row) == _WITH_SERIES else ""
        parts = bars.setdefault(label, {})
        value = _number(row[-1])
        if value is None:
            where = f"{place}, {title!r}" if place else f"the chart {title!r}"
            raise Fix(
                f"{where}: its last column must be numbers, and that of row {number} is not a number; select a number last, "
                "as in `select label, sum(amount)`"
            )
        parts[series] = parts.get(series, Decimal(0)) + value
    return BarChart(
        title=title,
        unit=unit,
        bars=bars,
        limit=limit if limit is not None and len(rows) > limit else 0,
        is_ordered=is_ordered,
        smallest_group=smallest_group,
        hidden_parts=_small_groups(bars, smallest_group),
    )


def written(value: Decimal, unit: Unit) -> str:
    """A value as people write it: dollars with cents, a percentage to the tenth, a score to the thousandth."""
    if unit == "money":
        return f"-${-value:,.2f}" if value < 0 else f"${value:,.2f}"
    if unit == "percent":
        return f"{value:,.1f} %"
    if unit == "score":
        return f"{value:,.3f}"
    number = f"{value:,.0f}" if value == value.to_integral_value() else f"{value:,.1f}"
    return f"{number} day{'' if value == 1 else 's'}" if unit == "days" else number


def _small_groups(bars: Mapping[str, Mapping[str, Decimal]], smallest: int) -> AbstractSet[Part]:
    """Parts of 1 to `smallest` - 1 people, and the next larger ones until nobody can reckon a small one out of a total.

    CMS's cell size suppression policy asks for both: no cell of 1 to 10, and none that can be derived from others.
    """
    parts = sorted((value, label, name) for label, row in bars.items() for name, value in row.items() if value > 0)
    small_parts: list[tuple[Decimal, str, str]] = [part for part in parts if part[0] < smallest]
    for part in parts[len(small_parts) :]:
        if not small_parts or sum(value for value, _, _ in small_parts) >= smallest:
            break
        small_parts.append(part)
    return frozenset((label, name) for _, label, name in small_parts)


def _number(cell: object) -> Decimal | None:
    """None for what is not a number; an empty cell is 0."""
    try:
        value = Decimal(str(cell if cell is not None else 0))
    except (ArithmeticError, ValueError):
        return None
    return value if value.is_finite() else None


def _text(cell: object) -> str:
    return "(none)" if cell is None or cell == "" else str(cell)
