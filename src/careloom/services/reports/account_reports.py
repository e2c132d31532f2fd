"""How far each report of each account is, and beginning again with the next file of one."""

from __future__ import annotations

from typing import Any

from careloom.project.model import Report
from careloom.services.session.sessions import Session
from careloom.store.account_reports import AccountReports


def list_account_reports(session: Session, name: str | None, *, failures_only: bool) -> list[dict[str, Any]]:
    """A row for each report (or of the one called `name`) and account, with the drifts of its columns."""
    reports = AccountReports(session.store)
    rows = [dict(row) for row in reports.newest(name) if not failures_only or row["status"] == "failed" or row["error"]]
    for row in rows:
        row["drifts"] = [dict(drift) for drift in reports.drifts(row["id"])]
    return rows


def start_over(session: Session, report: Report) -> None:
    """Take the next file of `report` as it comes, whatever columns it has."""
    AccountReports(session.store).start_over(report.system, report.name)
