"""The room of SQL keeps what every room promises, for each kind of place that this machine has."""

from __future__ import annotations

from pathlib import Path

import duckdb
import psycopg
import pytest

from careloom.core.ports import Since
from careloom.systems.sql.room import ROOM
from careloom.vendor_kit.testing.case import context_of
from careloom.vendor_kit.testing.source import SourceCase, SourceContract

ROWS = [(number, f"Abernathy {number}", f"2026-03-0{number}") for number in range(1, 6)]


def csv_folder(folder: Path, _database: str) -> str:
    lines = "".join(f"{number},{name},{day}\n" for number, name, day in ROWS)
    (folder / "people.csv").write_text("id,name,changed\n" + lines)
    return f"csv://{folder}"


def duckdb_file(folder: Path, _database: str) -> str:
    with duckdb.connect(folder / "clinic.duckdb") as connection:
        connection.execute("create table people (id bigint, name varchar, changed date)")
        connection.executemany("insert into people values (?, ?, ?)", ROWS)
    return f"duckdb://{folder}/clinic.duckdb"


def postgres(_folder: Path, database: str) -> str:
    with psycopg.connect(database) as connection:
        connection.execute("create table people (id bigint, name text, changed date)")
        connection.cursor().executemany("insert into people values (%s, %s, %s)", ROWS)
    return database


class TestSource(SourceContract):
    kind = "sql"

    @pytest.fixture(params=[csv_folder, duckdb_file, postgres], ids=lambda make: make.__name__)
    def case(self, tmp_path: Path, database: str, request: pytest.FixtureRequest) -> SourceCase:
        url = request.param(tmp_path, database)
        return SourceCase(
            opened=lambda: ROOM.source(ROOM.options.model_validate({"url": url}), context_of(folder=tmp_path)),
            table="people",
            columns=["id", "name", "changed"],
            rows=5,
            since=Since(column="changed", value="2026-03-04"),
            newer=2,
            private_texts=["Abernathy"],
        )
