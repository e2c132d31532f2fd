"""Reports asked for, waited for, fetched and loaded: one after the other, each account's failure its own.

A system may make one report at a time for the whole organisation, so while it makes the next one the former is loaded. What
was asked for is written down before anything else happens: the process that takes over after a crash waits for the same run.

Whatever goes wrong with one report of one account is its own: it is told, tried again, and comes last in the next run. Only
where no account at all gets an answer is the system taken to be away, and the run ends.
"""

from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from careloom.core.attempts import Kind
from careloom.core.errors import CareloomError, Fix, Hold, Later, NotPermitted, Stop, UsageFault
from careloom.core.log import LOG
from careloom.core.reports import Fetched
from careloom.project.model import Report
from careloom.services.reports.load import load_report
from careloom.services.reports.outcomes import ReportOutcome, ReportsRun
from careloom.services.reports.request import ReportRequests, check_delivery, hand_over
from careloom.services.session.attempts import attempt
from careloom.services.session.due import is_report_due
from careloom.services.session.progress import Watch
from careloom.services.session.sessions import Session
from careloom.store.account_reports import AccountReport, AccountReports
from careloom.store.locks import advisory_lock
from careloom.store.report_tables import forget_old, make_current
from careloom.store.report_types import drop_unread

_TRIES = 3
"""After so many runs without an answer for a report of an account it counts as failed: it is reported, and asked for again."""
_QUIET = 2
"""After so many lost answers in a row of an account, each of which took minutes, the run continues without that account."""


class _SystemAway(Exception):
    """No account gets an answer: `error` is what the last one got."""

    def __init__(self, error: Fix | Later) -> None:
        super().__init__(str(error))
        self.error = error


@dataclass(slots=True, kw_only=True)
class _Asking:
    """A run over one system's reports."""

    session: Session
    reports: AccountReports
    watch: Watch
    work: Sequence[tuple[Report, AccountReport]]
    outcomes: list[ReportOutcome] = field(default_factory=list)
    delivery: tuple[Report, AccountReport, Fetched] | None = None
    failures: dict[str, int] = field(default_factory=dict)
    """How many reports of each account came to no answer since any account last had one."""
    quiet: Counter[str] = field(default_factory=Counter)
    """How many answers of each account in a row were lost."""
    lost_answers: list[tuple[Report, AccountReport, Later]] = field(default_factory=list)

    def ended(self, report: Report, row: AccountReport, state: str, **fields: Any) -> None:
        self.outcomes.append(ReportOutcome(report=report.name, account=row.account, ended=state, **fields))
        self.watch.progress.advance(len(self.outcomes), len(self.work))

    def answered(self, account: str) -> None:
        """An account was answered, so the system is there."""
        self.failures.clear()
        self.quiet[account] = 0

    def no_answer(self, account: str, error: Fix | Later) -> None:
        """_SystemAway where that was so for each account of this run, and for more than one report."""
        self.failures[account] = self.failures.get(account, 0) + 1
        if set(self.failures) >= {row.account for _, row in self.work} and sum(self.failures.values()) > 1:
            raise _SystemAway(error)


def reports_named(session: Session, name: str | None = None) -> Sequence[Report]:
    """The report called `name`, or all. UsageFault if no report has that name."""
    if name is None:
        return list(session.project.reports.values())
    if name not in session.project.reports:
        names = ", ".join(session.project.reports) or "none"
        raise UsageFault(f"there is no report {name!r} in this project; there are: {names}")
    return [session.project.reports[name]]


def run_reports(session: Session, reports: Sequence[Report], watch: Watch, *, due_only: bool = False) -> ReportsRun:
    """Ask for `reports` of all their accounts, wait, and load them. `due_only`: those alone whose schedule has come round.

    What concerns one report of one account is its outcome. Fix or Later where nothing at all was loaded and a system gave no
    account an answer; where something was, that is the run's `trouble`.
    """
    if due_only and not _anything_due(session, reports):
        return ReportsRun(outcomes=[], seconds=0.0)
    with attempt(session, Kind.reports, ", ".join(dict.fromkeys(report.system for report in reports))) as entry:
        run = _run_reports(session, reports, watch, due_only=due_only)
        entry.counts = run.counts
        if run.counts["failed"]:
            entry.state, entry.code = "failed", "reports-failed"
            entry.error = f"{run.counts['failed']} of {run.counts['due']} failed; see: careloom reports --failed"
        elif run.trouble:
            entry.state, entry.code, entry.error = "failed", "reports-failed", str(run.trouble)
        elif run.counts["waiting"]:
            entry.state = "interrupted"
    return run


def _anything_due(session: Session, reports: Sequence[Report]) -> bool:
    return any(True for _ in _due(session, AccountReports(session.store), reports, due_only=True))


