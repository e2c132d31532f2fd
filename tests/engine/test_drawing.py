"""Charts as HTML: bars by their values, labels whole, colours that can be seen, small groups not."""

from __future__ import annotations

import re
from decimal import Decimal
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from careloom.charts.bars import BarChart, Unit, bar_chart, written
from careloom.charts.svg import CATEGORIES, NONE, PAGES, STEPS, draw, legend, summary
from careloom.core.errors import Fix

AGES = ["0-5 days", "6-10 days", "11-15 days", "121+ days", "unknown"]


def places(chart: str) -> list[tuple[float, float]]:
    """Where each bar begins and ends, in percent of the width."""
    bars = re.findall(r'<rect x="([0-9.]+)%"[^>]*width="([0-9.]+)%"', chart)
    return [(float(begin), float(begin) + float(width)) for begin, width in bars]


def luminance(colour: str) -> float:
    """Relative luminance of "#rrggbb" by WCAG 2.2."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(first: str, second: str) -> float:
    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


def test_bars_are_as_long_as_their_values() -> None:
    chart = bar_chart("Owed", "money", [("a", 10), ("b", Decimal("5.00")), ("c", 0), ("d", None)])
    assert places(draw(chart)) == [(0.0, 100.0), (0.0, 50.0)]
    assert chart.total("d") == 0


def test_series_are_stacked_and_a_label_that_comes_again_is_added_up() -> None:
    chart = bar_chart("Owed", "count", [("a", "x", 1), ("a", "y", 2), ("b", "x", 3), ("a", "x", 4)])
    assert chart.bars == {"a": {"x": 5, "y": 2}, "b": {"x": 3}}
    assert (chart.total("a"), chart.whole) == (7, 10)
    assert [name for name, _ in legend(chart)] == ["x", "y"]
    assert len(places(draw(chart))) == 3
    assert legend(bar_chart("Owed", "count", [("a", 1)])) == []


def test_credits_are_drawn_left_of_zero_and_no_bar_is_longer_than_its_number() -> None:
    chart = bar_chart("Owed", "money", [("a", "new", 30), ("a", "old", -10), ("b", "old", -5)])
    text = draw(chart)
    assert places(text) == [(25.0, 100.0), (0.0, 25.0), (12.5, 25.0)]
    assert text.count("<line") == 2
    assert "-$5.00" in text
    assert "$20.00" in text


def test_a_long_label_is_shown_whole() -> None:
    label = "CO-50 Not deemed a medical necessity by the payer, whose policy is named in the remark"
    assert f">{label}</div>" in draw(bar_chart("Denials", "count", [(label, 3)]))


def test_a_label_is_text_whatever_it_says() -> None:
    text = draw(bar_chart('<b>"T"</b>', "count", [("</text><script>alert(1)</script>", "<i>", 1), (None, "", 2)]))
    assert "<script" not in text
    assert ET.fromstring(text).tag == "div"
    assert "(none)" in text


def test_no_rows_are_said() -> None:
    assert "nothing to show" in draw(bar_chart("Owed", "money", []))
    assert bar_chart("Owed", "money", []).whole is None


def test_who_cannot_see_the_bars_hears_what_they_say() -> None:
    chart = bar_chart("Owed", "money", [("Acme", 3), ("Blue", 8)])
    assert summary(chart) == "Owed; 2 bars; $11.00 in all; most: Blue, $8.00"
    assert 'role="img" aria-label="Owed; 2 bars' in draw(chart)


@pytest.mark.parametrize("unit", ["percent", "days", "score"])
def test_what_cannot_be_added_up_has_no_sum(unit: Unit) -> None:
    assert bar_chart("Share", unit, [("a", 50), ("b", 60)]).whole is None


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_colour_stands_out_from_its_page(scheme: str) -> None:
    for colour in (*CATEGORIES[scheme], *STEPS[scheme], NONE[scheme]):
        assert contrast(colour, PAGES[scheme]) >= 3, f"WCAG 2.2, 1.4.11: {colour} on {PAGES[scheme]}"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_steps_of_a_scale_stand_out_more_and_more(scheme: str) -> None:
    steps = [contrast(colour, PAGES[scheme]) for colour in STEPS[scheme]]
    assert steps == sorted(steps)


def test_the_last_step_of_a_scale_has_the_strongest_colour_and_what_is_unknown_has_none() -> None:
    chart = bar_chart("Owed", "money", [("Acme", age, 1) for age in AGES], is_ordered=True)
    assert legend(chart) == [
        ("0-5 days", "s0"),
        ("6-10 days", "s3"),
        ("11-15 days", "s5"),
        ("121+ days", "s8"),
        ("unknown", "none"),
    ]


def test_a_small_group_is_not_shown_and_cannot_be_reckoned_out_of_a_total() -> None:
    chart = bar_chart("People", "count", [("a", 40), ("b", 5), ("c", 20), ("d", 0)], smallest_group=11)
    assert [chart.total(label) for label in "abcd"] == [40, None, None, 0]
    assert chart.whole is None
    text = draw(chart)
    assert text.count("not shown") == 2
    assert ">5<" not in text
    assert ">20<" not in text
    assert chart.suppressed == "groups of fewer than 11 people are not shown"


@given(
    st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from("xy"), st.integers(0, 40)), max_size=12),
)
def test_what_is_hidden_is_never_one_small_group(rows: list[tuple[str, str, int]]) -> None:
    chart: BarChart = bar_chart("People", "count", rows, smallest_group=11)
    parts = {(label, name): value for label, row in chart.bars.items() for name, value in row.items()}
    assert all(value == 0 or value >= 11 for part, value in parts.items() if part not in chart.hidden_parts)
    hidden_sum = sum(parts[part] for part in chart.hidden_parts)
    shown_values = [value for part, value in parts.items() if part not in chart.hidden_parts and value > 0]
    assert not chart.hidden_parts or hidden_sum >= 11 or not shown_values
    assert not any(0 < value < 11 for value in parts.values()) or chart.hidden_parts


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        ("1234.5", "money", "$1,234.50"),
        ("-0.5", "money", "-$0.50"),
        ("1234", "count", "1,234"),
        ("1.25", "count", "1.2"),
        ("3", "days", "3 days"),
        ("1", "days", "1 day"),
        ("12.345", "percent", "12.3 %"),
        ("0.4561", "score", "0.456"),
    ],
)
def test_values_are_written_as_people_do(value: str, unit: Unit, text: str) -> None:
    assert written(Decimal(value), unit) == text


def test_a_value_that_is_not_a_number_has_its_place() -> None:
    with pytest.raises(Fix, match=r"charts/a\.yaml, 'Owed': .* row 2 is not a number"):
        bar_chart("Owed", "money", [("a", 1), ("b", "x")], place="charts/a.yaml")
