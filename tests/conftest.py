"""What every test may ask for: a PostgreSQL of its own kind, and an environment with nothing in it."""

from __future__ import annotations

import fcntl
import gc
import os
import shutil
import signal
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import hypothesis
import psycopg
import pytest
import structlog

from careloom.services.analytics import build
from careloom.services.operate import demo, simulate
from careloom.store.migrations import migrate
from careloom.store.server import embedded, watchdog
from careloom.store.server.embedded import ensure_server, leave_server
from careloom.vendor_kit.simulator import process as simulator_process
from run import PREFIX, folders_root, run_folder
from sizes import WHOLE
from warm_python import WarmSystem

FOREIGN = ("CARELOOM", "HUBSPOT", "PG")
DAY = 86_400
POSTGRES = "TESTS_POSTGRES"
"""The variable that names a folder of another release's postgres, initdb and pg_ctl: the same tests run on that."""

# A run starts some hundred processes: where bytecode is not kept, each of them compiles all that it imports.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# A run in the background (`nohup`, `&` in a script) ignores these, and all that it starts would ignore them too.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

# Planning is most of what DuckDB has to do for a few rows, and a second thread only costs; `make test-all` has them all.
_connect = duckdb.connect


def _connect_with_one_thread(database: str | Path = ":memory:", **settings: Any) -> duckdb.DuckDBPyConnection:
    if database == ":memory:":
        settings["config"] = {"threads": 1} | settings.get("config", {})
    return _connect(database, **settings)


if not WHOLE:
    duckdb.connect = _connect_with_one_thread

# How long an example takes is the machine's mood, and no property of what is tested.
hypothesis.settings.register_profile("careloom", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("careloom")


@pytest.fixture(autouse=True)
def _nothing_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(FOREIGN)]:
        monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _logs_as_nobody_set_them_up() -> Iterator[None]:
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session", autouse=True)
def _warm_processes() -> Iterator[None]:
    """Simulators and dbt begin as they always do, in processes of their own, but for what they would load."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (simulator_process, simulate, demo, build):
            patch.setattr(module, "sys", WarmSystem())
        yield


@pytest.fixture(scope="session")
def server_folder() -> Path:
    """A short folder that all workers of one test run share; removed at the run's end."""
    return run_folder()


@pytest.fixture(scope="session")
def server_url(server_folder: Path) -> str:
    """The URL of an embedded PostgreSQL that lives as long as the test run.

    Its databases live for one test each, so nothing of them needs to reach the disk: without fsync making one and dropping
    it takes a fifth of the time. The server of a project keeps fsync on (tests/store/test_embedded.py).
    """
    with pytest.MonkeyPatch.context() as patch:
        if folder := os.environ.get(POSTGRES):
            patch.setattr(embedded, "binaries", lambda _account: Path(folder))
            patch.setattr(embedded, "LOCALE", ("--locale=C.UTF-8",))  # the builtin provider came with 17
        url = ensure_server(server_folder)
    with psycopg.connect(url, autocommit=True) as connection:
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            connection.execute(f"ALTER SYSTEM SET {setting} = off")
        connection.execute("ALTER SYSTEM SET autovacuum_naptime = '1h'")  # no database lives long enough to need it
        connection.execute("SELECT pg_reload_conf()")
    return url


@pytest.fixture(scope="session")
def template(server_url: str) -> str:
    """The name of a migrated database from which others are copied."""
    name = "careloom_template"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(7300)")
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            connection.execute("DROP DATABASE IF EXISTS careloom_unfinished")
            connection.execute("CREATE DATABASE careloom_unfinished")
            migrate(_url_of(server_url, "careloom_unfinished"))
            connection.execute(f"ALTER DATABASE careloom_unfinished RENAME TO {name}")
    return name


@pytest.fixture
def database(server_url: str, template: str) -> Iterator[str]:
    """The URL of a fresh, migrated database, dropped afterwards.

    Its files are copied: without fsync that takes a third of what writing them by the log takes.
    """
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
    yield _url_of(server_url, name)
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _url_of(server_url: str, name: str) -> str:
    return server_url.replace(":///careloom?", f":///{name}?")


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where several processes share the tests: those of a file stay together with what they have in common, long ones first."""
    if config.pluginmanager.hasplugin("dsession") or "PYTEST_XDIST_WORKER" in os.environ:
        for item in items:
            if not list(item.iter_markers("xdist_group")):
                item.add_marker(pytest.mark.xdist_group(item.nodeid.partition("::")[0]))
    items.sort(key=lambda item: not item.get_closest_marker("slow"))


def pytest_collection_finish() -> None:
    """Look no more for garbage among what was collected: that is most of what there is, and lives to the end."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 10)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Remove what test runs that were killed left behind."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        for folder in folders_root().glob(f"{PREFIX}{os.geteuid()}-*"):
            if folder.stat().st_mtime < time.time() - DAY:
                shutil.rmtree(folder, ignore_errors=True)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the server at once, instead of when its keeper notices, and remove what the workers shared."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        return
    home = run_folder() / "postgres"
    if home.exists():
        leave_server(run_folder())
        with (home / "users").open("r+") as users:
            fcntl.flock(users, fcntl.LOCK_EX)
            watchdog.stop(str(home / "data"))
    shutil.rmtree(run_folder(), ignore_errors=True)
