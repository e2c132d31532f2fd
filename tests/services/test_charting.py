"""Charts of a project: only read, told what is missing, and a page that needs nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from careloom.core.errors import Fix, UsageFault
from careloom.project.model import Chart, ChartPage
from careloom.services.charting import draw, html, page_named
from careloom.services.opening import Opened
from services.landings import NOTES, landing


@pytest.fixture
def ready(tmp_path: Path, database: str) -> Iterator[Opened]:
    with landing(tmp_path, database, NOTES) as opened:
        yield opened


def page(*statements: str) -> ChartPage:
    charts = tuple(Chart(title=f"Chart {number}", sql=sql, unit="money") for number, sql in enumerate(statements))
    return ChartPage(name="aging", title="Aging & more", description="What is owed", charts=charts)


def test_rows_become_bars(ready: Opened) -> None:
    (chart,) = draw(ready, page("select * from (values ('a', 'x', 1.50), ('b', 'x', 2)) v order by 1"))
    assert chart.bars == {"a": {"x": Decimal("1.50")}, "b": {"x": Decimal(2)}}


def test_the_page_stands_for_itself(ready: Opened) -> None:
    found = page("select 'Acme & Sons', 12.5")
    text = html(found, draw(ready, found), datetime(2026, 11, 21, tzinfo=UTC))
    assert "Aging &amp; more" in text
    assert "Acme &amp; Sons" in text
    assert "$12.50" in text
    assert "<script" not in text
    assert "http" not in text
    assert "src=" not in text


@pytest.mark.parametrize(
    ("statement", "said"),
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
def test_a_statement_that_cannot_be_drawn_is_told_without_a_value(ready: Opened, statement: str, said: str) -> None:
    with pytest.raises(Fix) as caught:
        draw(ready, page(statement))
    assert said in str(caught.value)
    assert "charts/aging.yaml, 'Chart 0'" in str(caught.value)
    assert "Zzyzx" not in str(caught.value)


def test_rows_that_are_too_many_to_draw_are_told(ready: Opened) -> None:
    found = page("select n, 1 from generate_series(1, 501) n", "select n, 1 from generate_series(1, 500) n")
    cut, whole = draw(ready, found)
    assert (len(cut.bars), len(whole.bars)) == (500, 500)
    assert ("first 500 rows" in cut.cut, whole.cut) == (True, "")
    text = html(found, [cut, whole], datetime(2026, 11, 21, tzinfo=UTC))
    assert text.count("Only the first 500 rows are drawn") == 1


def test_a_page_that_there_is_not_is_told(ready: Opened) -> None:
    there = replace(ready, project=replace(ready.project, charts={"aging": page("select 1, 2")}))
    assert page_named(there, "aging").title == "Aging & more"
    with pytest.raises(UsageFault, match="there are: aging"):
        page_named(there, "agin")
