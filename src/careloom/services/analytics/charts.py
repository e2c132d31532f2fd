"""The charts of a project: their statements run, only to read, and given to the caller that draws them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import psycopg
import sqlglot
from sqlglot import exp

from careloom.charts.bars import BarChart, bar_chart
from careloom.core.errors import Fix, UsageFault
from careloom.project.model import Chart, ChartPage
from careloom.services.session.sessions import Session
from careloom.store.data_age import DataAge, data_age
from careloom.store.project_queries import read_rows

_PATIENCE_MS = 120_000
_ROWS = 500
_ROWS_TO_CUT = 50_000
"""Rows that are read of a chart which shows its first labels and sums up the others."""


def page_named(session: Session, name: str) -> ChartPage:
    """The page of charts called `name`. UsageFault if there is none."""
    if name not in session.project.charts:
        names = ", ".join(session.project.charts) or "none: add a file to charts/"
        raise UsageFault(f"there is no report {name!r} in this project; there are: {names}")
    return session.project.charts[name]


def read_charts(session: Session, page: ChartPage) -> Sequence[BarChart]:
    """The page's charts with what the store says now. Fix where a statement fails: its models may not be built yet."""
    return [_read(session, page, chart) for chart in page.charts]


def charts_after_run(session: Session) -> Sequence[BarChart]:
    """The charts that are to be shown when reports were run. Fix where one cannot be read: its models may not be built."""
    return [
        _read(session, page, chart)
        for page in session.project.charts.values()
        for chart in page.charts
        if chart.after_run
    ]


def age_of_data(session: Session, page: ChartPage) -> Sequence[DataAge]:
    """When the reports and streams that the page's statements stand on last came, the oldest first."""
    relations = sorted({relation for chart in page.charts for relation in _relations(chart.sql)})
    names = {landing.table: landing.name for landing in session.project.landings.values()}
    return data_age(session.store, relations, names)


def _read(session: Session, page: ChartPage, chart: Chart) -> BarChart:
    bars = bar_chart(
        chart.title,
        chart.unit,
        _rows(session, page, chart),
        place=f"charts/{page.name}.yaml",
        limit=_limit(chart),
        is_ordered=chart.is_ordered,
        smallest_group=chart.smallest_group,
    )
    return replace(bars.first(chart.label_limit), empty=chart.empty or bars.empty)


def _limit(chart: Chart) -> int:
    return _ROWS_TO_CUT if chart.label_limit else _ROWS


def _relations(statement: str) -> Sequence[str]:
    """Every table and view that the statement names, with its schema, as PostgreSQL quotes them."""
    query = sqlglot.parse_one(statement, read="postgres")
    cte_names = {cte.alias_or_name for cte in query.find_all(exp.CTE)}
    tables = (table for table in query.find_all(exp.Table) if table.db or table.name not in cte_names)
    return [exp.table_(table.name, db=table.db or None, quoted=True).sql(dialect="postgres") for table in tables]


def _rows(session: Session, page: ChartPage, chart: Chart) -> Sequence[Sequence[object]]:
    where = f"charts/{page.name}.yaml, {chart.title!r}"
    try:
        rows = read_rows(session.store, chart.sql, limit=_limit(chart) + 1, patience_ms=_PATIENCE_MS)
    except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn, psycopg.errors.InvalidSchemaName) as error:
        missing = error.diag.message_primary or "something it names is missing"
        raise Fix(f"{where}: {missing}; build the models first: careloom models build") from None
    except psycopg.Error as error:
        # Its message may quote a value.
        raise Fix(f"{where}: PostgreSQL refuses the statement ({type(error).__name__}); try it in psql") from None
    if rows and len(rows[0]) not in (2, 3):
        raise Fix(f"{where}: its rows have {len(rows[0])} columns; select label and value, or label, series and value")
    return rows
