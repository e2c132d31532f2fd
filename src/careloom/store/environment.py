"""For which environment a store was made: its name in one row; none in production's."""

from __future__ import annotations

import psycopg

from careloom.core.errors import Fix

_TABLE = "careloom.environment"


def name_in(connection: psycopg.Connection) -> str:
    """The environment's name; "" for production's store, and for one from before environments had names."""
    row = connection.execute("select to_regclass(%s) is not null", (_TABLE,)).fetchone()
    if not row or not row[0]:
        return ""
    name_row = connection.execute(f"select name from {_TABLE}").fetchone()
    return str(name_row[0]) if name_row else ""


def set_name(connection: psycopg.Connection, environment: str) -> None:
    """Name a store that was made in this transaction."""
    connection.execute(f"insert into {_TABLE} (name) values (%s)", (environment,))


def refuse_other(connection: psycopg.Connection, environment: str) -> None:
    """Fix where the store was made for another environment than `environment` ("": production)."""
    stored_name = name_in(connection)
    if stored_name == environment:
        return
    if environment:
        step = f"give {environment!r} a new database of its own: `database:` in careloom.{environment}.yaml"
    else:
        step = f"say --env {stored_name}, or set CARELOOM_DATABASE_URL to production's database"
    raise Fix(f"this database was made for {_said(stored_name)}, and {_said(environment)} was asked for; {step}")


def _said(environment: str) -> str:
    return f"the environment {environment!r}" if environment else "production (no environment)"
