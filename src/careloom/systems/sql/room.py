"""The room of kind "sql": one entry under `systems:` for each database or folder of files, told apart by its URL."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict

from careloom.core.ports import Source
from careloom.core.rooms import Room, Surroundings, deferred
from careloom.systems.sql.faults import fault, nearest


class SqlOptions(BaseModel):
    """An entry under `systems:` of kind "sql".

    `url`      duckdb://FILE, csv://FOLDER, parquet://FOLDER, postgresql://…, mysql://… or bigquery://PROJECT/DATASET
    `password` a secret's name (secret:NAME): a database's password, or a service account's key as JSON
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str
    password: str = ""


Opener = Callable[[str, str, Surroundings], Source]

OPENERS: dict[str, Opener] = {
    "duckdb": deferred("careloom.systems.sql.duckdb_file", "open_duckdb"),
    "csv": deferred("careloom.systems.sql.folder", "open_csv"),
    "parquet": deferred("careloom.systems.sql.folder", "open_parquet"),
    "postgresql": deferred("careloom.systems.sql.postgres", "open_postgres"),
    "postgres": deferred("careloom.systems.sql.postgres", "open_postgres"),
    "mysql": deferred("careloom.systems.sql.mysql", "open_mysql"),
    "mariadb": deferred("careloom.systems.sql.mysql", "open_mysql"),
    "bigquery": deferred("careloom.systems.sql.bigquery", "open_bigquery"),
}


def open_source(options: SqlOptions, surroundings: Surroundings) -> Source:
    """The source at `options.url`. ProjectFault if the URL is none we know or names nothing."""
    url = surroundings.secret(options.url)
    scheme = urlsplit(url).scheme.lower() if "://" in url else ""
    opener = OPENERS.get(scheme)
    if opener is None:
        raise fault(
            "unknown-url",
            f"{scheme or 'a URL without a scheme'} is no database that can be read",
            f"begin the url with {nearest(scheme, OPENERS)}",
            part="url",
        )
    return opener(url, surroundings.secret(options.password) if options.password else "", surroundings)


def stands(options: SqlOptions, folder: Path) -> Literal["here", "missing", "elsewhere"]:
    """Where the source is. A scheme that is none counts as here: opening it says so at once."""
    scheme, _, path = options.url.partition("://")
    if options.url.startswith("secret:") or (scheme.lower() in OPENERS and scheme.lower() not in _FILES):
        return "elsewhere"
    return "here" if scheme.lower() not in _FILES or (folder / path).exists() else "missing"


_FILES = frozenset({"csv", "parquet", "duckdb"})


ROOM = Room(kind="sql", options=SqlOptions, source=open_source, stands=stands)
