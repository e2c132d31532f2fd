"""The JSON Schemas of the project language as files, and the lines that lead an editor to them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from careloom.core.errors import UsageFault
from careloom.core.rooms import Room
from careloom.project.json_schema import SECTIONS, described, json_schema
from careloom.services.operate.manual import meanings

FOLDER = "schemas"
"""Where a new project keeps its schemas, so that everybody's editor finds them."""


def schemas(rooms: Mapping[str, Room]) -> dict[str, dict[str, Any]]:
    """One schema for each kind of file, with the meaning of each key."""
    return described(json_schema(rooms), meanings())


def write_schemas(folder: Path, rooms: Mapping[str, Room]) -> list[Path]:
    """Write one file for each schema; their paths. UsageFault if that cannot be."""
    paths = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for pattern, schema in schemas(rooms).items():
            path = folder / file_of(pattern)
            path.write_bytes(orjson.dumps(schema, option=orjson.OPT_INDENT_2) + b"\n")
            paths.append(path)
    except OSError as error:
        raise UsageFault(f"cannot write into {folder}: {error.strerror}") from None
    return paths


def file_of(pattern: str) -> str:
    """What the schema of the files of `pattern` is called."""
    return f"{SECTIONS[pattern]}.json"


def lead_editors(project: Path) -> None:
    """Put a line at the top of each file of a new project that tells an editor its schema."""
    for pattern in SECTIONS:
        up = "../" if "/" in pattern else ""
        line = f"# yaml-language-server: $schema={up or './'}{FOLDER}/{file_of(pattern)}\n"
        for path in sorted(project.glob(pattern)):
            text = path.read_text(encoding="utf-8")
            if not text.startswith("# yaml-language-server:"):
                path.write_text(line + text, encoding="utf-8")
