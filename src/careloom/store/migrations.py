"""Numbered SQL files, applied once each and in order, in one transaction under one lock.

The job queue's tables are procrastinate's: they come from its wheel, in the version that is installed, before our own files.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Container
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

import psycopg

from careloom.core.errors import Fix, Stop
from careloom.store.environment import refuse_other, set_name

SCHEMA = "careloom"
_LOCK = 7_266_135_001
"""Any number: the advisory lock that keeps two migrations apart."""
_QUEUE = 1_000_000_000
"""The queue's files are recorded under this number and their own: 03.04.00_50 is 1,003,040,050."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One file: `number` orders it, `digest` proves that an applied one was not edited."""

    number: int
    name: str
    text: str

    @property
    def digest(self) -> str:
        """SHA-256 of the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()


@cache
def migrations() -> tuple[Migration, ...]:
    """Every migration that ships with this release, in order."""
    folder = files("careloom.store") / "sql" / "migrations"
    entries = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".sql")), key=lambda entry: entry.name)
    return tuple(
        Migration(number=int(entry.name[:4]), name=entry.name, text=entry.read_text(encoding="utf-8"))
        for entry in entries
    )


def migrate(url: str, environment: str = "") -> list[str]:
    """Bring the database of `environment` at `url` up to this release; returns the names of the files applied.

    A new database gets the environment's name. Fix if it was made for another, if the database is newer than this release,
    or if an applied file differs from ours.
    """
    with psycopg.connect(url) as connection:
        connection.execute("set client_min_messages = warning")
        connection.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))
        connection.execute(f"create schema if not exists {SCHEMA}")
        connection.execute(f"set local search_path = {SCHEMA}")
        connection.execute(
            "create table if not exists migration (number integer primary key, name text not null,"
            " digest text not null, applied_at timestamptz not null default now())"
        )
        digests: dict[int, str] = dict(connection.execute("select number, digest from migration").fetchall())
        _check(digests)
        if digests:
            refuse_other(connection, environment)
        names = [_apply(connection, migration) for migration in _missing(digests)]
        if not digests and environment:
            set_name(connection, environment)
        return names


def drop_schema(url: str) -> None:
    """Remove all that `migrate` made at `url`, with what it holds."""
    with psycopg.connect(url) as connection:
        connection.execute(f"drop schema if exists {SCHEMA} cascade")


def pending(url: str) -> list[str]:
    """The names of the files that `migrate` would apply. Fix where `migrate` would refuse."""
    with psycopg.connect(url) as connection:
        return pending_in(connection)


def pending_in(connection: psycopg.Connection) -> list[str]:
    """The same of a connection that is open."""
    row = connection.execute("select to_regclass(%s) is not null", (f"{SCHEMA}.migration",)).fetchone()
    digests: dict[int, str] = {}
    if row and row[0]:
        digests = dict(connection.execute(f"select number, digest from {SCHEMA}.migration").fetchall())
    _check(digests)
    return [migration.name for migration in _missing(digests)]


@cache
def queue_migrations() -> tuple[Migration, ...]:
    """Every migration in the installed procrastinate, in order."""
    folder = _queue_folder() / "migrations"
    entries = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".sql")), key=lambda entry: entry.name)
    return tuple(
        Migration(
            number=_QUEUE + int("".join(re.findall(r"\d\d", entry.name[:11]))),
            name=f"queue {entry.name}",
            text=entry.read_text(encoding="utf-8"),
        )
        for entry in entries
    )


def _queue_folder() -> Path:
    """Where the installed procrastinate keeps its SQL; the package itself is not loaded for it."""
    spec = find_spec("procrastinate")
    if spec is None or spec.origin is None:
        raise Stop("the package procrastinate is not installed; install careloom again")
    return Path(spec.origin).parent / "sql"


def _queue_from_nothing() -> Migration:
    """The whole of the queue's schema, which is what all its migrations together make; recorded as the last of them."""
    last = queue_migrations()[-1]
    text = (_queue_folder() / "schema.sql").read_text(encoding="utf-8")
    return Migration(number=last.number, name=last.name, text=text)


def _missing(numbers: Container[int]) -> list[Migration]:
    """What is to be applied, in order: the queue first, since our own files refer to it."""
    queue_numbers = [migration.number for migration in queue_migrations() if migration.number in numbers]
    if queue_numbers:
        queue = [migration for migration in queue_migrations() if migration.number > max(queue_numbers)]
    else:
        queue = [_queue_from_nothing()]
    return [*queue, *(migration for migration in migrations() if migration.number not in numbers)]


def _check(digests: dict[int, str]) -> None:
    own_migrations = {migration.number: migration for migration in migrations()}
    queue = {migration.number for migration in queue_migrations()}
    for number, digest in digests.items():
        if number in queue:
            continue
        if number not in own_migrations:
            raise Fix(
                f"the database has migration {number:04d}, which this release of careloom does not know; "
                "install the newer release"
            )
        if own_migrations[number].digest != digest:
            raise Fix(
                f"migration {own_migrations[number].name} was edited after it was applied; restore the released file"
            )


def _apply(connection: psycopg.Connection, migration: Migration) -> str:
    connection.execute(migration.text.encode())
    connection.execute(
        "insert into migration (number, name, digest) values (%s, %s, %s)",
        (migration.number, migration.name, migration.digest),
    )
    return migration.name
