"""The grammar of a field's `from`: one SQL expression over the source's columns, and nothing that could reach further."""

from __future__ import annotations

import re

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, SqlglotError
from sqlglot.expressions import Expr

from careloom.project.functions import ALLOWED, CLOCK_AND_CHANCE, OUTSIDE
from careloom.project.nearest import closest
from careloom.project.nodes import Mistake

DIALECT = "duckdb"
MOST_LETTERS = 10_000
_IN_SOURCE = "put it in `from: {sql: …}`"

_PLAIN = (
    exp.Column,
    exp.Identifier,
    exp.Literal,
    exp.Boolean,
    exp.Null,
    exp.Paren,
    exp.Binary,
    exp.Unary,
    exp.Case,
    exp.If,
    exp.Cast,
    exp.DataType,
    exp.DataTypeParam,
    exp.Between,
    exp.In,
    exp.Interval,
    exp.IntervalSpan,
    exp.Var,
    exp.Bracket,
    exp.AtTimeZone,
    exp.Tuple,
    exp.Coalesce,
    exp.Collate,
    exp.Array,
    exp.Slice,
    exp.JSONPath,
    exp.JSONPathPart,
    exp.Filter,
    exp.Where,
    exp.IgnoreNulls,
)
_BANNED_BINARY = (exp.Dot, exp.PropertyEQ, exp.Kwarg)


def parse_expression(text: str) -> Expr | list[Mistake]:
    """`text` parsed, its columns quoted; or everything that forbids it, in the order of the text."""
    if len(text) > MOST_LETTERS:
        return [_mistake("sql", f"the expression is longer than {MOST_LETTERS:,} letters", "compute it in a view")]
    try:
        trees = _read(text)
    except ParseError as error:
        return [_parse_mistake(error, text)]
    except (SqlglotError, RecursionError, ValueError):
        return [_mistake("sql", "this is no SQL expression", "check its quotes and brackets")]
    if len(trees) != 1 or trees[0] is None:
        cause = "there must be one expression here" if len(trees) > 1 else "there is no expression"
        return [_mistake("sql", cause, "write a column or an expression over columns")]
    tree = trees[0]
    mistakes = _forbidden(tree) or _check_repairs(tree)
    if mistakes:
        return sorted(mistakes, key=lambda mistake: (mistake.line, mistake.column))
    for name in tree.find_all(exp.Identifier):
        name.set("quoted", True)  # noqa: FBT003 - sqlglot's own interface
    return tree


def _check_repairs(tree: Expr) -> list[Mistake]:
    """What sqlglot repairs in silence (an argument too few or too many) does not come back when written and read again."""
    try:
        _read(tree.sql(dialect=DIALECT, comments=False))
    except (SqlglotError, RecursionError, ValueError):
        return [_mistake("sql", "an operator or a function has too few or too many values", "check what is next to it")]
    return []


def _read(text: str) -> list[Expr | None]:
    """Read as expressions from the start: a column may be called Comment or Call, which also begin statements."""
    return sqlglot.Dialect.get_or_raise(DIALECT).parse_into(exp.Condition, text)


def lineage(expression: Expr) -> list[str]:
    """The columns an expression reads, each once, in order, spelled as written."""
    names = (column.name for column in expression.find_all(exp.Column, bfs=False))
    return list(dict.fromkeys(names))


def place_in_text(node: Expr) -> tuple[int, int]:
    """Line and column, from 1, at which `node` begins in the text it was parsed from."""
    for part in node.walk(bfs=False):
        meta = part.meta
        if "line" in meta:
            return int(meta["line"]), int(meta["col"]) - (int(meta["end"]) - int(meta["start"]))
    return 1, 1


def _mistake(code: str, cause: str, fix: str, node: Expr | None = None) -> Mistake:
    line, column = place_in_text(node) if node is not None else (1, 1)
    return Mistake(line=line, column=column, code=code, cause=cause, fix=fix)


