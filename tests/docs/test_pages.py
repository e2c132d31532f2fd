"""What every page keeps: links that lead somewhere, short decisions, a README of one screen and a half, plain words."""

from __future__ import annotations

import re
import tomllib
from importlib import import_module
from importlib.util import find_spec
from itertools import chain
from pathlib import Path

import pytest

from docs.pages import DOCS, ROOT, anchors, blocks, links, pages, prose

PAGES = [pytest.param(page, id=str(page.relative_to(ROOT))) for page in pages()]
OTHER_NAMES = {"careloom.yaml", "careloom.staging.yaml", "careloom.sync_log", "careloom.changes"}
"""Files, a table and a subject, which are called like modules."""
DECISIONS = sorted((DOCS / "decisions").glob("*.md"))


@pytest.mark.parametrize("page", PAGES)
def test_every_link_inside_the_repository_leads_somewhere(page: Path) -> None:
    broken = []
    for target in links(page):
        name, _, anchor = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        if not path.exists() or (anchor and anchor not in anchors(path)):
            broken.append(target)
    assert broken == []


def is_there(name: str) -> bool:
    """Whether there is a module of this dotted name, or something in one."""
    if find_spec(name.partition(".")[0]) is None:
        return False
    module, _, member = name.rpartition(".")
    try:
        return hasattr(import_module(module), member) or find_spec(name) is not None
    except ModuleNotFoundError:
        return False


@pytest.mark.parametrize("page", PAGES)
def test_every_name_of_the_code_that_a_page_gives_is_there(page: Path) -> None:
    """But for what the changelog says of former releases."""
    text = page.read_text(encoding="utf-8").partition("## [0.1.0]")[0]
    names = set(re.findall(r"`(careloom\.[a-z_]+(?:\.\w+)*)`", text)) - OTHER_NAMES
    paths = set(re.findall(r"`((?:src|tests|docs|tools)/[\w./-]+)`", text))
    assert sorted(name for name in names if not is_there(name)) == []
    assert sorted(path for path in paths if not (ROOT / path).exists()) == []


def test_every_page_can_be_reached_from_the_readme() -> None:
    seen, waiting = set[Path](), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in seen or page.suffix != ".md":
            continue
        seen.add(page)
        waiting += [(page.parent / target.partition("#")[0]).resolve() for target in links(page) if target[0] != "#"]
    alone = set(pages()) - seen - {*DECISIONS, ROOT / "CHANGELOG.md", DOCS / "benchmarks.md"}
    assert sorted(str(page.relative_to(ROOT)) for page in alone) == []


@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.stem)
def test_a_decision_is_short_and_says_context_decision_and_price(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 40
    assert [heading for heading in ("## Context", "## Decision", "## Price") if heading not in text] == []


def test_decisions_are_numbered_without_gaps() -> None:
    assert [int(page.name[:4]) for page in DECISIONS] == list(range(1, len(DECISIONS) + 1))


def test_every_dependency_says_what_it_buys() -> None:
    text = (DOCS / "decisions" / "0002-dependencies.md").read_text(encoding="utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    listed_values = [*project["dependencies"], *chain.from_iterable(project["optional-dependencies"].values())]
    names = [re.split(r"[\[<>=;]", listed_value)[0] for listed_value in listed_values]
    assert [name for name in names if f"`{name}`" not in text] == []


def test_the_readme_is_at_most_120_lines() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 120


@pytest.mark.parametrize("page", PAGES)
def test_a_page_has_one_title_and_no_chains_of_dashes(page: Path) -> None:
    text = prose(page)
    assert len(re.findall(r"^# ", text, re.MULTILINE)) == 1
    assert "\u2014" not in text


def test_every_fence_that_is_opened_is_closed() -> None:
    for page in pages():
        assert len(re.findall(r"^ *```", page.read_text(encoding="utf-8"), re.MULTILINE)) == 2 * len(list(blocks(page)))


def test_every_test_that_a_promise_names_is_there() -> None:
    text = (DOCS / "explanation" / "promises.md").read_text(encoding="utf-8")
    matches = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", text)
    names = [name for file, name in matches if f"\ndef {name}(" not in (ROOT / file).read_text(encoding="utf-8")]
    assert matches
    assert names == []


@pytest.mark.parametrize("page", PAGES)
def test_every_file_of_the_repository_that_a_page_names_is_there(page: Path) -> None:
    matches = re.findall(r"`((?:src|tests|docs|blueprints)/[\w/.-]+)`", prose(page))
    assert [name for name in matches if not (ROOT / name).exists()] == []
