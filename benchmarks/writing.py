"""The results for people: tables on the terminal, and the page in docs/."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import psycopg
from rich.console import Console
from rich.table import Table

from benchmarks.cases import Result
from benchmarks.contenders import ROOT

PAGE = ROOT / "docs" / "benchmarks.md"

_HEAD = """# Benchmarks

How fast careloom is, beside two others, against the same simulated portal in the same run.

Every contender runs as a process of its own, started as its user would start it, and its seconds are the whole life of that
process. careloom runs by `careloom run --json`, with its ledger in a PostgreSQL on the same machine. drt-core runs by
`drt run`, as shipped; it sends one request for each record and at most 9 in a second, so it gets fewer rows: its rate does
not depend on how many. dlt has no HubSpot destination; it runs a custom destination that posts batches of 100 to HubSpot's
batch upsert, through dlt's own retrying client: once as it comes (one file, one batch after the other), once with its rows
cut into 8 files that it sends side by side. All people are invented. The portal has every property beforehand, also
the one that careloom would otherwise make (`shared_email`), so that nobody spends requests on definitions. The simulator, the PostgreSQL and the contender share
the machine's cores; "CPU s" is what the contender alone computed, which other work on the machine hardly moves.

"""
_REPEAT = """## What it costs to start a command

CPU seconds of the whole process, median of five, this release and the one before in turns on the same two cores; both are
longer there than on a machine without other work, so the last column is what holds. The project is `drchrono-clinical`, its
database the embedded one. `careloom --version` shows what Python and the command line cost by themselves.

|  | before, CPU s | now, CPU s | before / now |
|---|---:|---:|---:|
| `careloom --version` | 0.31 | 0.45 | 0.7 |
| `careloom check --help` | 3.13 | 0.46 | 6.8 |
| `careloom run --help` | 5.51 | 0.49 | 11 |
| `careloom risk --help` | 5.18 | 0.57 | 9.1 |
| `careloom check` | 4.15 | 2.07 | 2.0 |
| `careloom runs` | 5.47 | 3.26 | 1.7 |
| `careloom doctor` | 5.45 | 2.28 | 2.4 |

## How to repeat it

    make bench

installs the two peers into `.venv`, runs everything (about ten minutes) and writes this page anew. A first impression,
with small numbers and without writing the page:

    .venv/bin/python -m benchmarks --quick

`--without-peers` runs careloom alone. Matching a million people with a million is measured by
`python -m benchmarks.matching 1e6`, what becomes of a population that others made by
`python -m benchmarks.households`, the simulator's own speed by `python benchmarks/simulator_speed.py`.
"""


def show(result: Result) -> None:
    """One case's table on the terminal."""
    table = Table(title=result.title, caption=f"goal: {result.goal}{_verdict(result)}", title_justify="left")
    table.add_column("")
    for column in result.columns:
        table.add_column(column, justify="right")
    for row in result.rows:
        table.add_row(row.name, *row.cells)
    console = Console(width=110)
    console.print(table)
    for remark in result.remarks:
        console.print(remark)


def write(results: Sequence[Result], server: str, load: float) -> None:
    """The page. `load` is how many processes wanted a core before the first case."""
    parts = [_HEAD, _conditions(server, load), *(_section(result) for result in results), _REPEAT]
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text("".join(parts), encoding="utf-8")


def _section(result: Result) -> str:
    head = ["", *result.columns]
    lines = [
        f"## {result.title}",
        "",
        f"Goal: {result.goal}{_verdict(result)}",
        "",
        f"| {' | '.join(head)} |",
        f"|---|{'---:|' * len(result.columns)}",
        *(f"| {' | '.join([row.name, *row.cells])} |" for row in result.rows),
        "",
        *(f"{remark}\n" for remark in result.remarks),
        "",
    ]
    return "\n".join(lines)


def _verdict(result: Result) -> str:
    return "." if result.reached is None else ": reached." if result.reached else ": not reached."


def _conditions(server: str, load: float) -> str:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    packages = ", ".join(f"{name} {version(name)}" for name in ("duckdb", "pyarrow", "psycopg", "urllib3"))
    return (
        f"Measured on {datetime.now(UTC).date().isoformat()}: {cores} shared virtual cores ({platform.machine()}, {platform.system()}), "
        f"Python {platform.python_version()}, PostgreSQL {server}, {packages}. Where a case was repeated, the run of median "
        f"time is shown. "
        f"Before the first case {load:.1f} other processes wanted a core: where that is more than a few tenths, seconds are too long by as much, and CPU seconds and counts hold.\n\n"
    )


def server_version(url: str) -> str:
    """PostgreSQL's version, in short."""
    with psycopg.connect(url) as connection:
        return str(connection.execute("show server_version").fetchall()[0][0]).split()[0]


def relative(path: Path) -> str:
    """`path` as seen from the repository."""
    return str(path.relative_to(ROOT))
