"""A YAML file as a tree that remembers where everything stood; every scalar is still text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from careloom.core.errors import Fault

Plain: TypeAlias = "str | list[Plain] | dict[str, Plain] | None"
Step = str | int


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A point in a file; `line` and `column` count from 1, 0 means the whole file."""

    file: str
    line: int = 0
    column: int = 0

    def fault(self, code: str, cause: str, fix: str) -> Fault:
        """A fault at this place."""
        return Fault(file=self.file, line=self.line, column=self.column, code=code, cause=cause, fix=fix)


@dataclass(frozen=True, slots=True, kw_only=True)
class YamlNode:
    """One value of a file. Only the part that fits its `kind` is filled.

    `text` is None where a key has no value at all; `source_text` is a scalar as it stands in the file, quotes and all.
    """

    kind: Literal["text", "list", "map"]
    place: Place
    text: str | None = None
    source_text: str = ""
    items: tuple[YamlNode, ...] = ()
    entries: Mapping[str, YamlNode] = field(default_factory=dict)
    keys: Mapping[str, Place] = field(default_factory=dict)

    def plain(self) -> Plain:
        """The same without places: dicts, lists, texts, and None for a missing value."""
        if self.kind == "map":
            return {name: node.plain() for name, node in self.entries.items()}
        if self.kind == "list":
            return [node.plain() for node in self.items]
        return self.text

    def child(self, step: Step) -> YamlNode | None:
        """The value under a key or an index, if there is one."""
        if isinstance(step, str):
            return self.entries.get(step)
        return self.items[step] if 0 <= step < len(self.items) else None

    def at(self, *path: Step) -> YamlNode:
        """The value at `path`, or the nearest one above it that was written."""
        node = self
        for step in path:
            below = node.child(step)
            if below is None:
                return node
            node = below
        return node

    def place_of(self, *path: Step) -> Place:
        """Where the value at `path`, or the nearest one above it, stands."""
        return self.at(*path).place

    def key_place(self, *path: Step) -> Place:
        """Where the last key of `path` stands; the place of its value if it is not a key."""
        above, last = self.at(*path[:-1]), path[-1]
        return above.keys.get(str(last), above.place_of(last))

    def inside(self, line: int, column: int) -> Place:
        """Where the character at `line`:`column` of this text stands in the file, both counted from 1.

        Exact for text that was written on one line or as a literal block (`|`); else the beginning of the text.
        """
        text = self.text or ""
        if self.source_text.startswith("|"):
            return self._inside_block(line, column)
        start = self.source_text.find(text)
        if line != 1 or not text or start < 0 or "\n" in text:
            return self.place
        return Place(file=self.place.file, line=self.place.line, column=self.place.column + start + column - 1)

    def _inside_block(self, line: int, column: int) -> Place:
        lines = self.source_text.split("\n")[1:]
        text_lines = (self.text or "").split("\n")
        if line > len(lines) or line > len(text_lines):
            return self.place
        indent = lines[line - 1].find(text_lines[line - 1])
        return Place(file=self.place.file, line=self.place.line + line, column=max(indent, 0) + column)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """What is wrong inside an expression; `line` and `column` count from 1 within its text."""

    line: int
    column: int
    code: str
    cause: str
    fix: str
