"""From a file of `charts/` to what `careloom report` draws, and what is wrong with its statements."""

from __future__ import annotations

from pathlib import PurePosixPath

import sqlglot
from sqlglot.errors import SqlglotError
from sqlglot.expressions import Query

from careloom.core.errors import Fault
from careloom.project.model import Chart, ChartPage
from careloom.project.nodes import YamlNode
from careloom.project.schema import WrittenCharts
from careloom.project.schema_check import validate

_COLUMNS = (2, 3)


def build_charts(node: YamlNode, faults: list[Fault]) -> ChartPage | None:
    """The page, or None with its faults added to `faults`."""
    document, schema_faults = validate(WrittenCharts, node)
    faults += schema_faults
    if document is None:
        return None
    for number, chart in enumerate(document.charts):
        if (wrong := _wrong(chart.sql)) is not None:
            faults.append(node.place_of("charts", number, "sql").fault("chart-sql", *wrong))
        if chart.smallest_group and chart.unit != "count":
            place = node.place_of("charts", number, "smallest_group")
            faults.append(
                place.fault("chart-group", "only counts of people have a smallest group", "write unit: count")
            )
    return ChartPage(
        name=PurePosixPath(node.place.file).stem,
        title=document.title,
        description=document.description or "",
        charts=tuple(
            Chart(
                title=chart.title,
                sql=chart.sql,
                unit=chart.unit,
                is_ordered=chart.ordered,
                smallest_group=chart.smallest_group,
                label_limit=chart.most or 0,
                empty=chart.empty or "",
                after_run=chart.after_run,
            )
            for chart in document.charts
        ),
    )


def _wrong(sql: str) -> tuple[str, str] | None:
    """Cause and fix where the statement is not one that gives two or three columns."""
    try:
        statements = sqlglot.parse(sql, read="postgres")
    except SqlglotError:
        return "this is no statement that PostgreSQL would understand", "try it in psql first"
    if len(statements) != 1 or not isinstance(statements[0], Query):
        return "a chart is one statement that only reads", "write one SELECT"
    query = statements[0]
    if not query.is_star and len(query.selects) not in _COLUMNS:
        return "a chart's rows are label and value, or label, series and value", "select two or three columns"
    return None
