"""How `make site` makes a website of the pages: Sphinx, MyST's Markdown, Furo's looks. Nothing of it is fetched by a reader.

The pages stay as GitHub shows them; what leads from one to the other is read from `docs/README.md`. A link that leads
nowhere, and a page that nothing leads to, is a fault (`-W`).
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools" / "site"))

_VERSION = re.compile(r'^__version__ = "(.+)"', re.MULTILINE)
_SECTION = re.compile(r"^## (.+)$", re.MULTILINE)
_LINK = re.compile(r"\]\(((?!\w+:)[^)#]+\.md)\)")
TOP = ("CHANGELOG", "CONTRIBUTING", "SECURITY")
FOLDER = "](docs/decisions)", "](decisions)"
"""GitHub shows a folder; a website has its first page."""

project = "careloom"
author = "The careloom authors"
copyright = author  # noqa: A001 (Sphinx's word)
release = _VERSION.findall((ROOT / "src" / "careloom" / "__init__.py").read_text(encoding="utf-8"))[0]
extensions = ["myst_parser"]
root_doc = "README"
include_patterns = ["README.md", *(f"{name}.md" for name in TOP), "docs/*.md", "docs/**/*.md"]
myst_heading_anchors = 4
suppress_warnings = ["misc.highlighting_failure"]  # a block that shows a fault is no valid YAML

html_theme = "furo"
html_title = f"careloom {release}"
html_copy_source = False
html_show_sphinx = False
html_static_path = ["static"]
html_css_files = ["site.css"]


def navigation() -> str:
    """The sections of `docs/README.md` as MyST's tables of contents, which the page itself does not show."""
    text = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    pieces = _SECTION.split(text)
    sections = [("", ["docs/README", *_pages(pieces[0])])]
    sections += [(title, _pages(part)) for title, part in zip(pieces[1::2], pieces[2::2], strict=True)]
    sections = [(title, pages) for title, pages in sections if pages]
    sections += [("Decisions", _files("docs/decisions")), ("The project", list(TOP))]
    return "\n".join(_contents(title, pages) for title, pages in sections)


def _pages(part: str) -> list[str]:
    return [f"docs/{target.removesuffix('.md')}" for target in _LINK.findall(part)]


def _files(folder: str) -> list[str]:
    return [str(path.relative_to(ROOT).with_suffix("")) for path in sorted((ROOT / folder).glob("*.md"))]


def _contents(title: str, pages: list[str]) -> str:
    caption = f":caption: {title}\n" if title else ""
    return f"\n```{{toctree}}\n:hidden:\n{caption}\n" + "\n".join(pages) + "\n```\n"


def read(_app: Any, name: str, source: list[str]) -> None:
    """Add what leads to the pages, and name pages where GitHub names a folder."""
    first = "docs/decisions/0001-layers.md"
    source[0] = source[0].replace(FOLDER[0], f"]({first})")
    if name == "docs/README":
        source[0] = source[0].replace(FOLDER[1], f"]({first.removeprefix('docs/')})")
    if name == root_doc:
        source[0] += navigation()
    if name == "docs/reference/blueprints":
        blueprints = [Path(page).name for page in _files("docs/reference/blueprints")]
        source[0] += _contents("", [f"blueprints/{blueprint}" for blueprint in blueprints])


def give_it_an_index(app: Any, failed: Exception | None) -> None:
    """A web server, and whoever opens the folder, looks for `index.html`."""
    if failed is None:
        shutil.copyfile(app.outdir / "README.html", app.outdir / "index.html")


def setup(app: Any) -> None:
    """Sphinx's door."""
    app.connect("source-read", read)
    app.connect("build-finished", give_it_an_index)
