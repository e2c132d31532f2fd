"""What `careloom run reports` shows at its end: the charts that are marked for it, as tables."""

from __future__ import annotations

from collections.abc import Sequence

from careloom.charts import bars
from careloom.cli import rich_output
from careloom.cli.console import printer
from careloom.core.errors import CareloomError
from careloom.services.analytics import charts as analytics_charts
from careloom.services.session import sessions


def charts_to_show(session: sessions.Session) -> tuple[Sequence[bars.BarChart], str]:
    """The charts, and why there are none where they cannot be read: that is no failure of the run."""
    try:
        return analytics_charts.charts_after_run(session), ""
    except CareloomError as error:
        return [], str(error)


def show_tables(charts: Sequence[bars.BarChart], reason: str) -> None:
    """A table for each chart: a row for each label, a column for each series, and what they come to."""
    for chart in charts:
        total = "" if chart.whole is None else f": {bars.written(chart.whole, chart.unit)}"
        printer.print(f"\n[bold]{rich_output.escape(chart.title)}[/bold]{total}")
        if chart.bars:
            printer.print(_table(chart))
        else:
            printer.print(f"  {chart.empty}", markup=False)
        for note in chart.notes:
            printer.print(f"  {note}", markup=False)
    if reason:
        printer.print(f"No table of what came: {reason}", style="yellow", markup=False)


def _table(chart: bars.BarChart) -> rich_output.Table:
    series = chart.series if len(chart.series) > 1 else []
    # The totals first: they stay in sight on a narrow terminal, where the series are broken into lines.
    table = rich_output.Table("", "all", *series, box=None, padding=(0, 2, 0, 0))
    for column in table.columns[1:]:
        column.justify, column.overflow = "right", "fold"
    for label in chart.bars:
        parts, total = chart.shown(label), chart.total(label)
        cells = [bars.written(parts[name], chart.unit) if name in parts else "" for name in series]
        table.add_row(rich_output.escape(label), "" if total is None else bars.written(total, chart.unit), *cells)
    return table
