"""Reports asked for, waited for, fetched and loaded: one after the other, each account's failure its own.

A system may make one report at a time for the whole organisation, so while it makes the next one the former is loaded. What
was asked for is written down before anything else happens: whoever takes over after a crash waits for the same run.
"""

from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import structlog

from careloom.core.errors import Fix, Hold, Later, Stop, UsageFault
from careloom.core.reports import Fetched, ReportAsk, ReportPolicy, ReportSource
from careloom.project.model import Report
from careloom.services.attempts import Kind, attempt
from careloom.services.opening import HIDDEN, Opened
from careloom.services.progress import Watch
from careloom.services.report_loading import load_report
from careloom.store.account_reports import AccountReport, AccountReports
from careloom.store.locking import alone
from careloom.store.report_retyping import drop_unread
from careloom.store.report_tables import Drift, forget_old, make_current

_LOG = structlog.get_logger()
_AWAY = 2
_PAUSES = (timedelta(minutes=15), timedelta(hours=1), timedelta(hours=4), timedelta(days=1))
"""After so many failures in a row of one report of one account it is asked for again, even if it is not due; at last daily."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one report of one account. `ended`: loaded, unchanged, empty, failed, or waiting to go on."""

    report: str
    account: str
    ended: str
    rows: int = 0
    code: str = ""
    message: str = ""
    drifts: Sequence[Drift] = ()
    unasked: bool = False
    """The run was stopped before it came to this one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportsRun:
    """One run over reports: an outcome for each report of each account that was due."""

    outcomes: Sequence[Outcome]
    seconds: float

    @property
    def counts(self) -> dict[str, int]:
        """How many ended how; they add up to `due`."""
        ended = Counter(one.ended for one in self.outcomes)
        kinds = ("loaded", "unchanged", "empty", "failed", "waiting")
        return {"due": len(self.outcomes)} | {kind: ended[kind] for kind in kinds}

    @property
    def changed(self) -> bool:
        """Whether readers see other rows than before."""
        return any(one.ended in ("loaded", "empty") for one in self.outcomes)

    @property
    def exit_code(self) -> int:
        """0 all well, 3 something waits to go on, 4 something failed."""
        counts = self.counts
        return 4 if counts["failed"] else 3 if counts["waiting"] else 0

    def as_json(self) -> dict[str, Any]:
        """The run as plain data."""
        return {"counts": self.counts, "seconds": self.seconds, "outcomes": [asdict(one) for one in self.outcomes]}


@dataclass(slots=True, kw_only=True)
class _Asking:
    """A run over one system's reports."""

    ready: Opened
    source: ReportSource
    policy: ReportPolicy
    reports: AccountReports
    watch: Watch
    total: int
    outcomes: list[Outcome] = field(default_factory=list)
    fetched: tuple[Report, AccountReport, Fetched] | None = None
    away: int = 0
    """How many reports in a row the system did not answer for."""

    def ended(self, report: Report, one: AccountReport, ended: str, **more: Any) -> None:
        self.outcomes.append(Outcome(report=report.name, account=one.account, ended=ended, **more))
        self.watch.progress.advance(len(self.outcomes), self.total)


def reports_named(ready: Opened, name: str | None = None) -> Sequence[Report]:
    """The report called `name`, or all. UsageFault if there is none of that name."""
    if name is None:
        return list(ready.project.reports.values())
    if name not in ready.project.reports:
        known = ", ".join(ready.project.reports) or "none"
        raise UsageFault(f"there is no report {name!r} in this project; there are: {known}")
    return [ready.project.reports[name]]


def run_reports(ready: Opened, reports: Sequence[Report], watch: Watch, *, due_only: bool = False) -> ReportsRun:
    """Ask for `reports` of all their accounts, wait, and load them. `due_only`: those alone whose schedule has come round.

    Fix and Later end it, and the next run goes on; what concerns one report of one account is its outcome.
    """
    if due_only and not _anything_due(ready, reports):
        return ReportsRun(outcomes=[], seconds=0.0)
    with attempt(ready, Kind.reports, ", ".join(dict.fromkeys(report.system for report in reports))) as entry:
        run = _run_reports(ready, reports, watch, due_only=due_only)
        entry.counts = run.counts
        if run.counts["failed"]:
            entry.state, entry.code = "failed", "reports-failed"
            entry.error = (
                f"{run.counts['failed']} of {run.counts['due']} came to nothing; see: careloom reports --failed"
            )
        elif run.counts["waiting"]:
            entry.state = "interrupted"
    return run


