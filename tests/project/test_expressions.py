from __future__ import annotations

import re

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlglot.dialects.duckdb import DuckDB

from careloom.project.expressions import read_expression
from careloom.project.functions import ALLOWED, CLOCK_AND_CHANCE, OUTSIDE
from careloom.project.grammar import lineage, parse_expression


@pytest.mark.parametrize(
    ("text", "sql", "columns"),
    [
        ("FirstName", '"FirstName"', ["FirstName"]),
        ('"Patient Name"', '"Patient Name"', ["Patient Name"]),
        ("Comment", '"Comment"', ["Comment"]),
        ("Order || Call", '"Order" || "Call"', ["Order", "Call"]),
        ("upper(a) || coalesce(b, a)", 'UPPER("a") || COALESCE("b", "a")', ["a", "b"]),
        ("CASE WHEN a > 1 THEN b ELSE 'x' END", 'CASE WHEN "a" > 1 THEN "b" ELSE \'x\' END', ["a", "b"]),
        ("DOB::DATE", 'CAST("DOB" AS DATE)', ["DOB"]),
        ("TRY_CAST(a AS DECIMAL(10, 2))", 'TRY_CAST("a" AS DECIMAL(10, 2))', ["a"]),
        ("d + INTERVAL 1 DAY", "\"d\" + INTERVAL '1' DAY", ["d"]),
        ("t AT TIME ZONE 'UTC'", "\"t\" AT TIME ZONE 'UTC'", ["t"]),
        ("a IN ('x', 'y') AND b IS NOT NULL", "\"a\" IN ('x', 'y') AND NOT \"b\" IS NULL", ["a", "b"]),
        ("date_trunc('month', d)", "DATE_TRUNC('MONTH', \"d\")", ["d"]),
        ("names[1]", '"names"[1]', ["names"]),
        ("j ->> 'city'", "\"j\" ->> '$.city'", ["j"]),
        ("'x''y -- z'", "'x''y -- z'", []),
    ],
)
def test_an_expression_keeps_its_meaning_and_quotes_its_columns(text: str, sql: str, columns: list[str]) -> None:
    parsed = parse_expression(text)
    assert not isinstance(parsed, list), parsed
    assert parsed.sql(dialect="duckdb") == sql
    assert lineage(parsed) == columns


HOSTILE = """
random() | CASE WHEN now() > d THEN 1 END | cast(now() as date) | coalesce(a, now()) | a || random() | x[random()] | not random()
d + to_days(random()) | INTERVAL (random()) DAY | now() BETWEEN a AND b | a IN (random(), 1) | a LIKE now() | [random()] | {'a': now()}
MAP {1: now()} | list_transform(x, y -> now()) | a.now() | current_timestamp | localtime | get_current_timestamp() | uuid() | gen_random_uuid()
(SELECT 1) | a IN (SELECT 1) | EXISTS (SELECT 1) | a = ANY (SELECT 1) | SELECT 1 | WITH x AS (SELECT 1) SELECT 1 | FROM x | VALUES (1)
sum(a) | count(*) | max(a) FILTER (WHERE a > 1) | any_value(a) | first(a) | row_number() OVER () | lag(a) OVER (ORDER BY b) | string_agg(a, ',')
read_text('/etc/passwd') | read_csv('x') | read_blob(a) | glob('*') | getenv('HOME') | current_setting('x') | current_user | version()
nextval('s') | setseed(1) | query('x') | which_secret('a', 'b') | unnest(a) | generate_series(1, 2) | range(3) | a.* | * | COLUMNS('a.*')
a := 1 | $1 | ? | #1 | :x | a; DROP TABLE x | a, b | DROP TABLE x | ATTACH 'x' | COPY x TO 'y' | SET x = 1 | INSTALL httpfs | PRAGMA version
""".replace("\n", " | ").split(" | ")  # fmt: skip


@pytest.mark.parametrize("text", [text for text in HOSTILE if text.strip()])
def test_what_reaches_beyond_the_row_is_forbidden(text: str) -> None:
    assert isinstance(parse_expression(text), list)


@pytest.mark.parametrize(
    "text", ["@", "upper(a, 1)", "a +", "(a", "CASE", "-- nothing", "", "  ", "'open", "a" * 20_000, "(" * 3000 + "a"]
)
def test_what_is_no_whole_expression_is_a_mistake(text: str) -> None:
    assert isinstance(parse_expression(text), list)


@given(st.text(alphabet="ab1'\"(),.;:+-*/%|&<>=!?$#@[]{}\\ \n_AND CASE SELECT", max_size=40))
def test_no_text_makes_the_parser_stumble_and_what_it_takes_can_be_written_again(text: str) -> None:
    parsed = parse_expression(text)
    if isinstance(parsed, list):
        assert parsed
        assert all(mistake.line >= 1 and mistake.column >= 1 for mistake in parsed)
    else:
        assert not isinstance(parse_expression(parsed.sql(dialect="duckdb", comments=False)), list)


def test_every_function_that_is_allowed_is_scalar_and_repeatable_in_duckdb() -> None:
    rows = duckdb.execute(
        "SELECT lower(function_name), bool_or(stability = 'CONSISTENT' OR function_type = 'macro'), bool_or(function_type IN ('scalar', 'macro')) "
        "FROM duckdb_functions() GROUP BY 1"
    ).fetchall()
    scalars_by_name = {name: consistent and scalar for name, consistent, scalar in rows}
    assert {name for name in ALLOWED if scalars_by_name.get(name) is False} == set()
    assert not ALLOWED & (CLOCK_AND_CHANCE | OUTSIDE)


def test_every_function_of_duckdb_that_changes_its_answer_is_refused() -> None:
    rows = duckdb.execute(
        "SELECT DISTINCT function_name FROM duckdb_functions() "
        "WHERE function_type = 'scalar' AND stability <> 'CONSISTENT' AND regexp_full_match(function_name, '[a-z_0-9]+')"
    ).fetchall()
    assert len(rows) > 10
    assert [name for (name,) in rows if not isinstance(parse_expression(f"{name}(a)"), list)] == []


def test_every_table_and_aggregate_function_of_duckdb_is_refused() -> None:
    rows = duckdb.execute(
        "SELECT function_name FROM duckdb_functions() WHERE regexp_full_match(function_name, '[a-z_0-9]+') GROUP BY 1 "
        "HAVING bool_and(function_type IN ('table', 'aggregate', 'table_macro', 'pragma'))"
    ).fetchall()
    assert len(rows) > 50
    assert [name for (name,) in rows if not isinstance(parse_expression(f"{name}(a)"), list)] == []


def test_a_plain_name_is_read_as_the_grammar_reads_it() -> None:
    """A name alone is read without the grammar; no word of its tokenizer or parser may mean something else to it."""
    tokenizer, parser = DuckDB.Tokenizer, DuckDB.Parser
    words = {*tokenizer.KEYWORDS, *parser.NO_PAREN_FUNCTION_PARSERS, *parser.FUNCTIONS, "id", "E1", "_x"}
    names = [word for word in words if re.fullmatch(r"[A-Za-z_]\w*", word, re.ASCII)]
    assert len(names) > 500
    for name in names:
        tree = parse_expression(name)
        whole = tree if isinstance(tree, list) else tree.sql(dialect="duckdb", comments=False)
        read = read_expression(name)
        assert (read == whole) or (isinstance(read, list) and isinstance(whole, list)), name
