"""Reports as they run: one at a time for the partner, for a while, and then their data, or what went wrong."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import RLock
from typing import Any

from careloom.systems.collaboratemd.simulator.books import Books, keep_books
from careloom.systems.collaboratemd.simulator.broken_archives import BROKEN
from careloom.systems.collaboratemd.simulator.files import report_csv, report_rows, split, totals, zip_archive
from careloom.systems.collaboratemd.simulator.layouts import BY_NAME, LAYOUTS, Layout
from careloom.systems.collaboratemd.simulator.settings import Settings
from careloom.vendor_kit.simulator.app import Disconnect

RUN_FAULTS = ("invalid-criteria", "error", "lost-answer")
RESULT_FAULTS = (
    "timed-out",
    "not-found",
    "failed",
    "never-data",
    "no-rows",
    "other-report",
    "other-account",
    "bad-base64",
    "cut-answer",
)
FAULTS = (*RUN_FAULTS, *RESULT_FAULTS, *BROKEN)

_NO_ROWS = "The report completed successfully, but no records were found matching the criteria used."


@dataclass(slots=True, kw_only=True)
class Fault:
    """What is to go wrong with the next runs of a report for an account; empty means any."""

    kind: str
    report: str = ""
    account: str = ""
    times: int = 1

    def meets(self, layout: Layout, accounts: Sequence[str]) -> bool:
        """Whether it is meant for this run."""
        return (
            self.times > 0
            and self.report in {"", layout.name, layout.report}
            and (not self.account or self.account in accounts)
        )


@dataclass(slots=True, kw_only=True)
class Run:
    """One run. `bulk`: whether it was asked for by the endpoint for several accounts."""

    identifier: int
    accounts: tuple[str, ...]
    layout: Layout
    started_at: float
    bulk: bool = False
    fault: str = ""
    polls: int = 0
    empty: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer before it is written as XML or JSON. `disconnect`: how the connection breaks, "before" or "within" it."""

    status: str
    message: str = ""
    identifier: int | None = None
    data: bytes | None = field(default=None, repr=False)
    disconnect: Disconnect = ""
    bad_base64: bool = False


