"""What `make measure` shows, where it is a rule as well: imports make no circle, and the measure sees what it is to see."""

from __future__ import annotations

import ast
import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def measure() -> ModuleType:
    spec = importlib.util.spec_from_file_location("measure", ROOT / "tools" / "measure.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_no_modules_import_each_other_in_a_circle_not_even_for_types(measure: ModuleType) -> None:
    edges = measure.imports(measure.SOURCE)
    assert len(edges) > 400
    assert measure.circles(edges) == []


def test_a_circle_of_three_is_seen(measure: ModuleType) -> None:
    edges = {"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": set(), "e": {"a"}}
    assert measure.circles(edges) == [["a", "b", "c"]]


def test_names_that_name_nothing_are_told_from_nouns(measure: ModuleType) -> None:
    code = "def f(one, row, *, held):\n    found = speed = 1\n    for told in row: pass\n    with x() as batch: pass\n"
    names = list(measure.names_bound(ast.parse(code)))
    assert sorted(filter(measure.is_pronoun, names)) == ["found", "held", "one", "told"]
    assert {"row", "speed", "batch"} <= set(names)


def test_no_class_name_stands_twice_outside_the_rooms(measure: ModuleType) -> None:
    assert measure.class_names_twice(measure.SOURCE) == {}
