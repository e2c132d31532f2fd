"""The charts of a project: their statements run, only to read, and drawn as a page or given to whoever shows them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from html import escape

import psycopg

from careloom.core.errors import Fix, UsageFault
from careloom.engine.drawing import Drawn, drawn, legend, spoken, svg
from careloom.project.model import Chart, ChartPage
from careloom.services.opening import Opened

_PATIENCE_MS = 120_000
_ROWS = 500
_STYLE = """
:root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;max-width:900px;margin:2rem auto;padding:0 1rem}
svg{width:100%;height:auto;font-size:13px}svg text{fill:currentColor}h2{margin-top:2.2rem}
.legend span{display:inline-block;margin-right:1.2em;white-space:nowrap}
.legend i{display:inline-block;width:.8em;height:.8em;margin-right:.4em}
table{border-collapse:collapse;font-size:13px}td,th{padding:.15rem .8rem .15rem 0;text-align:left}
td.n{text-align:right;font-variant-numeric:tabular-nums}footer{margin-top:3rem;opacity:.7;font-size:13px}
"""


def page_named(ready: Opened, name: str) -> ChartPage:
    """The page of charts called `name`. UsageFault if there is none."""
    if name not in ready.project.charts:
        known = ", ".join(ready.project.charts) or "none: add a file to charts/"
        raise UsageFault(f"there is no report {name!r} in this project; there are: {known}")
    return ready.project.charts[name]


def draw(ready: Opened, page: ChartPage) -> Sequence[Drawn]:
    """The page's charts with what the store says now. Fix where a statement fails: its models may not be built yet."""
    return [_drawn(ready, page, chart) for chart in page.charts]


def _drawn(ready: Opened, page: ChartPage, chart: Chart) -> Drawn:
    return drawn(chart.title, chart.unit, _rows(ready, page, chart), place=f"charts/{page.name}.yaml", most=_ROWS)


def html(page: ChartPage, charts: Sequence[Drawn], at: datetime) -> str:
    """The charts as one page that needs nothing else."""
    parts = [
        f"<section><h2>{escape(one.title)}</h2>{_cut(one)}{_legend(one)}{svg(one)}{_table(one)}</section>"
        for one in charts
    ]
    title = escape(page.title)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body>'
        f"<h1>{title}</h1><p>{escape(page.description)}</p>{''.join(parts)}"
        f"<footer>As of {at:%Y-%m-%d %H:%M %Z}</footer></body></html>\n"
    )


def _cut(chart: Drawn) -> str:
    return f"<p><strong>{escape(chart.cut.capitalize())}.</strong></p>" if chart.cut else ""


def _legend(chart: Drawn) -> str:
    named = [f'<span><i style="background:{colour}"></i>{escape(name)}</span>' for name, colour in legend(chart)]
    return f'<p class="legend">{"".join(named)}</p>' if named else ""


def _table(chart: Drawn) -> str:
    """The same numbers as text, for who cannot see the bars or wants to copy them."""
    series = chart.series
    heads = "".join(f"<th>{escape(name)}</th>" for name in series) if len(series) > 1 else ""
    lines = []
    for label, parts in chart.bars.items():
        cells = [spoken(parts[name], chart.unit) if name in parts else "" for name in series] if heads else []
        numbers = "".join(f'<td class="n">{cell}</td>' for cell in [*cells, spoken(chart.total(label), chart.unit)])
        lines.append(f"<tr><td>{escape(label)}</td>{numbers}</tr>")
    head = f"<tr><th></th>{heads}<th>all</th></tr>"
    return f"<details><summary>numbers</summary><table>{head}{''.join(lines)}</table></details>"


def _rows(ready: Opened, page: ChartPage, chart: Chart) -> Sequence[Sequence[object]]:
    where = f"charts/{page.name}.yaml, {chart.title!r}"
    try:
        with ready.store.transaction() as connection:
            connection.execute("set transaction read only")
            connection.execute("select set_config('statement_timeout', %s, true)", (str(_PATIENCE_MS),))
            found = connection.execute(chart.sql.encode()).fetchmany(_ROWS + 1)
    except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn, psycopg.errors.InvalidSchemaName) as error:
        missing = error.diag.message_primary or "something it names is missing"
        raise Fix(f"{where}: {missing}; build the models first: careloom models build") from None
    except psycopg.Error as error:
        # Its message may quote a value.
        raise Fix(f"{where}: PostgreSQL refuses the statement ({type(error).__name__}); try it in psql") from None
    if found and len(found[0]) not in (2, 3):
        raise Fix(f"{where}: its rows have {len(found[0])} columns; select label and value, or label, series and value")
    return found
