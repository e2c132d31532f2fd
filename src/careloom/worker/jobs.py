"""The jobs: a name and a subject in, one use-case run, and a rest for the job if it failed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Event

from careloom.core.attempts import Kind
from careloom.core.errors import CareloomError, Fix, Later, safe_text
from careloom.core.log import LOG
from careloom.services.analytics.build import run_models
from careloom.services.landing.process import process_inbox
from careloom.services.landing.publish import publish_outbox
from careloom.services.landing.scan import LandingReport, reconcile, scan
from careloom.services.operate.alerts import alert_job, mail_summary
from careloom.services.operate.job_queue import end_rest, enqueue_publish, is_resting, rest_job
from careloom.services.operate.retention import cleanup
from careloom.services.reports.fetch import run_reports
from careloom.services.session.attempts import round_of
from careloom.services.session.progress import Watch
from careloom.services.session.sessions import Session

_PERSISTENT = 3
"""So many failures in a row are told to a person; what a person must mend is told at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobContext:
    """What jobs work on. `urgent` is the same project, drawing on rate budgets as events may."""

    session: Session
    urgent: Session
    stop: Event


def run_job(bench: JobContext, job: str, subject: str) -> None:
    """Run `job` over `subject`. It never raises: the rows stay what they are, and the job rests before it is woken again."""
    subject_key, began = f"{job}:{subject}", time.monotonic()
    log = LOG.bind(job=job, subject=subject)
    try:
        if is_resting(bench.session, subject_key):
            return
        try:
            outcome = JOBS[job](bench, subject)
        except Exception as error:  # noqa: BLE001 whatever it was, the worker continues
            reason = safe_text(error)
            log.error("job.failed", message="a job failed", reason=reason, seconds=round(time.monotonic() - began, 3))  # noqa: TRY400 a traceback could quote a person
            failures = rest_job(bench.session, subject_key, getattr(error, "after", None))
            if failures == (1 if isinstance(error, Fix) else _PERSISTENT):
                alert_job(bench.session, job, subject, reason)
        else:
            log.info("job.ended", message="a job ended", outcome=outcome, seconds=round(time.monotonic() - began, 3))
            end_rest(bench.session, subject_key)
    except CareloomError as error:
        # The database itself is away. Whatever is due is woken when it is back.
        log.error("job.unreadable", message="a job could not be read", reason=safe_text(error))  # noqa: TRY400 a traceback could quote a person


def _process(bench: JobContext, source: str) -> Mapping[str, int]:
    with round_of(bench.urgent, Kind.events, source) as entry:
        counts = process_inbox(bench.urgent, source, stop=bench.stop)
        entry.counts = {kind: number for kind, number in counts.items() if number}
        if counts["waiting"]:
            entry.state, entry.code = "failed", "events-wait"
            entry.error = "events could not be landed and are tried again; see: careloom held"
    return counts


def _publish(bench: JobContext, subject: str) -> Mapping[str, int]:
    with round_of(bench.urgent, Kind.publish, subject) as entry:
        counts = {"acknowledged": publish_outbox(bench.urgent)}
        entry.counts = {kind: number for kind, number in counts.items() if number}
    return counts


def _scan(bench: JobContext, stream: str) -> Mapping[str, int]:
    return _landed(bench, stream, scan)


def _reconcile(bench: JobContext, stream: str) -> Mapping[str, int]:
    return _landed(bench, stream, reconcile)


def _reports(bench: JobContext, system: str) -> Mapping[str, int]:
    reports = [report for report in bench.session.project.reports.values() if report.system == system]
    # The models come after them in a job of their own.
    run = run_reports(bench.session, reports, Watch(stop=bench.stop), due_only=True)
    if run.trouble:
        raise run.trouble
    return run.counts


def _models(bench: JobContext, _subject: str) -> Mapping[str, int]:
    result = run_models(bench.session, "build", Watch(stop=bench.stop))
    if result.exit_code and not bench.stop.is_set():
        names = ", ".join(node.name for node in result.failed) or "dbt ended before it came to the models"
        raise Fix(f"models failed: {names}; see: {result.log}")
    return result.counts


def _cleanup(bench: JobContext, _subject: str) -> Mapping[str, int]:
    return cleanup(bench.session, dry_run=False, stop=bench.stop).removed


def _summary(bench: JobContext, _subject: str) -> Mapping[str, int]:
    return mail_summary(bench.session)


def _landed(bench: JobContext, stream: str, land: Callable[[Session, str, Watch], LandingReport]) -> Mapping[str, int]:
    if stream not in bench.session.project.landings:
        return {}  # it was woken by an earlier state of the project
    report = land(bench.session, stream, Watch(stop=bench.stop))
    enqueue_publish(bench.session)
    if report.status != "completed" and not bench.stop.is_set():
        raise Later(f"the landing of {stream!r} is {report.status}: {'; '.join(report.notes)}", after=report.after)
    return report.counts


JOBS: Mapping[str, Callable[[JobContext, str], Mapping[str, int]]] = {
    "process_inbox": _process,
    "publish": _publish,
    "scan": _scan,
    "reconcile": _reconcile,
    "reports": _reports,
    "models": _models,
    "cleanup": _cleanup,
    "summary": _summary,
}
"""Every job by its name in the queue."""
