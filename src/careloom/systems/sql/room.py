"""The room of kind "sql": one entry under `systems:` for each database or folder of files, told apart by its URL."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict

from careloom.core.ports import Source
from careloom.core.rooms import Room, Surroundings
from careloom.systems.sql.bigquery import open_bigquery
from careloom.systems.sql.duckdb_file import open_duckdb
from careloom.systems.sql.faults import fault, nearest
from careloom.systems.sql.folder import open_csv, open_parquet
from careloom.systems.sql.mysql import open_mysql
from careloom.systems.sql.postgres import open_postgres


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
    "duckdb": open_duckdb,
    "csv": open_csv,
    "parquet": open_parquet,
    "postgresql": open_postgres,
    "postgres": open_postgres,
    "mysql": open_mysql,
    "mariadb": open_mysql,
    "bigquery": open_bigquery,
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


ROOM = Room(kind="sql", options=SqlOptions, source=open_source)