def _anything_due(ready: Opened, reports: Sequence[Report]) -> bool:
    return any(True for _ in _due(ready, AccountReports(ready.store), reports, due_only=True))


def _run_reports(ready: Opened, reports: Sequence[Report], watch: Watch, *, due_only: bool) -> ReportsRun:
    began = time.monotonic()
    outcomes: list[Outcome] = []
    for system in dict.fromkeys(report.system for report in reports):
        mine = [report for report in reports if report.system == system]
        outcomes += _of_system(ready, system, mine, watch, due_only=due_only)
    return ReportsRun(outcomes=outcomes, seconds=time.monotonic() - began)


def any_report_due(ready: Opened, system: str) -> bool:
    """Whether a report of the system is due, or was begun and has come to no end."""
    return _anything_due(ready, [report for report in ready.project.reports.values() if report.system == system])


def _of_system(
    ready: Opened, system: str, reports: Sequence[Report], watch: Watch, *, due_only: bool
) -> Sequence[Outcome]:
    with alone(ready.store, "reports", system) as ours:
        if not ours:
            raise Later(f"reports of {system!r} are being asked for already; try again when that is over", after=60.0)
        kept = AccountReports(ready.store)
        work = list(_due(ready, kept, reports, due_only=due_only))
        watch.progress.step(f"reports of {system}")
        one = _Asking(
            ready=ready,
            source=ready.report_source(system),
            policy=ready.report_policy(system),
            reports=kept,
            watch=watch,
            total=len(work),
        )
        now = ready.clock()
        _end_others(ready, kept, system)
        opened = [(report, kept.open(system, report.name, account, now)) for report, account in work]
        # Those that the system is making, or has made, come first: a second one would not begin before they are over. Then
        # those that a former run did not come to.
        opened.sort(key=lambda pair: (not pair[1].identifier, pair[1].due_at))
        try:
            for report, account_report in opened:
                _one(one, report, account_report)
        finally:
            # What was fetched already is loaded, whatever ended the run.
            _load_fetched(one)
        for report in reports:
            forget_old(ready.store, system, report.name, keep=report.keep)
            drop_unread(ready.store, report.name)
        return one.outcomes


def _due(
    ready: Opened, kept: AccountReports, reports: Sequence[Report], *, due_only: bool
) -> Iterator[tuple[Report, str]]:
    for report in reports:
        for account in report.accounts:
            if (
                not due_only
                or kept.under_way(report.system, report.name, account)
                or _has_come(ready, kept, report, account)
            ):
                yield report, account


def _has_come(ready: Opened, kept: AccountReports, report: Report, account: str) -> bool:
    if report.schedule is None:
        return False
    now = ready.clock()
    last = kept.so_far(report.system, report.name, account, now)
    if last.due_at is None or last.due_at < report.schedule.previous_tick(now, ready.project.timezone):
        return True
    return last.failed_at is not None and last.failed_at + _PAUSES[min(last.failures, len(_PAUSES)) - 1] <= now


def _end_others(ready: Opened, kept: AccountReports, system: str) -> None:
    """What is under way of an account or a report that was taken out of the project would be due for ever."""
    wanted = [(one.system, one.name, account) for one in ready.project.reports.values() for account in one.accounts]
    for id_, name, account in kept.end_others(system, wanted):
        shutil.rmtree(_folder_of(ready, id_), ignore_errors=True)
        _LOG.info("a report that the project asks for no longer was ended", report=name, account=account)


def _one(one: _Asking, report: Report, mine: AccountReport) -> None:
    """Ask for one report, load the former one meanwhile, and wait for this one."""
    if one.watch.stop.is_set():
        one.ended(report, mine, "waiting", message="stopped before it was asked for", unasked=not mine.identifier)
        return
    try:
        found = _made(one, report, mine)
    except Hold as hold:
        _failed(one, report, mine, hold.code, str(hold))
        shutil.rmtree(_folder(one.ready, mine), ignore_errors=True)
        return
    except Later as later:
        # One account's trouble is not the others'; two in a row are the system's.
        one.away += 1
        if one.away >= _AWAY:
            raise
        one.ended(report, mine, "waiting", message=str(later))
        return
    one.away = 0
    if found is None:
        one.ended(report, mine, "waiting", message="stopped while the system makes it; the next run goes on waiting")
        return
    _load_fetched(one)
    one.fetched = (report, mine, found)


