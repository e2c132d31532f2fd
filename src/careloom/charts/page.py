"""Charts as one HTML page that needs nothing else: no script, no font, no other host."""

from __future__ import annotations

import csv
import io
import re
from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime
from html import escape

from careloom.charts.bars import BarChart, written
from careloom.charts.svg import STYLE, draw, legend
from careloom.project.model import ChartPage
from careloom.store.data_age import DataAge

_STYLE = (
    STYLE
    + """
body{font:16px/1.5 system-ui,sans-serif;max-width:900px;margin:2rem auto;padding:0 1rem;background:var(--page)}
h2{margin-top:2.2rem}.legend span{display:inline-block;margin-right:1.2em}
.legend svg{display:inline-block;vertical-align:-.1em;margin-right:.4em}
table{border-collapse:collapse;font-size:14px}td,th{padding:.15rem .8rem .15rem 0;text-align:left}
details{margin-top:.6rem}.scroll{overflow-x:auto}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}footer{margin-top:3rem;font-size:14px}
"""
)


def html(page: ChartPage, charts: Sequence[BarChart], drawn_at: datetime, data: Sequence[DataAge] = ()) -> str:
    """The page, with the age of its data and the time at which it was drawn, both in the zone of `drawn_at`."""
    title = escape(page.title)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><style>{_STYLE}</style></head><body><main>'
        f"<h1>{title}</h1><p>{escape(page.description)}</p>{_as_of(data, drawn_at)}"
        f"{''.join(_section(chart) for chart in charts)}"
        f"<footer>Drawn {drawn_at:%Y-%m-%d %H:%M %Z}.</footer></main></body></html>\n"
    )


def as_of(data: Sequence[DataAge], zone_of: datetime) -> str:
    """How old the data is, in words; "" where nothing is known of it."""
    if not data:
        return ""
    oldest, newest = min(age.oldest for age in data), max(age.newest for age in data)
    first, last = (f"{moment.astimezone(zone_of.tzinfo):%Y-%m-%d %H:%M %Z}" for moment in (oldest, newest))
    return f"Data as of {first}" + (f" ({data[0].name}) to {last}" if first != last else "")


def _as_of(data: Sequence[DataAge], drawn_at: datetime) -> str:
    text = as_of(data, drawn_at)
    return f"<p><strong>{escape(text)}.</strong></p>" if text else ""


def _section(chart: BarChart) -> str:
    total = "" if chart.whole is None else f"<p>In all {written(chart.whole, chart.unit)}.</p>"
    notes = "".join(f"<p><strong>{escape(note[:1].upper() + note[1:])}.</strong></p>" for note in chart.notes)
    return (
        f"<section><h2>{escape(chart.title)}</h2>{total}{notes}{_legend(chart)}{draw(chart)}{_numbers(chart)}</section>"
    )


def _legend(chart: BarChart) -> str:
    keys = [
        f'<span><svg width="13" height="13" aria-hidden="true"><rect width="13" height="13" class="{colour}"/></svg>'
        f"{escape(name)}</span>"
        for name, colour in legend(chart)
    ]
    return f'<p class="legend">{"".join(keys)}</p>' if keys else ""


def _numbers(chart: BarChart) -> str:
    """The same numbers as text and as a file, for who cannot see the bars or wants to reckon with them."""
    series = chart.series if len(chart.series) > 1 else []
    heads = "".join(f'<th class="n">{escape(name)}</th>' for name in series)
    lines = []
    for label in chart.bars:
        parts, total = chart.shown(label), chart.total(label)
        cells = [written(parts[name], chart.unit) if name in parts else "" for name in series]
        cells.append("" if total is None else written(total, chart.unit))
        numbers = "".join(f'<td class="n">{cell}</td>' for cell in cells)
        lines.append(f"<tr><td>{escape(label)}</td>{numbers}</tr>")
    head = f'<tr><th></th>{heads}<th class="n">all</th></tr>'
    return (
        f'<details><summary>Numbers</summary><div class="scroll"><table>{head}{"".join(lines)}</table></div>{_file(chart)}'
        "</details>"
    )


def _file(chart: BarChart) -> str:
    """The numbers as a CSV file that is in the page itself. A label cannot become a formula in a spreadsheet."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["label", "series", "value"])
    for label in chart.bars:
        writer.writerows([_harmless(label), _harmless(name), value] for name, value in chart.shown(label).items())
    data = b64encode(text.getvalue().encode()).decode()
    name = re.sub(r"[^a-z0-9]+", "-", chart.title.lower()).strip("-") or "chart"
    return f'<p><a download="{name}.csv" href="data:text/csv;charset=utf-8;base64,{data}">Download these numbers (CSV)</a></p>'


def _harmless(text: str) -> str:
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
