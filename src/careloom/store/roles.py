"""Roles of the database that may do only what their part does: the receiver keeps events, the worker works, a reader reads."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg

from careloom.core.errors import Fix
from careloom.store.database import Store
from careloom.store.migrations import pending_in
from careloom.store.statements import statements

RECEIVER, WORKER, READER = "careloom_receiver", "careloom_worker", "careloom_reader"
ROLES = (RECEIVER, WORKER, READER)
_LAST = "running"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningRole:
    """What the role that this process connects as may do beyond its part."""

    superuser: bool
    makes_roles: bool


def make_roles(url: str) -> list[str]:
    """Make the roles where they are not, and give each what it needs, no more; their names. To be run after each migration.

    They are for logins to be members of; none of them can log in. Fix if the role at `url` may not do that.
    """
    with psycopg.connect(url) as connection:
        connection.execute("set client_min_messages = warning")
        if pending_in(connection):
            raise Fix("the database is not up to date; run: careloom migrate --roles")
        try:
            for name, statement in _SQL.items():
                if name != _LAST:
                    connection.execute(statement)
        except psycopg.errors.InsufficientPrivilege:
            raise Fix(
                "this role may not make roles, or does not own what it would hand over: run careloom migrate --roles as the "
                "owner of the database with CREATEROLE, the one that ran careloom migrate before"
            ) from None
    return list(ROLES)


def running_role(store: Store) -> RunningRole:
    """What this process's role may do beyond its part."""
    with store.transaction() as connection:
        row = connection.execute(_SQL[_LAST]).fetchone()
    return RunningRole(superuser=bool(row and row[0]), makes_roles=bool(row and row[1]))


_SQL = statements("roles")
