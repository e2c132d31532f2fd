"""The room of kind "sql": one entry under `systems:` for each database or folder of files, told apart by its URL."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, field_validator
from pydantic_core import PydanticCustomError

from careloom.core.ports import Source
from careloom.core.rooms import Room, RoomContext
from careloom.systems.sql import bigquery, duckdb_file, folder, mysql, postgres
from careloom.systems.sql.faults import fault, nearest


class SqlOptions(BaseModel):
    """An entry under `systems:` of kind "sql".

    `url`      duckdb://FILE, csv://FOLDER, parquet://FOLDER, postgresql://…, mysql://… or bigquery://PROJECT/DATASET
    `password` a secret's name (secret:NAME): a database's password, or a service account's key as JSON
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str
    password: str = ""

    @field_validator("url")
    @classmethod
    def _known(cls, url: str) -> str:
        """The url, unless it is written out and begins as none that can be opened; a secret is seen when it is used."""
        if not url.startswith("secret:") and scheme_of(url) not in OPENERS:
            cause = f"`url` begins with `{scheme_of(url)}://`, which is no kind of database or file that can be read"
            if "://" not in url:
                cause = "`url` says nothing of what it is: it has no `://`"
            fix = f"begin it with one of {', '.join(OPENERS)}, such as `csv://data`; did you mean {nearest(scheme_of(url), OPENERS)}?"
            raise PydanticCustomError("unknown-url", "{cause}", {"cause": cause, "fix": fix})
        return url


def scheme_of(url: str) -> str:
    """What stands before "://", in small letters; "" if nothing does."""
    return urlsplit(url).scheme.lower() if "://" in url else ""


Opener = Callable[[str, str, RoomContext], Source]

OPENERS: dict[str, Callable[[], Opener]] = {
    "duckdb": lambda: duckdb_file.open_duckdb,
    "csv": lambda: folder.open_csv,
    "parquet": lambda: folder.open_parquet,
    "postgresql": lambda: postgres.open_postgres,
    "postgres": lambda: postgres.open_postgres,
    "mysql": lambda: mysql.open_mysql,
    "mariadb": lambda: mysql.open_mysql,
    "bigquery": lambda: bigquery.open_bigquery,
}
"""What opens each kind of URL, by its scheme; each is loaded when it is asked for."""


def open_source(options: SqlOptions, context: RoomContext) -> Source:
    """The source at `options.url`. ProjectFault if the URL is none we know or names nothing."""
    url = context.secret(options.url)
    scheme = scheme_of(url)
    opener = OPENERS.get(scheme)
    if opener is None:
        raise fault(
            "unknown-url",
            f"{scheme or 'a URL without a scheme'} is no database that can be read",
            f"begin the url with {nearest(scheme, OPENERS)}",
            part="url",
        )
    return opener()(url, context.secret(options.password) if options.password else "", context)


def stands(options: SqlOptions, home: Path) -> Literal["here", "missing", "elsewhere"]:
    """Where the source is. A scheme that is none counts as here: opening it says so at once."""
    scheme, _, path = options.url.partition("://")
    if options.url.startswith("secret:") or (scheme.lower() in OPENERS and scheme.lower() not in _FILES):
        return "elsewhere"
    return "here" if scheme.lower() not in _FILES or (home / path).exists() else "missing"


_FILES = frozenset({"csv", "parquet", "duckdb"})


ROOM = Room(kind="sql", options=SqlOptions, source=open_source, stands=stands)
