"""Charts of a project: only read, told what is missing, and a page that needs nothing else."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from careloom.charts.page import as_of, html
from careloom.core.errors import Fix, UsageFault
from careloom.project.model import Chart, ChartPage
from careloom.services.analytics.charts import age_of_data, charts_after_run, page_named, read_charts
from careloom.services.session.sessions import Session
from services.landing_project import NOTES, open_landing


@pytest.fixture
def session(tmp_path: Path, database: str) -> Iterator[Session]:
    with open_landing(tmp_path, database, NOTES) as session:
        yield session


def page(*statements: str) -> ChartPage:
    charts = tuple(Chart(title=f"Chart {number}", sql=sql, unit="money") for number, sql in enumerate(statements))
    return ChartPage(name="aging", title="Aging & more", description="What is owed", charts=charts)


def test_rows_become_bars(session: Session) -> None:
    (chart,) = read_charts(session, page("select * from (values ('a', 'x', 1.50), ('b', 'x', 2)) v order by 1"))
    assert chart.bars == {"a": {"x": Decimal("1.50")}, "b": {"x": Decimal(2)}}


def test_the_page_stands_for_itself(session: Session) -> None:
    chart_page = page("select 'Acme & Sons', 12.5")
    text = html(chart_page, read_charts(session, chart_page), datetime(2026, 11, 21, tzinfo=UTC))
    assert "Aging &amp; more" in text
    assert "Acme &amp; Sons" in text
    assert "$12.50" in text
    assert "<script" not in text
    assert "http" not in text
    assert "src=" not in text


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("select a, b from analytics.nothing", "build the models first"),
        ("select 'Zzyzx'::date, 1", "refuses the statement"),
        ("select 1", "columns"),
        ("select 1, 2, 3, 4", "columns"),
        ("delete from careloom.audit returning 1, 2", "refuses the statement"),
        ("select 'a', 'Zzyzx'", "must be numbers"),
        ("select 'a', 'NaN'::float8", "must be numbers"),
        ("select 'a', true", "must be numbers"),
        ("select pg_sleep(0), set_config('x.y', 'z', false), 1, 1", "columns"),
    ],
)
def test_a_statement_that_cannot_be_drawn_is_told_without_a_value(
    session: Session, statement: str, message: str
) -> None:
    with pytest.raises(Fix) as error:
        read_charts(session, page(statement))
    assert message in str(error.value)
    assert "charts/aging.yaml, 'Chart 0'" in str(error.value)
    assert "Zzyzx" not in str(error.value)


def test_rows_that_are_too_many_to_draw_are_told(session: Session) -> None:
    chart_page = page("select n, 1 from generate_series(1, 501) n", "select n, 1 from generate_series(1, 500) n")
    first_chart, second_chart = read_charts(session, chart_page)
    assert (len(first_chart.bars), len(second_chart.bars)) == (500, 500)
    assert ("first 500 rows" in first_chart.cut, second_chart.cut) == (True, "")
    text = html(chart_page, [first_chart, second_chart], datetime(2026, 11, 21, tzinfo=UTC))
    assert text.count("Only the first 500 rows are drawn") == 1


def test_a_page_that_there_is_not_is_told(session: Session) -> None:
    charted_session = replace(session, project=replace(session.project, charts={"aging": page("select 1, 2")}))
    assert page_named(charted_session, "aging").title == "Aging & more"
    with pytest.raises(UsageFault, match="there are: aging"):
        page_named(charted_session, "agin")


def test_a_page_says_how_old_its_data_is_and_not_only_when_it_was_drawn(session: Session) -> None:
    with session.store.transaction() as connection:
        connection.execute("create schema analytics")
        connection.execute("create table reports.ar_aging (balance numeric)")
        connection.execute("create view analytics.stg_aging as select balance from reports.ar_aging")
        connection.execute("create view analytics.aging as select balance from analytics.stg_aging")
        connection.execute(
            "insert into account_reports (system, report_name, customer_account, due_at, status, loaded_at, current) values"
            " ('billing', 'ar_aging', '1', now(), 'loaded', '2026-11-08 09:00+00', true),"
            " ('billing', 'ar_aging', '2', now(), 'loaded', '2026-11-20 14:30+00', true),"
            " ('billing', 'ar_aging', '2', now(), 'loaded', '2026-01-01 00:00+00', false),"
            " ('billing', 'payments', '1', now(), 'loaded', '2025-01-01 00:00+00', true)"
        )
    chart_page = page("with owed as (select 'a', sum(balance) from analytics.aging) select * from owed")
    data = age_of_data(session, chart_page)
    assert [(age.name, age.oldest.day, age.newest.day) for age in data] == [("ar_aging", 8, 20)]
    drawn_at = datetime(2026, 11, 30, 12, tzinfo=ZoneInfo("America/New_York"))
    assert as_of(data, drawn_at) == "Data as of 2026-11-08 04:00 EST (ar_aging) to 2026-11-20 09:30 EST"
    text = html(chart_page, read_charts(session, chart_page), drawn_at, data)
    assert "Data as of 2026-11-08 04:00 EST" in text
    assert "Drawn 2026-11-30 12:00 EST" in text


def test_a_page_over_nothing_that_was_loaded_says_nothing_of_its_age(session: Session) -> None:
    assert age_of_data(session, page("select 'a', count(*) from pg_class", "select 'b', 1 from nowhere.nothing")) == []
    assert as_of([], datetime(2026, 11, 30, tzinfo=UTC)) == ""


def test_the_file_in_the_page_holds_the_numbers_and_no_formula(session: Session) -> None:
    chart_page = page("select '=cmd()', 1234.50")
    text = html(chart_page, read_charts(session, chart_page), datetime(2026, 11, 21, tzinfo=UTC))
    (payload,) = re.findall(r'href="data:text/csv;charset=utf-8;base64,([^"]+)"', text)
    assert b64decode(payload).decode().splitlines() == ["label,series,value", "'=cmd(),,1234.50"]


def marked(sql: str, **options: Any) -> ChartPage:
    return ChartPage(name="aging", title="Aging", charts=(Chart(title="Owed", sql=sql, unit="money", **options),))


def test_the_first_labels_are_shown_and_the_others_are_counted_and_summed(session: Session) -> None:
    statement = "select 'p' || lpad(n::text, 4, '0'), s, 1.25 from generate_series(1, 300) n, (values ('a'), ('b')) v (s) order by 1"
    (chart,) = read_charts(session, marked(statement, label_limit=3))
    assert list(chart.bars) == ["p0001", "p0002", "p0003"]
    assert chart.more == "and 297 more: $742.50 together"
    assert (chart.whole, chart.cut) == (Decimal("750.00"), "")
    text = html(marked(statement), [chart], datetime(2026, 11, 21, tzinfo=UTC))
    assert "And 297 more: $742.50 together." in text
    assert "In all $750.00." in text
    (full_chart,) = read_charts(session, marked("select 'a', 1", label_limit=3))
    assert full_chart.notes == []


def test_a_chart_without_rows_says_what_that_means(session: Session) -> None:
    plain, explained_chart = (
        read_charts(session, marked("select 'a', 1 where false", **options))[0]
        for options in ({}, {"empty": "No <former> state."})
    )
    assert (plain.empty, explained_chart.empty) == ("nothing to show", "No <former> state.")
    assert "No &lt;former&gt; state." in html(
        marked("select 1, 2"), [explained_chart], datetime(2026, 11, 21, tzinfo=UTC)
    )


def test_charts_that_are_marked_are_read_after_a_run_and_no_others(session: Session) -> None:
    pages = {"a": marked("select 'x', 1", after_run=True), "b": marked("select 'y', 1")}
    charted_session = replace(session, project=replace(session.project, charts=pages))
    assert [list(chart.bars) for chart in charts_after_run(charted_session)] == [["x"]]