def _run_reports(session: Session, reports: Sequence[Report], watch: Watch, *, due_only: bool) -> ReportsRun:
    began = time.monotonic()
    outcomes: list[ReportOutcome] = []
    troubles: list[CareloomError] = []
    for system in dict.fromkeys(report.system for report in reports):
        of_system = [report for report in reports if report.system == system]
        try:
            system_outcomes, trouble = _of_system(session, system, of_system, watch, due_only=due_only)
            outcomes += system_outcomes
        except (Fix, Later) as error:
            # Another system's reports are not kept from being loaded.
            trouble = error
        troubles += [trouble] if trouble else []
    if troubles and not any(outcome.ended in ("loaded", "unchanged", "empty") for outcome in outcomes):
        raise troubles[0]
    return ReportsRun(outcomes=outcomes, seconds=time.monotonic() - began, trouble=troubles[0] if troubles else None)


def _of_system(
    session: Session, system: str, reports: Sequence[Report], watch: Watch, *, due_only: bool
) -> tuple[Sequence[ReportOutcome], CareloomError | None]:
    with advisory_lock(session.store, "reports", system) as has_lock:
        if not has_lock:
            raise Later(f"reports of {system!r} are being asked for already; try again when that is over", after=60.0)
        account_reports = AccountReports(session.store)
        due = list(_due(session, account_reports, reports, due_only=due_only))
        watch.progress.step(f"reports of {system}")
        source = session.report_source(system)
        now = session.clock()
        _end_others(session, account_reports, system)
        for schema in sorted({report.watched_in for report in reports} - {""}):
            if why := account_reports.show_in_schema(schema):
                LOG.warning(
                    "report.state_not_written",
                    message="the state of the reports could not be written for readers",
                    reason=why,
                )
        rows = [(report, account_reports.open(system, report.name, account, now)) for report, account in due]
        asking = _Asking(
            session=session,
            reports=account_reports,
            watch=watch,
            work=sorted(rows, key=lambda row: _turn(account_reports, row[1])),
        )
        desk = ReportRequests(
            source=source,
            policy=session.report_policy(system),
            reports=account_reports,
            stop=watch.stop,
            meanwhile=lambda: _load_delivery(asking),
        )
        trouble = _all(asking, desk)
        for report in reports:
            forget_old(session.store, system, report.name, keep=report.keep)
            drop_unread(session.store, report.name)
        return asking.outcomes, trouble


def _turn(account_reports: AccountReports, row: AccountReport) -> tuple[bool, datetime, bool, datetime]:
    """Who comes first. Those that the system is making, or has made: a second one would not begin before they are over.

    Then those that a former run did not come to; last those that failed, the one first that has waited longest: what
    can never be had must keep nothing else from being asked for.
    """
    last_run = account_reports.so_far(row.system, row.name, row.account, row.due_at)
    failed_at = row.tried_at or last_run.failed_at
    return failed_at is not None, failed_at or datetime.min.replace(tzinfo=UTC), not row.identifier, row.due_at


def _all(asking: _Asking, desk: ReportRequests) -> CareloomError | None:
    """Ask for all, in their order; what made an end of it before."""
    trouble: CareloomError | None = None
    try:
        for place, (report, row) in enumerate(asking.work):
            try:
                _fetch_report(asking, desk, report, row)
            except _SystemAway as away:
                trouble = away.error
                for later_report, later_row in asking.work[place + 1 :]:
                    asking.ended(later_report, later_row, "waiting", message="the system was away", unasked=True)
                break
    finally:
        # What was fetched already is loaded, whatever ended the run.
        _load_delivery(asking)
        _note_lost(asking)
    return trouble


def _due(
    session: Session, account_reports: AccountReports, reports: Sequence[Report], *, due_only: bool
) -> Iterator[tuple[Report, str]]:
    for report in reports:
        for account in report.accounts:
            if not due_only or is_report_due(session, account_reports, report, account):
                yield report, account


def _end_others(session: Session, account_reports: AccountReports, system: str) -> None:
    """What is under way of an account or a report that was taken out of the project would be due for ever."""
    accounts = [
        (report.system, report.name, account)
        for report in session.project.reports.values()
        for account in report.accounts
    ]
    for id_, name, account in account_reports.end_others(system, accounts):
        shutil.rmtree(_folder_of(session, id_), ignore_errors=True)
        LOG.info(
            "report.ended",
            message="a report that the project no longer asks for was ended",
            report=name,
            account=account,
        )


