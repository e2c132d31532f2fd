"""What the blueprints' tests share: a database that is always called the same, so that what dbt has read of a project stays true."""

from __future__ import annotations

import os
from collections.abc import Iterator

import psycopg
import pytest


@pytest.fixture
def database(server_url: str, template: str) -> Iterator[str]:
    """The URL of a fresh, migrated database, dropped afterwards; what dbt has read is bound to its name."""
    name = f"blueprint_{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
    yield server_url.replace(":///careloom?", f":///{name}?")
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
