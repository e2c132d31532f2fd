"""What dbt says of a model that failed: the line that names the mistake, where it quotes no person's data."""

from __future__ import annotations

import re

_MISTAKES = re.compile(
    r"(column|relation|function|schema|type|operator|table) .*(does not exist|is ambiguous)"
    r'|column .* must appear in the GROUP BY|column reference ".*" is ambiguous'
    r'|syntax error at (or near ".*"|end of input)'
    r"|missing FROM-clause entry|invalid reference to FROM-clause entry"
    r"|cannot (drop columns from|change (name|data type) of) view|cannot drop .* because other objects depend on it"
    r"|permission denied for|must be owner of|aggregate functions are not allowed"
)
"""What PostgreSQL says of a statement that it did not begin to carry out (SQLSTATE class 42, and rights): names and SQL only."""
_READING = ("Compilation Error", "Parsing Error", "Dependency Error", "Runtime Error")
"""What dbt says of a project that it cannot read: nothing was asked of the database yet."""
_COLLISIONS = re.compile(
    r'duplicate key value violates unique constraint "pg_|tuple concurrently (updated|deleted)|deadlock detected'
)
"""What two builds at once, or a build beside another's change of the same views, end in."""
_COMPILED = re.compile(r"compiled code at (\S+)")
_LINES = 3


def mistake_in(message: str) -> str:
    """The heading of `message`, the line that names the mistake, and where the compiled code is; "" where it may quote data."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    if not lines:
        return ""
    mistakes = [line for line in lines[1:] if _MISTAKES.search(line)][:1]
    if lines[0].startswith(_READING):
        mistakes = lines[1:_LINES]
    path = _COMPILED.search(message)
    return "\n".join([lines[0], *mistakes, *([f"compiled: {path[1]}"] if path else [])]) if mistakes else ""


def mistake_before(log: str) -> str:
    """The same, of a dbt that ended before it came to the models; `log` is all that it said."""
    lines = [line.split("  ", 1)[-1].strip() for line in log.splitlines()]
    starts = [number for number, line in enumerate(lines) if line.startswith(_READING)]
    return "\n".join(line for line in lines[starts[-1] : starts[-1] + _LINES] if line) if starts else ""


def is_collision(message: str) -> bool:
    """Whether what failed met another session's change of the same thing, and may go well a moment later."""
    return _COLLISIONS.search(message) is not None
