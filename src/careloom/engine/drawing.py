"""Charts drawn as SVG on the server: horizontal bars, stacked where there are series. No script, no font, no other host."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from html import escape
from typing import Literal

from careloom.core.errors import Fix

Unit = Literal["count", "money", "days", "percent"]

_WIDTH, _LABEL, _VALUE, _BAR, _GAP = 860, 220, 110, 22, 8
_COLOURS = ("#1f5f8b", "#2f9c95", "#a3c586", "#f2c14e", "#f78154", "#b4436c", "#5f4bb6", "#8d99ae", "#444c5c")
_LONGEST = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """What a chart shows: for each label its parts by series; a chart without series has the one series "".

    `only`: so many rows are drawn, and more came; 0 where all are drawn.
    """

    title: str
    unit: Unit
    bars: Mapping[str, Mapping[str, Decimal]]
    only: int = 0

    @property
    def cut(self) -> str:
        """That rows are missing, in words; "" where all are drawn."""
        if not self.only:
            return ""
        return f"only the first {self.only:,} rows are drawn; let the statement sum up its rows, or limit them"

    @property
    def series(self) -> Sequence[str]:
        """Every series, in the order in which it first comes."""
        return list(dict.fromkeys(name for parts in self.bars.values() for name in parts))

    def total(self, label: str) -> Decimal:
        """The whole bar."""
        return sum(self.bars[label].values(), Decimal(0))


def drawn(
    title: str, unit: Unit, rows: Sequence[Sequence[object]], *, place: str = "", most: int | None = None
) -> Drawn:
    """Rows of (label, value) or (label, series, value) as bars; labels that come again are added up.

    No more than the first `most` rows are drawn. `place`: the file that the chart stands in. Fix where a value is no number.
    """
    bars: dict[str, dict[str, Decimal]] = {}
    for number, row in enumerate(rows[:most], 1):
        label, series = _text(row[0]), _text(row[1]) if len(row) > 2 else ""  # noqa: PLR2004 label and value
        parts = bars.setdefault(label, {})
        value = _number(row[-1])
        if value is None:
            where = f"{place}, {title!r}" if place else f"the chart {title!r}"
            raise Fix(
                f"{where}: its last column must be numbers, and that of row {number} is none; select a number last, "
                "as in `select label, sum(amount)`"
            )
        parts[series] = parts.get(series, Decimal(0)) + value
    return Drawn(title=title, unit=unit, bars=bars, only=most if most is not None and len(rows) > most else 0)


def spoken(value: Decimal, unit: Unit) -> str:
    """A value as people write it."""
    if unit == "money":
        return f"-${-value:,.2f}" if value < 0 else f"${value:,.2f}"
    if unit == "percent":
        return f"{value:,.1f} %"
    whole = f"{value:,.0f}" if value == value.to_integral_value() else f"{value:,.1f}"
    return f"{whole} days" if unit == "days" else whole


def svg(chart: Drawn) -> str:
    """The chart as an SVG element that stands in a page."""
    rows = [_row(chart, label, place) for place, label in enumerate(chart.bars)]
    height = max(1, len(rows)) * (_BAR + _GAP)
    body = "".join(rows) or '<text x="0" y="16">nothing to show</text>'
    name = escape(chart.title, quote=True)
    return f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{name}">{body}</svg>'


def legend(chart: Drawn) -> Sequence[tuple[str, str]]:
    """Series and their colours; none where there is but one."""
    names = chart.series
    return [(name, _colour(place)) for place, name in enumerate(names)] if len(names) > 1 else []


def _row(chart: Drawn, label: str, place: int) -> str:
    top, scale = place * (_BAR + _GAP), _scale(chart)
    parts, left = [], float(_LABEL)
    for number, series in enumerate(chart.series):
        value = chart.bars[label].get(series, Decimal(0))
        # What is owed to others (a negative value) is drawn as nothing; its number stands beside the bar.
        width = max(0.0, float(value) * scale)
        if width:
            tip = escape(f"{label}{', ' + series if series else ''}: {spoken(value, chart.unit)}")
            parts.append(
                f'<rect x="{left:.1f}" y="{top}" width="{width:.1f}" height="{_BAR}" fill="{_colour(number)}">'
                f"<title>{tip}</title></rect>"
            )
        left += width
    short = label if len(label) <= _LONGEST else f"{label[: _LONGEST - 1]}…"
    middle = top + _BAR * 0.7
    return (
        f'<text x="{_LABEL - 10}" y="{middle:.1f}" text-anchor="end">{escape(short)}</text>{"".join(parts)}'
        f'<text x="{left + 8:.1f}" y="{middle:.1f}">{spoken(chart.total(label), chart.unit)}</text>'
    )


def _scale(chart: Drawn) -> float:
    longest = max(
        (float(sum(max(part, Decimal(0)) for part in bar.values())) for bar in chart.bars.values()), default=0.0
    )
    return (_WIDTH - _LABEL - _VALUE) / longest if longest > 0 else 0.0


def _colour(place: int) -> str:
    return _COLOURS[place % len(_COLOURS)]


def _number(found: object) -> Decimal | None:
    """None for what is no number; nothing at all is 0."""
    try:
        value = Decimal(str(found if found is not None else 0))
    except (ArithmeticError, ValueError):
        return None
    return value if value.is_finite() else None


def _text(found: object) -> str:
    return "(none)" if found is None or found == "" else str(found)
