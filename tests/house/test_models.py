"""Each dbt model of a blueprint says what a row is of, is tested for it, and for its branches, and begins with what it reads."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

BLUEPRINTS = Path(__file__).parents[2] / "blueprints"
GRAIN_TESTS = {"unique", "unique_together", "one_row_for_each", "one_content_for_each_id", "same_grain_as"}
BRANCHES = re.compile(r"\b(?:case|join)\b", re.IGNORECASE)
REFERENCE = re.compile(r"\{\{ ref\(")
IMPORT = re.compile(r"^(?:with )?\w+ as \(\n    select \* from \{\{ ref\('\w+'\) \}\}\n\)", re.MULTILINE)
LOOPS = {"duplicate_rows", "report_totals"}
"""Over all reports: each has a step of its own for each report, which names what it reads."""


def models() -> dict[str, Path]:
    return {path.stem: path for path in BLUEPRINTS.glob("*/models/models/**/*.sql") if "hcc" not in path.parent.name}


def properties() -> list[dict[str, Any]]:
    return [YAML(typ="safe").load(path) or {} for path in BLUEPRINTS.glob("*/models/models/**/*.yml")]


def names_of_tests(owner: dict[str, Any]) -> set[str]:
    own = {test if isinstance(test, str) else next(iter(test)) for test in owner.get("data_tests", [])}
    return own.union(*(names_of_tests(column) for column in owner.get("columns", [])))


def test_every_model_has_a_test_of_its_grain() -> None:
    names = {
        model["name"]
        for file in properties()
        for model in file.get("models", [])
        if names_of_tests(model) & GRAIN_TESTS
    }
    assert len(models()) > 50
    assert models().keys() - names == set()


def test_every_model_with_a_case_or_a_join_has_a_unit_test() -> None:
    model_list = {test["model"] for file in properties() for test in file.get("unit_tests", [])}
    branching = {name for name, path in models().items() if BRANCHES.search(path.read_text(encoding="utf-8"))}
    assert len(branching) > 20
    assert branching - model_list == set()


def test_a_unit_test_has_a_name_that_postgresql_takes() -> None:
    names = [test["name"] for file in properties() for test in file.get("unit_tests", [])]
    assert [name for name in names if len(name) > 63] == []


def test_a_model_names_what_it_reads_in_its_first_steps_and_nowhere_else() -> None:
    assert set(models()) >= LOOPS
    for name, path in models().items():
        text = path.read_text(encoding="utf-8")
        if name not in LOOPS:
            assert len(REFERENCE.findall(text)) == len(IMPORT.findall(text)), name
