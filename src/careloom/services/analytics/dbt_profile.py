"""The dbt profile of a project's database, and the variables by which any client of PostgreSQL finds the same database."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict

from careloom.services.analytics.dbt_process import SESSION
from careloom.store.database import Store

ANALYTICS = "analytics"
"""The schema of the models that everyone reads."""
_PASSWORD = "CARELOOM_DBT_PASSWORD"  # noqa: S105 the name of a variable


def database_variables(store: Store, timezone: ZoneInfo) -> dict[str, str]:
    """The variables of libpq for the store's database, PGTZ for the project's zone, and the password that the profile asks for."""
    address = conninfo_to_dict(store.url)
    variables = {option.keyword.decode(): (option.envvar or b"").decode() for option in pq.Conninfo.get_defaults()}
    environment = {variables[key]: str(value) for key, value in address.items() if variables.get(key) and value}
    environment.pop(SESSION, None)  # sessions are called by the process that begins them
    connection = _reached(store)
    overrides = {variables[key]: str(value) for key, value in connection.items() if value}
    return {**environment, **overrides, "PGTZ": timezone.key, _PASSWORD: str(connection["password"])}


def write_profile(folder: Path, store: Store, schema: str = ANALYTICS) -> None:
    """Write the profile `careloom` for dbt into `folder`, without the password, which goes by the environment."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    output: dict[str, Any] = {
        "type": "postgres",
        "schema": schema,
        "threads": 2,
        "application_name": f"{{{{ env_var('{SESSION}', 'dbt') }}}}",
        **_reached(store),
        "password": f"{{{{ env_var('{_PASSWORD}') }}}}",
    }
    if mode := conninfo_to_dict(store.url).get("sslmode"):
        output["sslmode"] = mode
    profile = {"careloom": {"target": "careloom", "outputs": {"careloom": output}}}
    # JSON is YAML, and quotes whatever an address may hold. Another dbt may be reading the former one.
    fresh = folder / f".profiles.{os.getpid()}"
    fresh.write_bytes(orjson.dumps(profile))
    fresh.replace(folder / "profiles.yml")


def _reached(store: Store) -> dict[str, str | int]:
    """Where the store is and as whom, as its own connection knows it: an address may leave all of that to its surroundings."""
    with store.transaction() as connection:
        info = connection.info
        return {
            "host": info.host,
            "port": info.port,
            "user": info.user,
            "dbname": info.dbname,
            "password": info.password,
        }
