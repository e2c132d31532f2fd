"""The documentation that ships with careloom: its pages, and what each key of the project language means."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import careloom
from careloom.core.errors import UsageFault
from careloom.project.nearest import suggestion


def docs_folder() -> Path:
    """Where the pages are: inside an installed package, beside `src` in a checkout."""
    package = Path(careloom.__file__).parent
    inside = package / "docs"
    return inside if inside.is_dir() else package.parents[1] / "docs"


def meanings() -> Mapping[str, Any]:
    """What each key of the project language means, by section and key; nothing where the pages were left out."""
    path = docs_folder() / "meanings.toml"
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def topics() -> dict[str, Path]:
    """Every page by its name: "tutorial", "charts", "exit-codes"."""
    folder = docs_folder()
    pages = {path.stem: path for path in sorted(folder.rglob("*.md")) if path.parent.name != "decisions"}
    return {name: path for name, path in pages.items() if name != "README"}


def page(topic: str) -> str:
    """The text of the page called `topic`. UsageFault if there is none."""
    pages = topics()
    if topic not in pages:
        raise UsageFault(f"there is no page {topic!r}; {suggestion(topic, pages, 'see: careloom docs')}")
    return pages[topic].read_text(encoding="utf-8")


def title_of(path: Path) -> str:
    """The first heading of a page."""
    first = path.read_text(encoding="utf-8").lstrip().splitlines()
    return next((line.removeprefix("# ") for line in first if line.startswith("# ")), path.stem)
