"""A field's `from` as SQL text: a plain column's name is read here, all else by the grammar, which takes long to load."""

from __future__ import annotations

import re

from careloom.project import grammar
from careloom.project.functions import NO_COLUMN
from careloom.project.nodes import Mistake

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def read_expression(text: str) -> str | list[Mistake]:
    """`text` as DuckDB's SQL, its columns quoted; or everything that forbids it, in the order of the text."""
    if _NAME.fullmatch(text) and text.lower() not in NO_COLUMN:
        return f'"{text}"'
    tree = grammar.parse_expression(text)
    return tree if isinstance(tree, list) else tree.sql(dialect=grammar.DIALECT, comments=False)
