"""The stage of all cases: one PostgreSQL, one simulated portal a case, and a contender's run counted on both sides of it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from benchmarks import contenders
from benchmarks.contenders import ROOT, WAREHOUSE, Contender
from benchmarks.measuring import database_memory, measure
from benchmarks.people import PORTAL_PROPERTIES
from careloom.store.migrations import migrate
from careloom.store.server.embedded import ensure_server, leave_server
from careloom.systems.hubspot.simulator import RunningSimulator

_PREPARING = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """One run of one contender.

    `processor` is the time it computed, in seconds, without its servers' share; `landed` counts records new in the portal;
    `report` is what careloom said of itself.
    """

    name: str
    rows: int
    seconds: float
    processor: float
    landed: int
    requests: int
    writes: int
    refused: int
    peak: int
    database_peak: int
    code: int
    timed_out: bool
    report: dict[str, Any] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Rows a second, over the whole life of the process."""
        return self.rows / self.seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Where contenders run. `server` is the address of the PostgreSQL that careloom keeps its ledger in."""

    folder: Path
    server: str
    portal: RunningSimulator

    def enter(self, make: Callable[[Path, str], Contender], rows: int, bad: int = 0) -> Contender:
        """An empty portal, a warehouse of `rows` people and a contender that knows neither."""
        self.portal.control("POST", "reset", {})
        self.portal.control("POST", "seed", {"object": "contacts", "properties": list(PORTAL_PROPERTIES)})
        place = Path(tempfile.mkdtemp(dir=self.folder))
        contender = make(place, self.portal.url)
        _people(place / WAREHOUSE, str(rows), str(bad))
        return contender

    def careloom(self, folder: Path, url: str) -> Contender:
        """careloom with an empty ledger of its own."""
        name = f"bench_{folder.name.lower()}"
        with psycopg.connect(self.server, autocommit=True) as connection:
            connection.execute(f'create database "{name}"')
        database = self.server.replace("/careloom?", f"/{name}?")
        migrate(database)
        return contenders.careloom(folder, url, database)

    def run(self, contender: Contender, rows: int, limit: float) -> Pass:
        """One run, at most `limit` seconds long."""
        before = self.portal.control("GET", "state")
        done = measure(
            contender.command,
            folder=contender.folder,
            environment=contender.environment,
            limit=limit,
            sample=database_memory(self.server),
        )
        after = self.portal.control("GET", "state")
        report = _report(done.output) if contender.name.startswith("careloom") else {}
        if contender.name.startswith("careloom") and not report:
            raise RuntimeError(f"careloom ended with {done.code}: {done.errors[-2000:]}")
        return Pass(
            name=contender.name,
            rows=rows,
            seconds=done.seconds,
            processor=done.processor,
            landed=after["objects"]["contacts"] - before["objects"]["contacts"],
            requests=after["total_requests"] - before["total_requests"],
            writes=after["write_calls"] - before["write_calls"],
            refused=after["rate_limited"] - before["rate_limited"],
            peak=done.peak,
            database_peak=done.database_peak,
            code=done.code,
            timed_out=done.timed_out,
            report=report,
        )


def mend(contender: Contender) -> None:
    """Correct the faulty rows at the source."""
    _people(contender.folder / WAREHOUSE, "mend")


def link_everyone(contender: Contender) -> None:
    """Write the ledger as a first load of the contender's people would leave it, without a portal."""
    command = [sys.executable, "-m", "benchmarks.linking", str(contender.folder)]
    subprocess.run(command, check=True, timeout=_PREPARING, env={**_environment(), **contender.environment})


@contextmanager
def staged(*portal: str) -> Iterator[Stage]:
    """A stage whose portal is started with the options `portal`; all of it is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="careloom-bench-"))
    try:
        server = ensure_server(folder / "server")
        with RunningSimulator(*portal) as simulator:
            yield Stage(folder=folder, server=server, portal=simulator)
        leave_server(folder / "server")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _people(*arguments: str | Path) -> None:
    command = [sys.executable, "-m", "benchmarks.people", *map(str, arguments)]
    subprocess.run(command, check=True, timeout=_PREPARING, env=_environment())


def _environment() -> dict[str, str]:
    return {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'src'}"}


def _report(output: str) -> dict[str, Any]:
    try:
        found = json.loads(output)
    except json.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}
