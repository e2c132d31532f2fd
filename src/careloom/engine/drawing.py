"""Charts drawn as SVG on the server: horizontal bars, stacked where there are series. No script, no font, no other host."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from html import escape
from typing import Literal

Unit = Literal["count", "money", "days", "percent"]

_WIDTH, _LABEL, _VALUE, _BAR, _GAP = 860, 220, 110, 22, 8
_COLOURS = ("#1f5f8b", "#2f9c95", "#a3c586", "#f2c14e", "#f78154", "#b4436c", "#5f4bb6", "#8d99ae", "#444c5c")
_LONGEST = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """What a chart shows: for each label its parts by series; a chart without series has the one series ""."""

    title: str
    unit: Unit
    bars: Mapping[str, Mapping[str, Decimal]]

    @property
    def series(self) -> Sequence[str]:
        """Every series, in the order in which it first comes."""
        return list(dict.fromkeys(name for parts in self.bars.values() for name in parts))

    def total(self, label: str) -> Decimal:
        """The whole bar."""
        return sum(self.bars[label].values(), Decimal(0))


def drawn(title: str, unit: Unit, rows: Sequence[Sequence[object]]) -> Drawn:
    """Rows of (label, value) or (label, series, value) as bars; labels that come again are added up."""
    bars: dict[str, dict[str, Decimal]] = {}
    for row in rows:
        label, series = _text(row[0]), _text(row[1]) if len(row) > 2 else ""  # noqa: PLR2004 label and value
        parts = bars.setdefault(label, {})
        value = Decimal(str(row[-1] if row[-1] is not None else 0))
        if not value.is_finite():
            raise ValueError("a chart draws numbers")
        parts[series] = parts.get(series, Decimal(0)) + value
    return Drawn(title=title, unit=unit, bars=bars)


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


def _text(found: object) -> str:
    return "(none)" if found is None or found == "" else str(found)