@dataclass(slots=True, kw_only=True)
class Service:
    """The billing service of one partner."""

    settings: Settings
    runs: dict[int, Run] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    calls: Counter[str] = field(default_factory=Counter)
    lock: RLock = field(default_factory=RLock)
    next_identifier: int = 20_001_001
    _books: dict[Any, Books] = field(default_factory=dict)
    _archives: dict[Any, bytes] = field(default_factory=dict)

    # ------------------------------------------------------------ asking

    def run(self, accounts: Sequence[str], report: str, filter_: str, *, bulk: bool) -> Reply:
        """Begin a report, or say why not."""
        layout = next(
            (candidate for candidate in LAYOUTS if (candidate.report, candidate.filter) == (report, filter_)), None
        )
        refusal = self._refusal(accounts, layout, bulk=bulk)
        if refusal is not None:
            return refusal
        if layout is None or not accounts:
            return Reply(status="INVALID CRITERIA", message="Invalid criteria.")
        busy = next((run for run in self.runs.values() if self._is_running(run)), None)
        if busy is not None and self.settings.one_at_a_time:
            return Reply(
                status="REPORT RUNNING",
                message=f"Report with identifier {busy.identifier} is still running.",
                identifier=busy.identifier,
            )
        return self._begin(tuple(accounts), layout, bulk=bulk)

    def _begin(self, accounts: tuple[str, ...], layout: Layout, *, bulk: bool) -> Reply:
        fault = self._fault(layout, accounts)
        if fault == "invalid-criteria":
            return Reply(
                status="INVALID CRITERIA",
                message=f"The report was not run: customer number {accounts[0]} - invalid criteria",
            )
        if fault == "error":
            return Reply(status="ERROR", message="An unexpected error occurred.")
        identifier, self.next_identifier = self.next_identifier, self.next_identifier + 1
        self.runs[identifier] = Run(
            identifier=identifier, accounts=accounts, layout=layout, started_at=time.monotonic(), bulk=bulk, fault=fault
        )
        disconnect: Disconnect = "before" if fault == "lost-answer" else ""
        return Reply(status="SUCCESS", message="The report is being run.", identifier=identifier, disconnect=disconnect)

    def _refusal(self, accounts: Sequence[str], layout: Layout | None, *, bulk: bool) -> Reply | None:
        for account in accounts:
            why = self._why_not(account, layout, bulk=bulk)
            if why and bulk:
                status = "INVALID CRITERIA" if why == "invalid criteria" else "ERROR"
                return Reply(status=status, message=f"The report was not run: customer number {account} - {why}")
            if why:
                return Reply(status="ERROR", message=why)
        return None

    def _why_not(self, account: str, layout: Layout | None, *, bulk: bool) -> str:
        settings = self.settings
        if account in settings.off:
            return "the interface is not turned on" if bulk else "Interface is not turned on"
        if account in settings.inactive:
            return "no longer active" if bulk else "Facility is inactive"
        if account not in settings.accounts:
            return "no longer active" if bulk else "Report not available for this customer"
        return "invalid criteria" if layout is None and bulk else ""

    def _fault(self, layout: Layout, accounts: Sequence[str]) -> str:
        fault = next((candidate for candidate in self.faults if candidate.meets(layout, accounts)), None)
        if fault is None:
            return ""
        fault.times -= 1
        return fault.kind

    def _is_running(self, run: Run) -> bool:
        """Whether it still keeps others waiting; what no one asks for ends at the cap."""
        seconds = time.monotonic() - run.started_at
        if seconds >= self.settings.cap_seconds:
            return False
        return seconds < self.settings.running_seconds or run.polls < self.settings.running_polls

    # ------------------------------------------------------------ results

    def results(self, accounts: Sequence[str], identifier: str, *, bulk: bool) -> Reply:
        """What has become of a run."""
        run = self.runs.get(int(identifier)) if identifier.isdigit() else None
        if (
            run is None
            or run.bulk != bulk
            or (not bulk and run.accounts != tuple(accounts))
            or run.fault == "not-found"
        ):
            return Reply(status="NOT FOUND", message="The request was not found.")
        running = self._is_running(run)
        run.polls += 1
        if running:
            return Reply(status="REPORT RUNNING", message="The report is still running.")
        if run.fault == "timed-out" or self.settings.running_seconds >= self.settings.cap_seconds:
            return Reply(status="REPORT TIMED OUT", message="The report exceeded its time.")
        return self._finish(run)

    def _finish(self, run: Run) -> Reply:
        if run.fault == "failed":
            return Reply(status="ERROR", message="An unexpected error occurred.")
        if run.fault == "no-rows":
            return Reply(status=self.settings.complete_word, message=_NO_ROWS)
        if run.fault == "never-data" or run.empty < self.settings.empty_polls:
            run.empty += 1
            return Reply(status=self.settings.complete_word)
        accounts = run.accounts
        if run.fault == "other-account":
            accounts = tuple(account for account in self.settings.accounts if account not in accounts)[:1]
        content = self.content(run.layout, accounts, run.fault)
        disconnect: Disconnect = "within" if run.fault == "cut-answer" else ""
        return Reply(
            status=self.settings.complete_word,
            data=content,
            disconnect=disconnect,
            bad_base64=run.fault == "bad-base64",
        )

    # ------------------------------------------------------------ contents

    def content(self, layout: Layout, accounts: tuple[str, ...], fault: str = "") -> bytes:
        """The archive of a report; of several accounts it holds a file for each."""
        report_layout = LAYOUTS[(LAYOUTS.index(layout) + 1) % len(LAYOUTS)] if fault == "other-report" else layout
        settings = self.settings
        key = (report_layout.name, accounts, self._state(), settings.parts, settings.encoding, settings.quirks)
        if key not in self._archives:
            self._archives[key] = zip_archive(self._members(report_layout, accounts))
        archive = self._archives[key]
        return BROKEN[fault](archive) if fault in BROKEN else archive

    def _members(self, layout: Layout, accounts: tuple[str, ...]) -> list[tuple[str, bytes]]:
        settings = self.settings
        members = []
        for account in accounts:
            parts = split(report_rows(layout, self.books(account), quirks=settings.quirks), settings.parts)
            for number, rows in enumerate(parts, 1):
                name = f"{account}.csv" if len(parts) == 1 else f"{account}_{number}.csv"
                members.append((name, report_csv(layout, rows, encoding=settings.encoding, quirks=settings.quirks)))
        return members

    def books(self, account: str) -> Books:
        """An account's books as they are now."""
        key = (account, self._state())
        if key not in self._books:
            rows, today, seed = key[1]
            self._books[key] = keep_books(account, rows, today, seed)
        return self._books[key]

    def _state(self) -> tuple[int, Any, int]:
        return (self.settings.rows, self.settings.day(), self.settings.seed)

    def truth(self) -> dict[str, Any]:
        """Each report's rows and cents, by report and account."""
        quirks = self.settings.quirks
        return {
            name: {
                account: totals(layout, report_rows(layout, self.books(account), quirks=quirks))
                for account in self.settings.accounts
            }
            for name, layout in BY_NAME.items()
        }
