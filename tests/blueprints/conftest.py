"""What the blueprints' tests share: a warm dbt, and a database that is always called the same, so that what dbt has read of a project stays true."""

from __future__ import annotations

import os
from collections.abc import Iterator

import psycopg
import pytest

from careloom.services.analytics import build
from warm_python import WarmSystem


@pytest.fixture(scope="session", autouse=True)
def _warm_dbt() -> Iterator[None]:
    """dbt begins as it always does, in a process of its own, but for what it would load."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build, "sys", WarmSystem())
        yield


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
