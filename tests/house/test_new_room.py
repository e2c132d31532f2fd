"""`make room` writes a room that works, and that a vendor's facts are filled into."""

from __future__ import annotations

import difflib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import careloom
from sizes import WHOLE

ROOT = Path(__file__).parents[2]
TABLE = Path("src/careloom/systems/__init__.py")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of what a room is made in and needs."""
    root = tmp_path / "house"
    no_caches = shutil.ignore_patterns("__pycache__", ".*")
    shutil.copytree(Path(careloom.__file__).parent, root / "src" / "careloom", ignore=no_caches)
    shutil.copytree(ROOT / "tools" / "room", root / "tools" / "room", ignore=no_caches)
    shutil.copy(ROOT / "pyproject.toml", root)
    (root / "tests" / "systems").mkdir(parents=True)
    return root


def files_of(root: Path) -> dict[Path, str]:
    paths = [path for path in root.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return {path.relative_to(root): path.read_text(encoding="utf-8") for path in paths}


def make(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(root / "tools" / "room" / "make_room.py"), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def run(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(root / "src")}
    environment.pop("PYTEST_XDIST_WORKER", None)
    command = [sys.executable, "-m", *words]
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)


def test_a_room_is_two_folders_and_one_line_and_passes_its_suites(tree: Path) -> None:
    before = files_of(tree)
    process = make(tree, "acme", "Acme Health")
    assert process.returncode == 0, process.stderr
    after = files_of(tree)
    folders = (Path("src/careloom/systems/acme"), Path("tests/systems/acme"))
    new = {path for path in after.keys() - before.keys() if not set(folders) & set(path.parents)}
    changed = {path for path in before if after[path] != before[path]}
    assert (new, changed) == (set(), {TABLE})
    lines = [line for line in difflib.ndiff(before[TABLE].splitlines(), after[TABLE].splitlines()) if line[0] in "+-"]
    assert lines == ['+     "careloom.systems.acme.room",']
    assert not re.search("__(kind|Name|Class)__", "".join(after[path] for path in after.keys() - before.keys()))
    suites = run(tree, "pytest", "tests/systems/acme", "-p", "no:cacheprovider", "-p", "no:xdist", "--tb=short")
    assert suites.returncode == 0, suites.stdout
    for words in (["ruff", "check"], ["ruff", "format", "--check"]):
        if importlib.util.find_spec("ruff"):
            style = run(tree, *words, str(TABLE.parent), "tests", "tools")
            assert style.returncode == 0, style.stdout
    if WHOLE:
        types = run(tree, "mypy", "src/careloom/systems/acme")
        assert types.returncode == 0, types.stdout


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ([], "say which: make room NAME=kind"),
        ([""], "say which: make room NAME=kind"),
        (["Acme"], "'Acme' is no name of a room"),
        (["../acme"], "'../acme' is no name of a room"),
        (["class"], "'class' is no name of a room"),
        (["sql"], "there is a room 'sql'"),
        (["csv"], "there is a room 'csv', or its name is taken"),
        (["acme", 'Acme"""'], "is no vendor's name"),
    ],
)
def test_what_is_no_room_is_refused_and_nothing_is_written(tree: Path, words: list[str], reason: str) -> None:
    before = files_of(tree)
    process = make(tree, *words)
    assert process.returncode == 2
    assert reason in process.stderr
    assert "Traceback" not in process.stderr
    assert files_of(tree) == before


def test_a_room_is_not_written_over(tree: Path) -> None:
    make(tree, "acme")
    before = files_of(tree)
    assert "there is a room 'acme'" in make(tree, "acme").stderr
    assert files_of(tree) == before
