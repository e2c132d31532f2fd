"""SQL statements by name, from the `.sql` files beside this one: `-- name: NAME` opens a statement."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import LiteralString, cast

_HEADER = re.compile(r"^-- name: (\w+)\s*$", re.MULTILINE)


@cache
def statements(file: str) -> dict[str, LiteralString]:
    """The statements of `sql/FILE.sql`. They are the program's own text, hence literal."""
    text = (files("careloom.store") / "sql" / f"{file}.sql").read_text(encoding="utf-8")
    parts = _HEADER.split(text)
    return {name: cast("LiteralString", body.strip()) for name, body in zip(parts[1::2], parts[2::2], strict=True)}
