"""`python -m benchmarks.models [CHARGES]`: `dbt build` of all models of the receivables, on PostgreSQL and on DuckDB.

The reports have the columns and types that loading gives them, rows made by the database itself, four accounts, and one row in
a thousand twice. A build makes every model and runs every test. It is done twice: into nothing, and over what is there.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import psycopg

from benchmarks.servers import remove_server
from careloom.engine.reports.columns import column_names
from careloom.store.server.embedded import ensure_server
from careloom.systems.collaboratemd.simulator.layouts import LAYOUTS, Layout

MODELS = Path(__file__).parents[1] / "blueprints" / "collaboratemd-reports" / "models"
CHARGES, GOAL = 1_000_000, 60.0
ONE_IN = 1000
ROWS = {
    "ar_aging": 0.4,
    "gross_billing": 1.0,
    "charges_on_hold": 0.05,
    "claim_stage_breakdown": 0.5,
    "denial_trends": 0.1,
    "payment_trends": 1.2,
    "quadrant_performance": 0.002,
    "rcm_productivity": 0.02,
    "user_time_spread": 0.05,
    "write_off_trends": 0.05,
    "pdr3_calculator": 0.02,
    "revenue_recognition": 1.0,
}
"""Rows of each report for every charge."""
CELLS = {
    "id": ("bigint", "n + {place} * 7"),
    "code": ("text", "'C' || n % 40"),
    "text": ("text", "'Value ' || n % (5 + {place})"),
    "person": ("text", "'Invented ' || n % 5000"),
    "date": ("date", "date '2026-01-01' + cast((n * 31 + {place}) % 300 as integer)"),
    "money": ("numeric(18, 2)", "cast((n * 7919 + {place} * 104729) % 250000 as numeric(18, 2)) * 0.01"),
    "count": ("bigint", "(n * 13 + {place}) % 180"),
    "percent": ("numeric(18, 2)", "cast((n * 17) % 1000 as numeric(18, 2)) * 0.1"),
    "hours": ("numeric(18, 2)", "cast((n * 17) % 80 as numeric(18, 2)) * 0.1"),
    "flag": ("text", "case when n % 3 = 0 then 'Y' else 'N' end"),
}
"""Each kind's type, and a value out of the number of the row and the place of its column. One cell in nine is empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """One build: models and tests, and how many of them did not end well."""

    engine: str
    what: str
    seconds: float
    models: int
    tests: int
    failed: int
    slowest: str

    def __str__(self) -> str:
        return (
            f"| {self.engine} | {self.what} | {self.seconds:.1f} | {self.models} | {self.tests} "
            f"| {self.failed} | {self.slowest} |"
        )


def main() -> int:
    """Fill both databases, build twice in each, print all; 1 if a build failed or took longer than the goal."""
    charges = int(sys.argv[1]) if len(sys.argv) > 1 else CHARGES
    load = os.getloadavg()[0]
    folder = Path(tempfile.mkdtemp(prefix="careloom-bench-"))
    try:
        results = [*_on_postgres(folder, charges), *_on_duckdb(folder, charges)]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{charges:,} charges\n")
    print("| engine | build | s | models | tests | failed | slowest |\n|---|---|---:|---:|---:|---:|---|")
    for one in results:
        print(one)
    reached = all(not one.failed and one.seconds < GOAL for one in results)
    print(f"\nload before: {load:.1f}\ngoal (< {GOAL:.0f} s): {'reached' if reached else 'missed'}")
    return 0 if reached else 1


def _on_postgres(folder: Path, charges: int) -> Sequence[Built]:
    home = folder / "store"
    home.mkdir()
    url = ensure_server(home)
    try:
        with psycopg.connect(url, autocommit=True) as connection:
            for statement in filling(charges, "jsonb"):
                connection.execute(statement.encode())
            connection.execute("vacuum analyze")
            info = connection.info
            output = {"type": "postgres", "host": info.host, "port": info.port, "user": info.user, "password": ""}
            output |= {"dbname": info.dbname, "schema": "analytics", "threads": 2}
        return _built_twice(folder, "PostgreSQL", output)
    finally:
        remove_server(home)


def _on_duckdb(folder: Path, charges: int) -> Sequence[Built]:
    path = folder / "warehouse.duckdb"
    with duckdb.connect(str(path)) as connection:
        for statement in filling(charges, "json"):
            connection.execute(statement)
    return _built_twice(folder, "DuckDB", {"type": "duckdb", "path": str(path), "schema": "analytics", "threads": 2})


def filling(charges: int, json_type: str) -> list[str]:
    """Statements of both engines that make the schema `reports` and its tables."""
    made = ["create schema reports"]
    for layout in LAYOUTS:
        rows = max(1, int(charges * ROWS[layout.name]))
        made.append(f"create table reports.{layout.name} as {_rows(layout, rows, json_type)}")
    return made


def _rows(layout: Layout, rows: int, json_type: str) -> str:
    names = column_names([head for head, _ in layout.columns])
    cells = [
        _cell(name, kind, place) for place, (name, (_, kind)) in enumerate(zip(names, layout.columns, strict=True))
    ]
    own = [
        "cast(1 as bigint) as report_run",
        "row_number() over () as row_number",
        "'1000' || n % 4 as customer_account",
    ]
    # The row after each thousandth is that row again.
    numbers = f"select cast(case when n % {ONE_IN} = 1 and n > 1 then n - 1 else n end as bigint) as n from generate_series(1, {rows}) as g (n)"
    return f"select {', '.join([*own, f'cast(null as {json_type}) as unparsed', *cells])} from ({numbers}) as numbered"


def _cell(name: str, kind: str, place: int) -> str:
    type_, value = CELLS[kind]
    text = value.format(place=place)
    if place and kind != "id":
        text = f"case when (n + {place}) % 9 > 0 then {text} end"
    return f"cast({text} as {type_}) as {name}"


def _built_twice(folder: Path, engine: str, output: dict[str, Any]) -> Sequence[Built]:
    home = folder / f"dbt-{output['type']}"
    home.mkdir()
    profile = {"careloom": {"target": "bench", "outputs": {"bench": output}}}
    (home / "profiles.yml").write_text(json.dumps(profile), encoding="utf-8")
    return [_built(home, engine, "the first"), _built(home, engine, "the next")]


def _built(home: Path, engine: str, what: str) -> Built:
    words = ["build", "--project-dir", str(MODELS), "--profiles-dir", str(home), "--target-path", str(home / "target")]
    quiet = ["--log-path", str(home / "logs"), "--no-use-colors", "--no-version-check", "--quiet"]
    environment = os.environ | {"DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "DO_NOT_TRACK": "1"}
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "dbt.cli.main", *words, *quiet], cwd=home, env=environment, check=False
    )
    seconds = time.perf_counter() - started
    results = json.loads((home / "target" / "run_results.json").read_bytes())["results"]
    slowest = max(results, key=lambda one: one["execution_time"])

    def counted(holds: Callable[[dict[str, Any]], bool]) -> int:
        return sum(1 for one in results if holds(one))

    return Built(
        engine=engine,
        what=what,
        seconds=seconds,
        models=counted(lambda one: one["unique_id"].startswith("model.")),
        tests=counted(lambda one: not one["unique_id"].startswith("model.")),
        failed=counted(lambda one: one["status"] not in {"success", "pass", "warn"}),
        slowest=f"{slowest['unique_id'].split('.')[2]}, {slowest['execution_time']:.1f} s",
    )


if __name__ == "__main__":
    sys.exit(main())
