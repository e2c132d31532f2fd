"""The words for reports: tables without a key that a system makes when it is asked, and hands over when they are ready."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from careloom.core.ports import Finding

ReportType = Literal["text", "integer", "numeric", "percent", "date"]
"""What a report's column can be. Money (`$1,234.50`, `(12.00)`) is a written form of `numeric`; `12.5%` is the percent 12.5."""

State = Literal["waiting", "ready", "no-rows", "no-data", "timed-out", "refused"]
"""`waiting`: ask again later. `ready`: the files are there. `no-rows`: the report ran, and the system says that it found
nothing. `no-data`: it says that the report is done, and hands nothing over without a word why. `timed-out`: the system gave the report up; it must be asked for anew. `refused`: it will not make it for this account."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportAsk:
    """One report of one account. `report` and `filter` are the system's own numbers for them."""

    account: str
    report: str
    filter: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the system said to a request. `identifier`: of the run whose results are to be fetched.

    `another`: the system is busy with a run that is not ours, and `identifier` is that one's. `refused`: why the system
    will never make this report for this account, in words without data; "" where it does.
    """

    identifier: str = ""
    another: bool = False
    refused: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What came of asking for results. `files`: the CSV files, UTF-8, in the folder that was given, where `ready`.

    `message`: what the system said, in words without data. `numbers`: those in the files' names that may be accounts.
    `recoded`: characters that were no UTF-8 in files that are otherwise, and were read as Windows-1252.
    """

    state: State
    files: Sequence[Path] = field(default=())
    message: str = ""
    numbers: frozenset[str] = frozenset()
    recoded: int = 0


class ReportSource(Protocol):
    """A system that makes reports.

    Errors: Fix (credentials, a switched-off interface), Later (an outage, with `after`), Hold (what came is no report:
    corrupt, too large, of another shape).
    """

    def ask(self, request: ReportAsk) -> Asked:
        """Ask for a report; one that is running already is not asked for again."""
        ...

    def fetch(self, account: str, identifier: str, folder: Path) -> Fetched:
        """Ask for the results of a run, and unpack them into `folder`."""
        ...

    def check(self, asks: Sequence[ReportAsk]) -> Sequence[Finding]:
        """Whether these could be asked for, as far as can be told without making any; an error is the fault of all of them."""
        ...

    def close(self) -> None:
        """Close the connections."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportPolicy:
    """How a system's reports are waited for. They are asked for one after the other, for the whole organisation."""

    poll_seconds: float = 20.0
    ceiling_seconds: float = 20 * 60.0
    asks: int = 3
