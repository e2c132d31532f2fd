"""A database is brought up from nothing, once, and never by a release that does not know it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import psycopg
import pytest
from psycopg.types.json import Jsonb

from careloom.core.errors import Fix
from careloom.store.database import open_store
from careloom.store.migrations import migrate, migrations, pending, queue_migrations

OURS = [migration.name for migration in migrations()]
NAMES = [queue_migrations()[-1].name, *OURS]


@pytest.fixture
def empty(server_url: str) -> Iterator[str]:
    name = f"empty_{uuid4().hex}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"create database {name}")
    yield server_url.replace(":///careloom?", f":///{name}?")
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"drop database {name} with (force)")


def test_each_has_a_number_of_its_own() -> None:
    numbers = [migration.number for migration in migrations()]
    assert numbers == sorted(set(numbers))


def test_an_empty_database_is_brought_up_and_the_second_time_nothing_is_done(empty: str) -> None:
    assert pending(empty) == NAMES
    with pytest.raises(Fix, match="run: careloom migrate"):
        open_store(empty)
    assert migrate(empty) == NAMES
    assert pending(empty) == []
    assert migrate(empty) == []
    open_store(empty).close()


def test_two_that_come_at_once_do_it_once(empty: str) -> None:
    with ThreadPoolExecutor(2) as pool:
        made = list(pool.map(migrate, [empty, empty]))
    assert sorted(made, key=len) == [[], NAMES]


def test_a_file_that_was_edited_after_it_was_applied_is_refused(empty: str) -> None:
    migrate(empty)
    with psycopg.connect(empty) as connection:
        connection.execute("update careloom.migration set digest = 'other' where number = 1")
    with pytest.raises(Fix, match="was edited after it was applied"):
        migrate(empty)


def test_a_database_that_is_newer_than_the_program_is_refused(empty: str) -> None:
    migrate(empty)
    with psycopg.connect(empty) as connection:
        connection.execute("insert into careloom.migration (number, name, digest) values (9999, 'later', 'x')")
    with pytest.raises(Fix, match="install the newer release"):
        migrate(empty)
    with pytest.raises(Fix, match="install the newer release"):
        open_store(empty)


def test_one_that_fails_leaves_nothing_behind(empty: str) -> None:
    with psycopg.connect(empty) as connection:
        connection.execute("create schema careloom")
        connection.execute("create table careloom.budget_limit (mine text)")
    with pytest.raises(psycopg.errors.DuplicateTable):
        migrate(empty)
    assert pending(empty) == NAMES


def test_the_evidence_of_candidates_gets_its_full_names(empty: str) -> None:
    migrate(empty)
    letters = {"vf": "A", "vl": "N", "vd": "?", "em": True, "ph": None, "zp": False, "gx": True}
    with psycopg.connect(empty) as connection:
        connection.execute("set search_path = careloom")
        connection.execute("delete from migration where number = 24")
        for key, evidence in (("old", letters), ("new", {"first_name": "conflict"}), ("exact", {})):
            values = [key, Jsonb(evidence)]
            connection.execute("insert into candidate values ('people', %s, 'R1', 'rule', '', %s)", values)
    assert migrate(empty) == ["0024_evidence_by_name.sql"]
    with psycopg.connect(empty) as connection:
        evidence_by_key = dict(connection.execute("select key, verdicts from careloom.candidate").fetchall())
    assert evidence_by_key == {
        "old": {
            "first_name": "agree",
            "last_name": "near",
            "birth_date": "unknown",
            "email": True,
            "phone": None,
            "zip": False,
            "sex_differs": True,
        },
        "new": {"first_name": "conflict"},
        "exact": {},
    }
