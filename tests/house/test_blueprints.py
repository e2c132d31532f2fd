"""Every blueprint says what it is for and how to begin."""

from __future__ import annotations

from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "blueprints"
NAMES = sorted(path.parent.name for path in FOLDER.glob("*/careloom.yaml"))


@pytest.mark.parametrize("name", NAMES)
def test_a_blueprint_has_a_readme_that_begins_with_its_command(name: str) -> None:
    page = (FOLDER / name / "README.md").read_text(encoding="utf-8")
    assert page.startswith(f"# {name}: ")
    assert f"careloom init {name} " in page


def test_the_blueprints_are_seen() -> None:
    assert {"csv", "empty", "hcc-analytics"} <= set(NAMES)