def _fetch_report(asking: _Asking, desk: ReportRequests, report: Report, row: AccountReport) -> None:
    """Ask for one report, load the former one meanwhile, and wait for this one."""
    if asking.watch.stop.is_set():
        asking.ended(report, row, "waiting", message="stopped before it was asked for", unasked=not row.identifier)
        return
    if asking.quiet[row.account] >= _QUIET:
        asking.ended(report, row, "waiting", message="other reports of this account had no answer", unasked=True)
        return
    try:
        delivery = hand_over(desk, report, row, _folder(asking.session, row))
    except Hold as hold:
        asking.answered(row.account)
        _fail(asking, report, row, hold.code, str(hold))
        shutil.rmtree(_folder(asking.session, row), ignore_errors=True)
        return
    except (Fix, Later) as error:
        _note_no_answer(asking, report, row, error)
        return
    asking.answered(row.account)
    if delivery is None:
        asking.ended(
            report, row, "waiting", message="stopped while the system makes it; the next run continues to wait"
        )
        return
    _load_delivery(asking)
    asking.delivery = (report, row, delivery)


def _note_no_answer(asking: _Asking, report: Report, row: AccountReport, error: Fix | Later) -> None:
    """One account's trouble is not the others'. A refusal is told at once; what may pass is tried in a few more runs."""
    shutil.rmtree(_folder(asking.session, row), ignore_errors=True)
    if isinstance(error, Later):
        asking.lost_answers.append((report, row, error))
        asking.quiet[row.account] += 1
    else:
        code = "not-permitted" if isinstance(error, NotPermitted) else "request-refused"
        _fail(asking, report, row, code, str(error))
    asking.no_answer(row.account, error)


def _note_lost(asking: _Asking) -> None:
    """Write down which had no answer; failed are those that had none in several runs."""
    for report, row, error in asking.lost_answers:
        tries = row.tries + 1
        if tries >= _TRIES:
            message = f"in {tries} runs there was no answer: {error}. It is asked for again later"
            _fail(asking, report, row, "no-answer", message)
            continue
        asking.reports.lost(row, tries, str(error), asking.session.clock())
        asking.ended(report, row, "waiting", code="no-answer", message=str(error))
    asking.lost_answers.clear()


def _load_delivery(asking: _Asking) -> None:
    """Load what was fetched last, if anything waits to be."""
    if asking.delivery is None:
        return
    report, row, delivery = asking.delivery
    asking.delivery = None
    asking.reports.ready(row)
    with _temporary_folder(_folder(asking.session, row)) as folder:
        try:
            check_delivery(asking.reports, report, row, delivery)
            if delivery.state != "ready":
                _show_none(asking, report, row, delivery)
                return
            load = load_report(
                asking.session.store,
                system=report.system,
                name=report.name,
                account=row.account,
                run=row.id,
                files=delivery.files,
                declared_types=report.types,
                folder=folder,
                required_columns=report.columns,
                recoded_count=delivery.recoded,
            )
        except Hold as hold:
            _fail(asking, report, row, hold.code, str(hold))
            return
        except Later as error:
            # A table that stayed locked, a full disk: the files are fetched again by the next run.
            asking.lost_answers.append((report, row, error))
            return
        except (Fix, Stop) as error:
            # What a person must mend in one report, or a bug that it meets, keeps no other from being loaded.
            LOG.error(
                "report.failed",
                message="a report was not loaded",
                report=report.name,
                account=row.account,
                reason=str(error),
            )
            _fail(asking, report, row, "not-loaded", str(error))
            return
        with asking.session.store.transaction() as connection:
            make_current(connection, row.id, load.rows, load.drifts)
    outcome = "unchanged" if load.is_unchanged else "loaded" if load.rows else "empty"
    LOG.info(
        "report.loaded",
        message="a report was loaded",
        report=report.name,
        account=row.account,
        rows=load.rows,
        outcome=outcome,
    )
    asking.ended(report, row, outcome, rows=load.rows, drifts=load.drifts)


def _fail(asking: _Asking, report: Report, row: AccountReport, code: str, message: str) -> None:
    asking.reports.failed(row, code, message, asking.session.clock())
    asking.ended(report, row, "failed", code=code, message=message)


def _show_none(asking: _Asking, report: Report, row: AccountReport, delivery: Fetched) -> None:
    """The system says that there are no rows: that is what readers see from now on."""
    with asking.session.store.transaction() as connection:
        make_current(connection, row.id, 0, ())
    asking.ended(report, row, "empty", message=delivery.message)


def _folder(session: Session, row: AccountReport) -> Path:
    folder = _folder_of(session, row.id)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def _folder_of(session: Session, id_: int) -> Path:
    return session.hidden / "reports" / str(id_)


@contextmanager
def _temporary_folder(folder: Path) -> Iterator[Path]:
    """The folder, which holds people's data, is removed whatever happens."""
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
