"""One report of one account, asked for and waited for: which files came, or why none did."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from careloom.core.errors import Hold, Later
from careloom.core.reports import Fetched, ReportAsk, ReportPolicy, ReportSource
from careloom.project.model import Report
from careloom.store.account_reports import AccountReport, AccountReports


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRequests:
    """Where reports are asked for. `meanwhile` is called while nothing but waiting is to be done."""

    source: ReportSource
    policy: ReportPolicy
    reports: AccountReports
    stop: Event
    meanwhile: Callable[[], None]


def numbers(report: Report) -> str:
    """The system's own numbers of what is asked for, as they are written down."""
    return f"{report.report}/{report.filter}"


def hand_over(desk: ReportRequests, report: Report, row: AccountReport, folder: Path) -> Fetched | None:
    """The report's files; None if the run was stopped. Hold where the system will not make it, or gave it up too often."""
    identifier: str | None = row.identifier if row.asked_for == numbers(report) else ""
    last = ""
    for _ in range(max(1, desk.policy.asks - row.asks) + bool(identifier)):
        if not identifier:
            identifier = _request_run(desk, report, row)
            if identifier is None:
                return None
            desk.reports.asked(row, identifier, numbers(report))
        desk.meanwhile()
        delivery = _wait(desk, row, identifier, folder)
        if delivery is None or delivery.state in ("ready", "no-rows", "no-data"):
            return delivery
        if delivery.state == "refused":
            raise Hold("report-refused", f"the system does not make it of this account: {delivery.message}")
        desk.reports.again(row)
        identifier, last = "", delivery.message
    raise Hold(
        "report-timed-out",
        f"it was asked for {desk.policy.asks} times and never came; the last time: {last}. It is asked for again later",
    )


def check_delivery(reports: AccountReports, report: Report, row: AccountReport, delivery: Fetched) -> None:
    """Hold: no-data where nothing came, without a word why, and readers see rows; another-account where a file names one."""
    row_count = reports.shown(report.system, report.name, row.account) if delivery.state == "no-data" else 0
    if row_count:
        raise Hold(
            "no-data",
            f"{delivery.message}, and without word that there are no rows, while the former snapshot has {row_count:,}: those stay. "
            f"Where nothing is right: careloom reports {report.name} --start-over",
        )
    numbers_of_others = delivery.numbers - {row.account, report.report, report.filter}
    if row.account not in delivery.numbers and numbers_of_others & (
        reports.accounts(report.system) | frozenset(report.accounts)
    ):
        raise Hold(
            "another-account", "the file's name is that of another account of this project; ask for the report again"
        )


def _request_run(desk: ReportRequests, report: Report, row: AccountReport) -> str | None:
    """The identifier of our own run; None if stopped. While another's run is under way ours cannot begin."""
    until = time.monotonic() + desk.policy.ceiling_seconds
    while True:
        answer = desk.source.ask(ReportAsk(account=row.account, report=report.report, filter=report.filter))
        if answer.refused:
            raise Hold("report-refused", f"the system does not make it of this account: {answer.refused}")
        if not answer.another:
            return answer.identifier
        if time.monotonic() > until:
            raise Later("the system is busy with a report that somebody else asked for; try again later", after=600.0)
        desk.meanwhile()
        if desk.stop.wait(desk.policy.poll_seconds):
            return None


def _wait(desk: ReportRequests, row: AccountReport, identifier: str, folder: Path) -> Fetched | None:
    """What came of a run; `timed-out`, with what the system said last, where that is still nothing after the ceiling."""
    until = time.monotonic() + desk.policy.ceiling_seconds
    while True:
        delivery = desk.source.fetch(row.account, identifier, folder)
        if delivery.state != "waiting":
            return delivery
        if time.monotonic() > until:
            minutes = desk.policy.ceiling_seconds / 60
            return Fetched(state="timed-out", message=f"it was not ready after {minutes:g} minutes: {delivery.message}")
        if desk.stop.wait(desk.policy.poll_seconds):
            return None
