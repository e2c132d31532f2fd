"""The documentation as tests see it: its pages, their links, and their fenced blocks with what a block's first line says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
TOP = ("README.md", "CHANGELOG.md", "SECURITY.md", "CONTRIBUTING.md")
_FENCE = re.compile(r"^(?P<indent> *)```(?P<info>.*)$")
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} (?P<text>.+)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced block. "```sh run exit=4" has the language "sh" and the marks {"run": "", "exit": "4"}."""

    page: Path
    line: int
    language: str
    marks: dict[str, str] = field(default_factory=dict)
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def pages() -> list[Path]:
    """Every page, the generated ones too."""
    return [ROOT / name for name in TOP] + sorted(DOCS.rglob("*.md"))


def blocks(page: Path) -> Iterator[Block]:
    """The fenced blocks of `page`, in order."""
    start, info, held = 0, "", list[str]()
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        fence = _FENCE.match(line)
        if fence and not start:
            start, info, held = number, fence["info"], []
        elif fence:
            language, *rest = info.split() or [""]
            marks = dict((*mark.split("=", 1), "")[:2] for mark in rest)
            yield Block(page=page, line=start, language=language, marks=marks, text="\n".join(held) + "\n")
            start = 0
        elif start:
            held.append(line)


def prose(page: Path) -> str:
    """The text of `page` without its fenced blocks."""
    kept, inside = [], False
    for line in page.read_text(encoding="utf-8").splitlines():
        inside ^= bool(_FENCE.match(line))
        if not inside and not _FENCE.match(line):
            kept.append(line)
    return "\n".join(kept)


def links(page: Path) -> Iterator[str]:
    """The targets of every link of `page` that stays inside the repository."""
    for match in _LINK.finditer(prose(page)):
        if not re.match(r"[a-z]+:", match["target"]):
            yield match["target"]


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives the headings of `page`."""
    headings = (_HEADING.match(line) for line in prose(page).splitlines())
    return {_anchor(heading["text"]) for heading in headings if heading}


def _anchor(heading: str) -> str:
    kept_text = re.sub(r"[^\w\- ]", "", heading.lower())
    return kept_text.strip().replace(" ", "-")
