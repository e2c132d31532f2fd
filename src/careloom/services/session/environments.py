"""The settings of one environment: its database is never production's, neither by omission nor by name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from careloom.core.errors import Fix
from careloom.core.folders import HIDDEN
from careloom.project.overlay import database_named, overlay_name
from careloom.services.session.settings import Settings, check_address

_HERE = frozenset({"", "localhost", "127.0.0.1", "::1"})


def hidden_folder(folder: Path, settings: Settings) -> Path:
    """Where careloom keeps what it needs for the project in `folder`: of each environment apart."""
    return folder / HIDDEN / "env" / settings.env if settings.env else folder / HIDDEN


def in_environment(folder: Path, settings: Settings) -> Settings:
    """The settings with the database of their environment; as they are where they name none.

    UsageFault where there is no such environment, ProjectFault where its file is wrong. Fix where it would be production's
    database: CARELOOM_DATABASE_URL names one, and the file names none, or the same.
    """
    if not settings.env or settings.has_own_database:
        return settings
    database, file = database_named(folder, settings.env), overlay_name(settings.env)
    step = (
        f"write `database: secret:{settings.env}-database-url` in {file}, and set that secret to a database of its own"
    )
    if database is None:
        if settings.database_url is not None:
            raise Fix(
                f"the environment {settings.env!r} names no database, and CARELOOM_DATABASE_URL is production's; {step}"
            )
        return replace(settings, has_own_database=True)
    url = settings.secret(database)
    check_address(url, f"`database` in {file}")
    if settings.database_url is not None and _same(url, settings.database_url):
        raise Fix(
            f"the environment {settings.env!r} names the database that CARELOOM_DATABASE_URL names, which is production's; "
            f"{step}"
        )
    return replace(settings, database_url=url, has_own_database=True)


def _same(url: str, production_url: str) -> bool:
    """Whether both addresses lead to one database; user, password and the rest do not matter."""
    places, production_places = _places(url), _places(production_url)
    return bool(places & production_places)


def _places(url: str) -> set[tuple[str, str, str]]:
    parts = {key: str(value) for key, value in conninfo_to_dict(url).items()}
    hosts = (parts.get("hostaddr") or parts.get("host") or "").lower().split(",")
    ports = parts.get("port", "5432").split(",")
    ports = ports if len(ports) == len(hosts) else ports[:1] * len(hosts)
    database = parts.get("dbname") or parts.get("user") or ""
    return {("" if host in _HERE else host, port or "5432", database) for host, port in zip(hosts, ports, strict=True)}
