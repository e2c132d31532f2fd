"""What a schedule calls for now; a failure is tried again in between."""

from __future__ import annotations

from datetime import datetime, timedelta

from careloom.project.model import Report
from careloom.project.schedules import Schedule
from careloom.services.session.sessions import Session
from careloom.store.account_reports import AccountReports

_PAUSES = (timedelta(minutes=15), timedelta(hours=1), timedelta(hours=4), timedelta(days=1))
"""After so many failures in a row of one report of one account it is asked for again, even if it is not due; at last daily."""


def has_come(session: Session, schedule: Schedule | None, last: datetime | None) -> bool:
    """Whether a tick of `schedule` came after `last`; of what was never done, any."""
    return schedule is not None and schedule.is_due(last, session.clock(), session.project.timezone)


def any_report_due(session: Session, system: str) -> bool:
    """Whether a report of the system is due, or was begun and has come to no end."""
    account_reports = AccountReports(session.store)
    return any(
        is_report_due(session, account_reports, report, account)
        for report in session.project.reports.values()
        if report.system == system
        for account in report.accounts
    )


def is_report_due(session: Session, account_reports: AccountReports, report: Report, account: str) -> bool:
    """Whether the report is to be asked for now for this account, or asked for again."""
    now = session.clock()
    row = account_reports.under_way(report.system, report.name, account)
    if row is not None:
        return not row.tries or row.tried_at is None or row.tried_at + _pause(row.tries) <= now
    if report.schedule is None:
        return False
    last = account_reports.so_far(report.system, report.name, account, now)
    if report.schedule.is_due(last.due_at, now, session.project.timezone):
        return True
    return last.failed_at is not None and last.failed_at + _pause(last.failures) <= now


def _pause(failures: int) -> timedelta:
    return _PAUSES[min(failures, len(_PAUSES)) - 1]