def _made(one: _Asking, report: Report, mine: AccountReport) -> Fetched | None:
    """The report's files; None if the run was stopped. Hold where the system will not make it, or gave it up too often."""
    identifier: str | None = mine.identifier if mine.asked_for == _numbers(report) else ""
    asks = mine.asks
    for _ in range(max(1, one.policy.asks - asks) + bool(identifier)):
        if not identifier:
            identifier = _asked(one, report, mine)
            if identifier is None:
                return None
            one.reports.asked(mine, identifier, _numbers(report))
        _load_fetched(one)
        found = _waited(one, mine, identifier)
        if found is None or found.state in ("ready", "no-rows"):
            return found
        if found.state == "refused":
            raise Hold("report-refused", f"the system does not make it of this account: {found.message}")
        one.reports.again(mine)
        identifier = ""
    raise Hold("report-timed-out", f"the system gave it up each of {one.policy.asks} times; it is asked again later")


def _numbers(report: Report) -> str:
    return f"{report.report}/{report.filter}"


def _asked(one: _Asking, report: Report, mine: AccountReport) -> str | None:
    """The identifier of our own run; None if stopped. While another's run is under way ours cannot begin."""
    until = time.monotonic() + one.policy.ceiling_seconds
    while True:
        said = one.source.ask(ReportAsk(account=mine.account, report=report.report, filter=report.filter))
        if said.refused:
            raise Hold("report-refused", f"the system does not make it of this account: {said.refused}")
        if not said.another:
            return said.identifier
        if time.monotonic() > until:
            raise Later("the system is busy with a report that somebody else asked for; try again later", after=600.0)
        _load_fetched(one)
        if one.watch.stop.wait(one.policy.poll_seconds):
            return None


def _waited(one: _Asking, mine: AccountReport, identifier: str) -> Fetched | None:
    until = time.monotonic() + one.policy.ceiling_seconds
    while True:
        found = one.source.fetch(mine.account, identifier, _folder(one.ready, mine))
        if found.state != "waiting":
            return found
        if time.monotonic() > until:
            return Fetched(state="timed-out", message="it was not ready in time")
        if one.watch.stop.wait(one.policy.poll_seconds):
            return None


def _load_fetched(one: _Asking) -> None:
    """Load what was fetched last, if anything waits to be."""
    if one.fetched is None:
        return
    report, mine, found = one.fetched
    one.fetched = None
    one.reports.ready(mine)
    with _cleared(_folder(one.ready, mine)) as folder:
        if found.state == "no-rows":
            _show_none(one, report, mine, found)
            return
        try:
            loaded = load_report(
                one.ready.store,
                system=report.system,
                name=report.name,
                account=mine.account,
                run=mine.id,
                files=found.files,
                declared=report.types,
                folder=folder,
            )
        except Hold as hold:
            _failed(one, report, mine, hold.code, str(hold))
            return
        except (Fix, Stop) as error:
            # What a person must mend in one report, or a bug that it meets, keeps no other from being loaded.
            _LOG.error("a report was not loaded", report=report.name, account=mine.account, reason=str(error))
            _failed(one, report, mine, "not-loaded", str(error))
            return
        with one.ready.store.transaction() as connection:
            make_current(connection, mine.id, loaded.rows, loaded.drifts)
    ended = "unchanged" if loaded.unchanged else "loaded" if loaded.rows else "empty"
    _LOG.info("a report was loaded", report=report.name, account=mine.account, rows=loaded.rows, outcome=ended)
    one.ended(report, mine, ended, rows=loaded.rows, drifts=loaded.drifts)


def _failed(one: _Asking, report: Report, mine: AccountReport, code: str, message: str) -> None:
    one.reports.failed(mine, code, message, one.ready.clock())
    one.ended(report, mine, "failed", code=code, message=message)


def _show_none(one: _Asking, report: Report, mine: AccountReport, found: Fetched) -> None:
    """The system says that there are no rows: that is what readers see from now on."""
    with one.ready.store.transaction() as connection:
        make_current(connection, mine.id, 0, ())
    one.ended(report, mine, "empty", message=found.message)


def _folder(ready: Opened, mine: AccountReport) -> Path:
    folder = _folder_of(ready, mine.id)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def _folder_of(ready: Opened, id_: int) -> Path:
    return ready.project.folder / HIDDEN / "reports" / str(id_)


@contextmanager
def _cleared(folder: Path) -> Iterator[Path]:
    """The folder, which holds people's data, is removed whatever happens."""
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
