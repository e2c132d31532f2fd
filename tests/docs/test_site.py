"""The website: what makes it knows every page, and its packages are locked apart from those that careloom runs on."""

from __future__ import annotations

import importlib.util
import re
from types import ModuleType

import pytest

import careloom
from docs.pages import DOCS, ROOT, pages


@pytest.fixture(scope="module")
def conf() -> ModuleType:
    spec = importlib.util.spec_from_file_location("site_conf", ROOT / "tools" / "site" / "conf.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_something_leads_to_every_page(conf: ModuleType) -> None:
    source = [(DOCS / "reference" / "blueprints.md").read_text(encoding="utf-8")]
    conf.read(None, "docs/reference/blueprints", source)
    matches = re.findall(r"^(?:docs/)?([\w/-]+)$", conf.navigation(), re.MULTILINE)
    matches += [f"reference/{name}" for name in re.findall(r"^(blueprints/[\w-]+)$", source[0], re.MULTILINE)]
    there = [str(page.relative_to(DOCS if DOCS in page.parents else ROOT).with_suffix("")) for page in pages()]
    assert sorted(matches) == sorted(
        name for page, name in zip(pages(), there, strict=True) if page != ROOT / "README.md"
    )


def test_it_bears_the_version(conf: ModuleType) -> None:
    assert conf.release == careloom.__version__


def test_github_and_the_website_are_led_to_the_same_decision(conf: ModuleType) -> None:
    text = [(ROOT / "README.md").read_text(encoding="utf-8")]
    conf.read(None, "README", text)
    assert "](docs/decisions)" not in text[0]
    assert (ROOT / re.findall(r"\]\((docs/decisions/[\w-]+\.md)\)", text[0])[0]).exists()


def test_its_packages_are_locked_by_hash_and_are_none_of_careloom() -> None:
    lock = (ROOT / "requirements" / "docs.txt").read_text(encoding="utf-8")
    names = set(re.findall(r"^([\w-]+)==", lock, re.MULTILINE))
    assert {"sphinx", "furo", "myst-parser"} <= names
    assert not names & {"duckdb", "pyarrow", "psycopg"}
    assert lock.count("==") <= lock.count("--hash=sha256:")
