"""Bar charts drawn as HTML and SVG on the server: no script, no font, no other host.

Only the bars are SVG, and their places are percentages: they grow and shrink with the page while every letter keeps its size.
Labels are HTML, so that a long one is broken into lines instead of being cut. Colours are classes of `STYLE`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from html import escape

from careloom.charts.bars import BarChart, written

CATEGORIES = {
    "light": ("#1f5f8b", "#1e847f", "#55802a", "#a06400", "#c2410c", "#a13670", "#5f4bb6", "#5c6672", "#7a4b2a"),
    "dark": ("#5aa9dd", "#3cc2b8", "#a3c586", "#f2c14e", "#f78154", "#e07ba5", "#a597f0", "#a8b3c2", "#d1a27c"),
}
"""Colours of series that have no order."""
STEPS = {
    "light": ("#6293c4", "#5183b5", "#4273a6", "#356497", "#2a5587", "#204776", "#173964", "#0f2c52", "#082040"),
    "dark": ("#4a7fb5", "#5b8ec1", "#6c9dcc", "#7eabd6", "#91b9df", "#a4c7e7", "#b8d4ee", "#cce1f4", "#e0edf9"),
}
"""Colours of series that are steps of one scale: the further, the more they stand out from the page."""
PAGES = {"light": "#ffffff", "dark": "#121212"}
NONE = {"light": "#767676", "dark": "#8c8c8c"}
"""The colour of a series that is the absence of one: "unknown", "(none)"."""
_ABSENT = ("unknown", "(none)", "none")


def _variables(scheme: str) -> str:
    colours = [f"--c{place}:{colour}" for place, colour in enumerate(CATEGORIES[scheme])]
    steps = [f"--s{place}:{colour}" for place, colour in enumerate(STEPS[scheme])]
    return ";".join([f"--page:{PAGES[scheme]}", f"--none:{NONE[scheme]}", *colours, *steps])


_FILLS = "".join(f".{kind}{place}{{fill:var(--{kind}{place})}}" for kind in "cs" for place in range(9))
STYLE = (
    f":root{{color-scheme:light dark;{_variables('light')}}}"
    f"@media(prefers-color-scheme:dark){{:root{{{_variables('dark')}}}}}"
    ".bars{display:grid;grid-template-columns:minmax(6rem,max-content) minmax(8rem,1fr) max-content;gap:.4rem .8rem;"
    "align-items:center;font-size:14px}"
    ".bars .label{max-width:22rem;overflow-wrap:anywhere}.bars .value{font-variant-numeric:tabular-nums;text-align:right}"
    ".bars svg,.legend svg{display:block;overflow:visible}"
    "rect{stroke:var(--page);stroke-width:1}line{stroke:currentColor;opacity:.6}.none{fill:var(--none)}"
    f"{_FILLS}"
    "@media(max-width:40rem){.bars{grid-template-columns:1fr max-content}.bars .label{grid-column:1/-1;max-width:none;"
    "margin-top:.4rem}}"
    "@media print{.bars{break-inside:avoid}}"
)
"""The stylesheet of charts, for light and dark pages and for paper; on a phone a label stands above its bar."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """Where values stand, in percent of the width: `low` at the left edge, `high` at the right one, 0 always between."""

    low: Decimal
    high: Decimal

    def place(self, value: Decimal) -> float:
        """0 to 100."""
        span = self.high - self.low
        return float((value - self.low) / span * 100) if span else 0.0


def draw(chart: BarChart) -> str:
    """The chart as a piece of HTML that stands in a page with STYLE."""
    if not chart.bars:
        return f"<p>{escape(chart.empty)}</p>"
    axis = _axis(chart)
    rows = "".join(_row(chart, label, axis) for label in chart.bars)
    return f'<div class="bars" role="img" aria-label="{escape(summary(chart), quote=True)}">{rows}</div>'


def summary(chart: BarChart) -> str:
    """What one would say of the chart to who cannot see it: how many bars, their sum, the longest."""
    parts = [chart.title, f"{len(chart.bars)} bar{'' if len(chart.bars) == 1 else 's'}"]
    if chart.whole is not None:
        parts.append(f"{written(chart.whole, chart.unit)} in all")
    totals = {label: total for label in chart.bars if (total := chart.total(label)) is not None}
    if totals:
        longest = max(totals, key=lambda label: totals[label])
        parts.append(f"most: {longest}, {written(totals[longest], chart.unit)}")
    return "; ".join(parts)


def legend(chart: BarChart) -> Sequence[tuple[str, str]]:
    """Series and the classes of their colours; empty where there is but one."""
    names = chart.series
    return [(name, _fill(chart, place)) for place, name in enumerate(names)] if len(names) > 1 else []


def _row(chart: BarChart, label: str, axis: Axis) -> str:
    total = chart.total(label)
    # One word for small groups and for those that would give them away: which is which must not be told.
    value = "not shown" if total is None else written(total, chart.unit)
    zero = f'<line x1="{axis.place(Decimal(0)):.2f}%" x2="{axis.place(Decimal(0)):.2f}%" y1="-3" y2="25"/>'
    body = "".join(_segments(chart, label, axis)) + (zero if axis.low < 0 else "")
    return (
        f'<div class="label">{escape(label)}</div><svg width="100%" height="22" aria-hidden="true">{body}</svg>'
        f'<div class="value">{value}</div>'
    )


def _segments(chart: BarChart, label: str, axis: Axis) -> Iterator[str]:
    """What is positive stands right of zero, what is negative left of it, each stacked from zero outwards."""
    positive = negative = Decimal(0)
    for place, series in enumerate(chart.series):
        value = chart.shown(label).get(series, Decimal(0))
        if not value:
            continue
        start = positive if value > 0 else negative + value
        positive, negative = (positive + value, negative) if value > 0 else (positive, negative + value)
        tip = escape(f"{label}{', ' + series if series else ''}: {written(value, chart.unit)}")
        begin, end = axis.place(start), axis.place(start + abs(value))
        yield (
            f'<rect x="{begin:.2f}%" y="0" width="{end - begin:.2f}%" height="22" class="{_fill(chart, place)}">'
            f"<title>{tip}</title></rect>"
        )


def _axis(chart: BarChart) -> Axis:
    rows = [chart.shown(label).values() for label in chart.bars]
    high = max((sum((part for part in row if part > 0), Decimal(0)) for row in rows), default=Decimal(0))
    low = min((sum((part for part in row if part < 0), Decimal(0)) for row in rows), default=Decimal(0))
    return Axis(low=low, high=high)


def _fill(chart: BarChart, place: int) -> str:
    names = chart.series
    if names[place].lower() in _ABSENT:
        return "none"
    if not chart.is_ordered:
        return f"c{place % len(CATEGORIES['light'])}"
    steps = sum(name.lower() not in _ABSENT for name in names)
    return f"s{round(place * (len(STEPS['light']) - 1) / max(steps - 1, 1))}"
