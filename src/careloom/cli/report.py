"""`careloom report`."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Annotated

import typer

from careloom.charts import bars as bar_charts
from careloom.charts import page as charts_page
from careloom.cli import rich_output
from careloom.cli.completion import chart_names
from careloom.cli.console import print_json, printer
from careloom.cli.options import HERE, Folder, Json
from careloom.cli.project_session import project
from careloom.core.errors import UsageFault
from careloom.services.analytics import charts as analytics_charts

_WIDTH = 40


def command(
    name: Annotated[
        str | None,
        typer.Argument(help="One page of charts; lists them if left out.", metavar="NAME", autocompletion=chart_names),
    ] = None,
    *,
    folder: Folder = HERE,
    json: Json = False,
    page: Annotated[
        Path | None, typer.Option("--html", help="Write the charts to this file, as a page.", metavar="FILE")
    ] = None,
) -> None:
    """Show a page of the project's charts."""
    with project(folder) as session:
        if name is None:
            if json:
                print_json(
                    [
                        {"name": chart_page.name, "title": chart_page.title}
                        for chart_page in session.project.charts.values()
                    ]
                )
                return
            for chart_page in session.project.charts.values():
                printer.print(f"{chart_page.name}: {chart_page.title}", markup=False)
            if not session.project.charts:
                printer.print("This project has no charts; see: careloom docs charts", markup=False)
            return
        page_chosen = analytics_charts.page_named(session, name)
        charts, data = (
            analytics_charts.read_charts(session, page_chosen),
            analytics_charts.age_of_data(session, page_chosen),
        )
        now = session.clock().astimezone(session.project.timezone)
        if json:
            print_json({"charts": [chart.as_json() for chart in charts], "data": data})
        elif page is None:
            printer.print(charts_page.as_of(data, now), markup=False)
            for chart in charts:
                _show(chart)
        if page is not None:
            _write(page, charts_page.html(page_chosen, charts, now, data))
            if not json:
                printer.print(f"Wrote {page}.", markup=False)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageFault(f"cannot write {path}: {error.strerror}") from None


def _show(chart: bar_charts.BarChart) -> None:
    heading_total = "" if chart.whole is None else f": {bar_charts.written(chart.whole, chart.unit)}"
    printer.print(f"\n[bold]{rich_output.escape(chart.title)}[/bold]{heading_total}")
    totals = {label: chart.total(label) for label in chart.bars}
    longest = max((abs(total) for total in totals.values() if total is not None), default=Decimal(0))
    room = max((len(label) for label in chart.bars), default=0)
    for label, total in totals.items():
        bar = _bar(total, longest)
        value = "not shown" if total is None else bar_charts.written(total, chart.unit)
        printer.print(f"  {label:<{room}}  {bar}{' ' if bar else ''}{value}", markup=False)
        if len(chart.series) > 1:
            parts = (f"{name} {bar_charts.written(part, chart.unit)}" for name, part in chart.shown(label).items())
            printer.print(f"  {'':<{room}}    {'; '.join(parts)}", style="dim", markup=False)
    if not chart.bars:
        printer.print(f"  {chart.empty}", markup=False)
    for note in chart.notes:
        printer.print(f"  {note}", style="yellow", markup=False)


def _bar(total: Decimal | None, longest: Decimal) -> str:
    """Full blocks for what is positive, light ones for what is negative."""
    if not total or not longest:
        return ""
    return ("█" if total > 0 else "░") * max(1, round(float(abs(total) / longest) * _WIDTH))
