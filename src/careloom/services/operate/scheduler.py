"""What is due and sleeps: a wake that was lost costs seconds, a tick that was missed runs once, late."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg

from careloom.project.model import Landing
from careloom.project.schedules import parse_schedule
from careloom.services.operate.due import are_models_due, is_summary_due
from careloom.services.session.due import any_report_due, has_come
from careloom.services.session.sessions import Session
from careloom.store.inbox_queue import anything_to_tell, due_sources, resting
from careloom.store.queue import enqueue, last_cleanup, under_way
from careloom.store.stream_state import StreamStates

NIGHTLY = parse_schedule("daily at 03:00")
"""When the rules of retention are carried out, in the project's zone."""
_LONG = {"scan", "reconcile", "reports", "models", "cleanup", "summary"}


def enqueue_due(session: Session) -> None:
    """Wake every job that has something to do and does not rest after a failure."""
    with session.store.transaction() as connection:
        # What a long job has begun, it will have done: a second one would only do it again.
        away = resting(connection)
        away |= {key for key in under_way(connection) if key.partition(":")[0] in _LONG}
        for job, subject in _due(session, connection, away):
            if f"{job}:{subject}" not in away:
                enqueue(connection, job, subject)


def _due(session: Session, connection: psycopg.Connection, away: set[str]) -> Iterator[tuple[str, str]]:
    for source in due_sources(connection, session.project.systems):
        yield "process_inbox", source
    publishers = {f"publisher:{name}" for name in session.project.publish}
    if (not publishers or publishers - away) and anything_to_tell(connection):
        yield "publish", "outbox"
    yield from _due_scans(session, away)
    for system in dict.fromkeys(report.system for report in session.project.reports.values()):
        if any_report_due(session, system):
            yield "reports", system
    if are_models_due(session):
        yield "models", session.project.name
    if _anything_expires(session) and has_come(session, NIGHTLY, last_cleanup(connection)):
        yield "cleanup", "project"
    if is_summary_due(session):
        yield "summary", session.project.name


def _due_scans(session: Session, away: set[str]) -> Iterator[tuple[str, str]]:
    for name, landing in session.project.landings.items():
        state = StreamStates(session.store).read(name)
        if not _comes_with_another(session, landing) and has_come(session, landing.schedule, state.scanned_at):
            yield "scan", name
        # A reconcile reads all that a scan does; both at once would only wait for each other.
        elif has_come(session, landing.reconcile, state.reconciled_at) and f"scan:{name}" not in away:
            yield "reconcile", name


def _comes_with_another(session: Session, landing: Landing) -> bool:
    """Whether the scan of another stream, which is scheduled itself, also brings this one."""
    return any(
        root.stream.name == landing.stream.out_of and root.system == landing.system and root.schedule
        for root in session.project.landings.values()
    )


def _anything_expires(session: Session) -> bool:
    past = session.project.retention
    rules = [
        past.inbox,
        past.inbox_digest,
        past.change_log,
        past.sync_log,
        past.runs,
        *(landing.retention for landing in session.project.landings.values()),
    ]
    if session.project.reports:
        rules.append(past.account_reports)
    return any(rule is not None for rule in rules)
