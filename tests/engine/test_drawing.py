"""Charts as SVG: bars by their values, nothing that a label could smuggle in, numbers as people write them."""

from __future__ import annotations

import re
from decimal import Decimal
from xml.etree import ElementTree as ET

import pytest

from careloom.engine.drawing import Unit, drawn, legend, spoken, svg


def widths(chart: str) -> list[float]:
    return [float(found) for found in re.findall(r'<rect [^>]*width="([0-9.]+)"', chart)]


def test_bars_are_as_long_as_their_values() -> None:
    chart = drawn("Owed", "money", [("a", 10), ("b", Decimal("5.00")), ("c", 0), ("d", None)])
    first, second = widths(svg(chart))
    assert first == pytest.approx(2 * second, abs=0.2)
    assert chart.total("d") == 0


def test_series_are_stacked_and_a_label_that_comes_again_is_added_up() -> None:
    chart = drawn("Owed", "count", [("a", "x", 1), ("a", "y", 2), ("b", "x", 3), ("a", "x", 4)])
    assert chart.bars == {"a": {"x": 5, "y": 2}, "b": {"x": 3}}
    assert chart.total("a") == 7
    assert [name for name, _ in legend(chart)] == ["x", "y"]
    assert len(widths(svg(chart))) == 3
    assert legend(drawn("Owed", "count", [("a", 1)])) == []


def test_what_is_negative_is_drawn_as_nothing_and_said_as_it_is() -> None:
    chart = drawn("Owed", "money", [("a", -5), ("b", 10)])
    assert len(widths(svg(chart))) == 1
    assert "-$5.00" in svg(chart)


def test_a_label_is_text_whatever_it_says() -> None:
    chart = svg(drawn('<b>"T"</b>', "count", [("</text><script>alert(1)</script>", "<i>", 1), (None, "", 2)]))
    assert "<script" not in chart
    assert ET.fromstring(chart).tag == "svg"
    assert "(none)" in chart


def test_no_rows_are_told() -> None:
    assert "nothing to show" in svg(drawn("Owed", "money", []))


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        ("1234.5", "money", "$1,234.50"),
        ("-0.5", "money", "-$0.50"),
        ("1234", "count", "1,234"),
        ("1.25", "count", "1.2"),
        ("3", "days", "3 days"),
        ("12.345", "percent", "12.3 %"),
    ],
)
def test_values_are_written_as_people_do(value: str, unit: Unit, text: str) -> None:
    assert spoken(Decimal(value), unit) == text
