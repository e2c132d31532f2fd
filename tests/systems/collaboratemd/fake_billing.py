"""A source that reads the billing service in a box, and what a careful reader makes of its CSV files."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from careloom.core.reports import Fetched, ReportAsk
from careloom.core.rooms import RoomContext
from careloom.systems.collaboratemd.client import Client
from careloom.systems.collaboratemd.options import Options
from careloom.systems.collaboratemd.report_source import CollaborateMDReports
from careloom.systems.collaboratemd.simulator import RunningCollaborateMD
from careloom.systems.collaboratemd.simulator.layouts import BY_NAME, Layout
from careloom.vendor_kit.retry import RetryPolicy

TODAY = "2026-01-15"
FIRST, SECOND, THIRD, FOURTH = ACCOUNTS = ("10028395", "10026936", "10026716", "10023994")
CALM = RetryPolicy(attempts=3, first_wait=0.0, longest_backoff=0.0)
HERE = RoomContext(folder=Path(), timezone=ZoneInfo("UTC"), secret=lambda text: text)


def options_of(url: str, **values: Any) -> Options:
    return Options.model_validate({"base_url": url, "username": "sim-user", "password": "sim-password", **values})


def source_of(
    simulator: RunningCollaborateMD, *, pauses: list[float] | None = None, **values: Any
) -> CollaborateMDReports:
    """A source on the simulator; `pauses` collects the waits, which are not slept."""
    options = options_of(simulator.url, **values)
    waits = pauses if pauses is not None else []
    return CollaborateMDReports(options, HERE, client=Client(options, HERE, policy=CALM, pause=waits.append))


def wanted(name: str, account: str = FIRST) -> ReportAsk:
    layout = BY_NAME[name]
    return ReportAsk(account=account, report=layout.report, filter=layout.filter)


def fetched(source: CollaborateMDReports, name: str, folder: Path, account: str = FIRST) -> Fetched:
    """What one request for a report and one for its results give."""
    asked = source.ask(wanted(name, account))
    assert not asked.refused
    return source.fetch(account, asked.identifier, folder)


def table(path: Path) -> tuple[list[str], list[list[str]]]:
    """The header and the rows of a CSV file, each as long as the header; fails where a cell beyond it is not empty."""
    with path.open(encoding="utf-8", newline="") as lines:
        header, *rows = csv.reader(lines)
    assert not any(cell for row in rows for cell in row[len(header) :])
    return header, [(row + [""] * len(header))[: len(header)] for row in rows]


def cents(cell: str) -> int:
    """`$1,234.50` and `(12.00)` in cents."""
    plain = cell.replace("$", "").replace(",", "")
    number = Decimal("-" + plain[1:-1]) if plain.startswith("(") else Decimal(plain or "0")
    return int(number * 100)


def money(layout: Layout, rows: Sequence[Sequence[str]]) -> dict[str, int]:
    """The cents of each money column."""
    return {
        head: sum(cents(row[at]) for row in rows) for at, (head, kind) in enumerate(layout.columns) if kind == "money"
    }
