"""`careloom report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from careloom.cli.completing import chart_names
from careloom.cli.options import HERE, Folder, Json
from careloom.cli.session import project
from careloom.cli.showing import out, print_json
from careloom.core.errors import UsageFault
from careloom.engine.drawing import Drawn, spoken
from careloom.services.charting import draw, html, page_named

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
    with project(folder) as ready:
        if name is None:
            if json:
                print_json([{"name": one.name, "title": one.title} for one in ready.project.charts.values()])
                return
            for one in ready.project.charts.values():
                out.print(f"{one.name}: {one.title}", markup=False)
            if not ready.project.charts:
                out.print("This project has no charts; see: careloom docs charts", markup=False)
            return
        found = page_named(ready, name)
        charts = draw(ready, found)
        if json:
            print_json([{"title": one.title, "unit": one.unit, "bars": _plain(one), "cut": one.cut} for one in charts])
        elif page is None:
            for chart in charts:
                _show(chart)
        if page is not None:
            _write(page, html(found, charts, ready.clock().astimezone(ready.project.timezone)))
            if not json:
                out.print(f"Wrote {page}.", markup=False)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageFault(f"cannot write {path}: {error.strerror}") from None


def _plain(chart: Drawn) -> dict[str, dict[str, str]]:
    return {label: {series: str(value) for series, value in parts.items()} for label, parts in chart.bars.items()}


def _show(chart: Drawn) -> None:
    out.print(f"\n[bold]{escape(chart.title)}[/bold]")
    longest = max((chart.total(label) for label in chart.bars), default=0)
    room = max((len(label) for label in chart.bars), default=0)
    for label in chart.bars:
        total = chart.total(label)
        length = round(float(total / longest) * _WIDTH) if longest > 0 and total > 0 else 0
        out.print(f"  {label:<{room}}  {'█' * length}{' ' if length else ''}{spoken(total, chart.unit)}", markup=False)
    if not chart.bars:
        out.print("  nothing to show")
    if chart.cut:
        out.print(f"  {chart.cut}", style="yellow", markup=False)
