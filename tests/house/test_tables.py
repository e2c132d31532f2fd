"""Where statements live: services hold none, and every working table of the engine is made, and explained, in one file."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import careloom
from careloom.engine.workspace import open_workspace

HOUSE = Path(careloom.__file__).parent
TABLES = HOUSE / "engine" / "sync" / "tables.sql"
STATEMENT = re.compile(
    r"^\s*(select\s.+\sfrom\s|from\s+\w+\s*$|with\s+\w+\s+as\s*\(|insert\s+into\s|update\s+\S+\s+set\s|delete\s+from\s"
    r"|(create|alter|drop|truncate)\s+(or\s+replace\s+)?(temp\s+)?(table|view|schema|macro)\s)",
    re.IGNORECASE | re.DOTALL,
)
MADE = re.compile(r"create\s+(?:or\s+replace\s+)?(?:temp\s+)?table\s+(?:if\s+not\s+exists\s+)?([\w{}]+)", re.IGNORECASE)
RUNS = {"execute", "executemany", "executescript"}


def statements_in(source: str) -> list[str]:
    """What a module runs or spells of SQL: the calls that run statements, and the texts that are some."""
    faults = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in RUNS:
            faults.append(f"line {node.lineno}: {node.func.attr}(…)")
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and STATEMENT.match(node.value):
            faults.append(f"line {node.lineno}: {node.value.strip()[:40]!r}")
    return faults


def test_services_hold_no_statement() -> None:
    faults = {
        f"{path.relative_to(HOUSE)}, {fault}"
        for path in sorted((HOUSE / "services").rglob("*.py"))
        for fault in statements_in(path.read_text(encoding="utf-8"))
    }
    assert not faults


@pytest.mark.parametrize(
    "source",
    [
        "db.execute(words)",
        "rows = connection.execute(statements('x')['y'])",
        "text = 'select key from held'",
        "text = f'insert into {table} values'",
        "text = 'delete from held where key = 1'",
        "text = '''\n  with rows as (select 1)\n  select * from rows'''",
        "text = 'create or replace temp table again as select 1'",
    ],
)
def test_a_statement_is_seen(source: str) -> None:
    assert statements_in(source)


def test_a_sentence_is_no_statement() -> None:
    assert not statements_in('text = "select label and value, or label, series and value"')


def made_outside() -> Iterator[str]:
    """Tables that something else of the engine makes than tables.sql and the one function that adds columns to them."""
    for path in sorted((HOUSE / "engine").rglob("*")):
        if path.suffix not in {".py", ".sql"} or path == TABLES:
            continue
        for match in MADE.finditer(path.read_text(encoding="utf-8")):
            if match.group(1) != "{table}" or path.name != "tables.py":
                yield f"{path.relative_to(HOUSE)}: {match.group(1)}"


def test_every_working_table_is_made_in_one_file() -> None:
    assert not list(made_outside())


def documented_tables(text: str) -> dict[str, set[str]]:
    """The tables of a file like tables.sql with their columns; fails where one has no comment."""
    tables: dict[str, set[str]] = {}
    lines, table = text.splitlines(), ""
    for number, line in enumerate(lines):
        if match := re.fullmatch(r"create table (\w+) \(", line):
            table = match.group(1)
            assert lines[number - 1].startswith("-- "), f"{table}: say what a line of it is, and who fills it"
            tables[table] = set()
        elif line == ");":
            table = ""
        elif table and not line.strip().startswith("-- "):
            match = re.fullmatch(r"    (\w+) [\w\[\]]+,?  -- (\S.+)", line)
            assert match, f"{table}: {line.strip()!r} has no comment"
            tables[table].add(match.group(1))
    return tables


def test_every_working_table_and_column_is_explained_and_there_when_a_workspace_opens(tmp_path: Path) -> None:
    with open_workspace(tmp_path) as db:
        columns = db.execute("select table_name, column_name from information_schema.columns").fetchall()
    tables = documented_tables(TABLES.read_text(encoding="utf-8"))
    assert {(table, column) for table, names in tables.items() for column in names} == set(columns)


@pytest.mark.parametrize(
    "text",
    ["create table held (\n    key varchar,  -- a key\n);", "-- Lines.\ncreate table held (\n    key varchar,\n);"],
)
def test_a_table_or_a_column_without_a_comment_is_seen(text: str) -> None:
    with pytest.raises(AssertionError):
        documented_tables(text)
