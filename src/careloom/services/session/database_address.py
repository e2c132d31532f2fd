"""Where the store is, as PostgreSQL's own clients read it."""

from __future__ import annotations

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict


def is_readable(url: str) -> bool:
    """Whether PostgreSQL's clients would take it for an address."""
    try:
        conninfo_to_dict(url)
    except ProgrammingError:
        return False
    return True