def _parse_mistake(error: ParseError, text: str) -> Mistake:
    detail = error.errors[0] if error.errors else {}
    line, end, token = int(detail.get("line") or 1), int(detail.get("col") or 1), str(detail.get("highlight") or "")
    column = max(end - len(token) + 1, 1)
    if re.fullmatch(r"\s*(SELECT|WITH|FROM|VALUES)\b.*", text, re.IGNORECASE | re.DOTALL):
        return _mistake("sql-forbidden", "a query is where an expression is expected", _IN_SOURCE)
    if re.fullmatch(r"(?i)(?!.*\bas\b)\s*\w+(\s+\w+)+\s*", text):
        cause, fix = (
            f"words are side by side: `{text.strip()}`",
            f"if one column is meant, quote it: '\"{text.strip()}\"'",
        )
        return Mistake(line=line, column=column, code="sql", cause=cause, fix=fix)
    if "Required keyword" in str(detail.get("description")):
        cause = f"something is missing beside `{token}`" if token else "something is missing"
    else:
        cause = f"`{token}` is not expected here" if token else "this is no SQL expression"
    fix = "write one SQL expression; a name with blanks, or one that SQL uses itself, goes in double quotes"
    return Mistake(line=line, column=column, code="sql", cause=cause, fix=fix)


def _forbidden(tree: Expr) -> list[Mistake]:
    mistakes: list[Mistake] = []
    for node in tree.walk(prune=lambda part: isinstance(part, exp.Query | exp.Window | exp.Lambda)):
        mistake = _judge(node)
        if mistake is not None:
            mistakes.append(mistake)
    return mistakes


def _judge(node: Expr) -> Mistake | None:  # noqa: PLR0911 - one line for each kind of thing that is forbidden
    if isinstance(node, exp.Query):
        return _mistake("sql-forbidden", "a subquery is not allowed here", _IN_SOURCE, node)
    if isinstance(node, exp.Window):
        return _mistake("sql-forbidden", "a window function is not allowed here", _IN_SOURCE, node)
    if isinstance(node, exp.AggFunc):
        name = node.sql_name().lower()
        return _mistake("sql-forbidden", f"`{name}` needs many rows, a field has one", _IN_SOURCE, node)
    if isinstance(node, exp.Column):
        return _column(node)
    if isinstance(node, exp.Case | exp.If | exp.Cast | exp.Coalesce) or (
        isinstance(node, exp.Binary) and node.key != "dot"
    ):
        return None if not isinstance(node, _BANNED_BINARY) else _strange(node)
    if isinstance(node, _PLAIN):
        return None
    if isinstance(node, exp.Func):
        return _function(node)
    return _strange(node)


def _strange(node: Expr) -> Mistake:
    return _mistake(
        "sql-forbidden",
        f"`{node.sql(dialect=DIALECT)}` is not allowed here",
        "use columns, operators and functions",
        node,
    )


def _column(node: exp.Column) -> Mistake | None:
    if isinstance(node.this, exp.Star):
        return _mistake("sql", "`*` is all columns", "name one column", node)
    if node.table:
        full_name = ".".join(part.name for part in node.parts)
        return _mistake("sql", f"`{full_name}` names a table too", f"write just the column: `{node.name}`", node)
    return None


def _function(node: exp.Func) -> Mistake | None:
    names = [node.name.lower()] if isinstance(node, exp.Anonymous) else [name.lower() for name in node.sql_names()]
    names.append(_spelling(node))
    name = names[-1] or names[0]
    if any(candidate in CLOCK_AND_CHANCE for candidate in names):
        fix = "a run must be repeatable: compute it in the source, or leave it out"
        return _mistake("sql-forbidden", f"`{name}` gives another answer each time", fix, node)
    if any(candidate in OUTSIDE for candidate in names):
        fix = "use only columns and functions of columns"
        return _mistake("sql-forbidden", f"`{name}` looks at something outside the row", fix, node)
    if isinstance(node, exp.UDTF):
        return _mistake("sql-forbidden", f"`{name}` gives rows, not a value", _IN_SOURCE, node)
    if any(candidate in ALLOWED for candidate in names):
        return None
    near = closest(name, ALLOWED)
    fix = f"did you mean `{near}`?" if near else "use a scalar function of DuckDB, or compute it in the source"
    return _mistake("unknown-function", f"`{name}` is no function that a field may use", fix, node)


def _spelling(node: exp.Func) -> str:
    """The function's name as DuckDB spells it."""
    return node.sql(dialect=DIALECT).partition("(")[0].strip().lower()
