"""Reads one YAML file into nodes, and turns whatever is wrong with it into faults instead of exceptions."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from careloom.core.errors import Fault
from careloom.project.nodes import Place, YamlNode

MOST_BYTES = 1_000_000
MOST_NODES = 50_000
MOST_DEPTH = 40

# What ruamel says, by a piece of its text: our cause and the fix.
_SYNTAX = (
    ("'\\t'", "a tab is used where YAML wants spaces", "replace the tab by spaces"),
    ("mapping values are not allowed", "a `:` is where no key can be", "check the indentation, or quote the text"),
    ("cannot start any token", "this character cannot begin a text", "put the text in quotes"),
    ("unexpected end of stream", "a quote is opened and never closed", "close the quote"),
    ("unknown escape", "there is no such escape in a double-quoted text", "use single quotes"),
    ("expected <block end>", "the indentation fits nothing above it", "align the line with its neighbours"),
    ("expected ',' or", "a `[` or `{` is not closed, or a comma is missing", "close the bracket or add the comma"),
    ("could not find expected ':'", "a key has no `:`", "write `key: value`"),
)


@dataclass(slots=True)
class _Open:
    """A list or a mapping that is still being read; `key` is the one that waits for its value."""

    event: Any
    node_place: Place
    size: int = 1
    items: list[YamlNode] = field(default_factory=list)
    entries: dict[str, YamlNode] = field(default_factory=dict)
    keys: dict[str, Place] = field(default_factory=dict)
    key: YamlNode | None = None


class _TooMuch(Exception):
    def __init__(self, fault: Fault) -> None:
        super().__init__()
        self.fault = fault


def read_file(folder: Path, name: str) -> tuple[YamlNode | None, list[Fault]]:
    """The file `name` of `folder` as nodes, with its faults; no node if nothing could be made of it."""
    text, fault = _text(folder / name, name)
    if fault is not None:
        return None, [fault]
    return read_text(text, name)


def read_text(text: str, name: str) -> tuple[YamlNode | None, list[Fault]]:
    """`text` as nodes, with its faults; `name` is what the faults call it."""
    reader = _NodeReader(text, name)
    try:
        root = reader.read()
    except _TooMuch as stop:
        return None, [*reader.faults, stop.fault]
    except MarkedYAMLError as error:
        return None, [*reader.faults, _syntax_fault(error, name)]
    except YAMLError:
        return None, [*reader.faults, Place(file=name).fault("yaml", "this is no YAML", "look at the whole file")]
    if root is None and not reader.faults:
        return None, [Place(file=name).fault("empty-file", "the file is empty", "write something in it, or remove it")]
    return root, reader.faults


def _text(path: Path, name: str) -> tuple[str, Fault | None]:
    file_place = Place(file=name)
    try:
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        return "", file_place.fault("no-file", "there is no such file", "create it, or run `careloom init`")
    except OSError as error:
        return "", file_place.fault(
            "unreadable", f"cannot be read: {error.strerror}", "check the file and its permissions"
        )
    if len(raw) > MOST_BYTES:
        return "", file_place.fault(
            "too-big", f"is bigger than {MOST_BYTES:,} bytes", "a project file holds no data: is this one?"
        )
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        column = error.start - raw.rfind(b"\n", 0, error.start)
        return "", Place(file=name, line=line, column=column).fault("encoding", "this is not UTF-8", "save it as UTF-8")
    return text, _control_character(text, name)


def _control_character(text: str, name: str) -> Fault | None:
    for number, line in enumerate(text.split("\n"), 1):
        for column, letter in enumerate(line, 1):
            if (letter < " " and letter not in "\t\r") or letter in "\x7f\ufffe\uffff":
                cause = f"there is a control character (U+{ord(letter):04X})"
                return Place(file=name, line=number, column=column).fault("control-character", cause, "remove it")
    return None


def _syntax_fault(error: MarkedYAMLError, name: str) -> Fault:
    mark = error.problem_mark or error.context_mark
    place = Place(file=name, line=mark.line + 1, column=mark.column + 1) if mark else Place(file=name)
    problem = str(error.problem or "")
    if "unexpected end of stream" in problem and error.context_mark:
        place = Place(file=name, line=error.context_mark.line + 1, column=error.context_mark.column + 1)
    for piece, cause, fix in _SYNTAX:
        if piece in problem:
            return place.fault("yaml", cause, fix)
    return place.fault("yaml", f"this is no YAML: {problem}", "check the lines around it")


class _NodeReader:
    """Builds nodes from the parser's events, so that depth and size are checked before they cost anything."""

    def __init__(self, text: str, name: str) -> None:
        self.text, self.name = text, name
        self.faults: list[Fault] = []
        self.anchors: dict[str, tuple[YamlNode, int]] = {}
        self.open: list[_Open] = []
        self.nodes = 0
        self.root: YamlNode | None = None

    def read(self) -> YamlNode | None:
        documents = 0
        for event in YAML(typ="safe", pure=True).parse(self.text):
            if isinstance(event, DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self._fault(event, "documents", "a second document begins here", "remove the `---`")
                    break
            elif isinstance(event, MappingStartEvent | SequenceStartEvent):
                self._begin(event)
            elif isinstance(event, MappingEndEvent | SequenceEndEvent):
                self._end()
            elif isinstance(event, ScalarEvent):
                self._scalar(event)
            elif isinstance(event, AliasEvent):
                self._alias(event)
        return self.root

    def _place(self, event: Any) -> Place:
        return Place(file=self.name, line=event.start_mark.line + 1, column=event.start_mark.column + 1)

    def _fault(self, event: Any, code: str, cause: str, fix: str) -> None:
        self.faults.append(self._place(event).fault(code, cause, fix))

    def _count(self, event: Any, size: int = 1) -> None:
        self.nodes += size
        if self.nodes > MOST_NODES:
            cause = f"the file holds more than {MOST_NODES:,} values once its aliases are written out"
            raise _TooMuch(self._place(event).fault("too-big", cause, "write less, or split it in several files"))

    def _begin(self, event: Any) -> None:
        self._count(event)
        if len(self.open) >= MOST_DEPTH:
            raise _TooMuch(self._place(event).fault("too-deep", f"more than {MOST_DEPTH} levels", "flatten the file"))
        self._no_tag(event)
        self.open.append(_Open(event, self._place(event)))

    def _end(self) -> None:
        frame = self.open.pop()
        if isinstance(frame.event, SequenceStartEvent):
            node = YamlNode(kind="list", place=frame.node_place, items=tuple(frame.items))
        else:
            node = YamlNode(kind="map", place=frame.node_place, entries=frame.entries, keys=frame.keys)
        self._put(frame.event, node, frame.size)

    def _scalar(self, event: Any) -> None:
        self._count(event)
        self._no_tag(event)
        absent = event.value == "" and event.style is None
        source_text = self.text[event.start_mark.index : event.end_mark.index]
        node = YamlNode(
            kind="text", place=self._place(event), text=None if absent else event.value, source_text=source_text
        )
        self._put(event, node, 1)

    def _alias(self, event: Any) -> None:
        anchor = self.anchors.get(event.anchor)
        if anchor is None:
            self._fault(event, "alias", f"`*{event.anchor}` names no anchor above it", f"write `&{event.anchor}` above")
            anchor = (YamlNode(kind="text", place=self._place(event), text=f"*{event.anchor}"), 1)
        self._count(event, anchor[1])
        self._put(None, *anchor)

    def _no_tag(self, event: Any) -> None:
        if event.tag is not None and str(event.tag) != "!":
            self._fault(event, "tag", "a YAML tag is used", "remove the tag: types come from the schema")

    def _put(self, event: Any, node: YamlNode, size: int) -> None:
        if event is not None and event.anchor is not None:
            self.anchors[event.anchor] = (node, size)
        if not self.open:
            self.root = node
            return
        parent = self.open[-1]
        parent.size += size
        if isinstance(parent.event, SequenceStartEvent):
            parent.items.append(node)
        elif parent.key is None:
            parent.key = node
        else:
            key, parent.key = parent.key, None
            self._entry(parent, key, node)

    def _entry(self, parent: _Open, key: YamlNode, node: YamlNode) -> None:
        if key.kind != "text" or key.text is None:
            self.faults.append(key.place.fault("key", "a key must be a plain text", "write `key: value`"))
        elif key.text == "<<":
            self.faults.append(key.place.fault("merge-key", "`<<` is not used here", "write the keys out"))
        elif key.text in parent.keys:
            first = parent.keys[key.text].line
            cause = f"`{key.text}` is written twice; first on line {first}"
            self.faults.append(key.place.fault("duplicate-key", cause, "keep one of the two"))
        else:
            parent.keys[key.text], parent.entries[key.text] = key.place, node
