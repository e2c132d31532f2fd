"""Reads the project's SQL with sqlfluff: `python tools/check_sql.py [FILE …]`, all of it where no file is named.

The dbt models of the blueprints are read as `.sqlfluff` says. A file of the store holds statements by name, with psycopg's
placeholders and the braces of `format`: each is made SQL as PostgreSQL gets it, line by line, so that a fault is shown
where it stands.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from itertools import pairwise
from pathlib import Path

from sqlfluff.core import FluffConfig, Linter

ROOT = Path(__file__).parents[1]
STORE = Path("src/careloom/store/sql")
MODELS = ("blueprints/*/models/models/**/*.sql", "blueprints/*/models/tests/*.sql")
STORE_RULES = (
    "aliasing.column",
    "aliasing.unique.column",
    "ambiguous.distinct",
    "capitalisation",
    "convention.count_rows",
    "convention.is_null",
    "convention.left_join",
    "convention.not_equal",
    "convention.select_trailing_comma",
    "layout.commas",
    "layout.end_of_file",
    "layout.functions",
    "layout.long_lines",
    "layout.spacing",
    "structure.distinct",
    "structure.else_null",
    "structure.unused_cte",
)
"""What holds for statements that are written close: how they are laid out over lines is left to who writes them."""

STORE_LINE = 140
"""The models' lines end at 100, as `.sqlfluff` says; statements that stand beside Python go on a little longer."""

_NAME = re.compile(r"^-- name: \w+\s*$")
_PLACEHOLDER = re.compile(r"%(?:\(\w+\))?[sbt]")
_BRACES = re.compile(r"\{(\w+)\}")
_PIECES = {
    "typed": "_typed text,",
    "names": "_names_,",
    "staged": "_staged_,",
    "kept": "_kept_ = 1,",
}
"""What a name in braces stands for, where it is no name of one thing."""
_JOIN = " {root}"
"""A whole join, or nothing, at the end of a line."""
_OPENS_A_PIECE = {"left join": "select from opened ", "case": "select ", "coalesce(": "select ", "null::": "select "}
"""How a text of a file that is no whole statement begins, and what makes it one."""


def as_executed(text: str) -> str:
    """The statements of a file of the store as SQL, a semicolon after each, all lines where they were."""
    lines = [_executed(line) for line in text.splitlines()]
    heads = [number for number, line in enumerate(lines) if _NAME.match(line)]
    for head, end in pairwise([*heads, len(lines)]):
        body = [number for number in range(head, end) if lines[number] and not lines[number].startswith("--")]
        lines[body[0]] = (
            next((before for word, before in _OPENS_A_PIECE.items() if lines[body[0]].startswith(word)), "")
            + lines[body[0]]
        )
        if not lines[body[-1]].endswith(";"):
            lines[body[-1]] += ";"
    return "\n".join(lines) + "\n"


def _executed(line: str) -> str:
    if _BRACES.fullmatch(line.strip()) and line.strip("{ }") not in _PIECES:
        return line.replace(line.strip(), "select 1")
    line = _BRACES.sub(lambda part: _PIECES.get(part[1], f"_{part[1]}_"), line.removesuffix(_JOIN)).rstrip()
    return _PLACEHOLDER.sub(lambda part: "1" * len(part[0]), line).replace("%%", "%")


def faults(path: Path) -> list[str]:
    """`FILE:LINE: CODE what is wrong`, for each fault of a file."""
    text = (ROOT / path).read_text(encoding="utf-8")
    in_store = STORE in path.parents
    linted = _linter(in_store=in_store).lint_string(as_executed(text) if in_store else text, fname=str(path))
    return [f"{path}:{fault.line_no}: {fault.rule_code()} {fault.desc()}" for fault in linted.get_violations()]


@cache
def _linter(*, in_store: bool) -> Linter:
    of_store: dict[str, str | int] = {"dialect": "postgres", "templater": "raw", "ignore": ""}
    of_store |= {"rules": ",".join(STORE_RULES), "max_line_length": STORE_LINE}
    return Linter(config=FluffConfig.from_path(str(ROOT), overrides=of_store if in_store else {}))


def every_file() -> list[Path]:
    """Every SQL file that is checked, from the root of the project."""
    models = (path for pattern in MODELS for path in ROOT.glob(pattern))
    return sorted(path.relative_to(ROOT) for path in (*models, *(ROOT / STORE).rglob("*.sql")))


def main(names: Sequence[str]) -> int:
    """1 if there is a fault; what is no SQL of the models or the store is left out."""
    asked = {Path(name).resolve().relative_to(ROOT) for name in names}
    paths = [path for path in every_file() if not names or path in asked]
    with ProcessPoolExecutor(2) as pool:
        told = [fault for of_file in pool.map(faults, paths) for fault in of_file]
    print(*told, sep="\n", end="\n" if told else "")
    return 1 if told else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
