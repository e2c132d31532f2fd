"""What a scheduler's call should do now, and what comes next."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from careloom.core.attempts import Kind
from careloom.project.model import Sync
from careloom.services.analytics.build import FAILED, has_models
from careloom.services.session.due import has_come
from careloom.services.session.sessions import Session
from careloom.store.attempts import Attempts
from careloom.store.runs import Runs


def is_due(session: Session, sync: Sync) -> bool:
    """True if the sync's schedule has come round since it last began. A missed tick counts once, however late."""
    return has_come(session, sync.schedule, Runs(session.store).last_start(sync.name))


def are_models_due(session: Session) -> bool:
    """Whether the models are to be built by themselves: their schedule has come, or what they come after has changed.

    A build that failed is not repeated before the next tick or change: the same models would fail with the same rows.
    """
    rule = session.project.models
    if not has_models(session):
        return False
    attempts = Attempts(session.store)
    last = attempts.last_start(Kind.models, session.project.name, codes=(FAILED,))
    if has_come(session, rule.schedule, last):
        return True
    after = tuple(session.project.reports) if rule.after is None else rule.after
    tables = [session.project.landings[name].table for name in after if name in session.project.landings]
    reports = [name for name in after if name in session.project.reports]
    return attempts.anything_changed(last, tables, reports)


def is_summary_due(session: Session) -> bool:
    """Whether what waits is to be mailed now. One whose mail could not be sent is still due."""
    mail = session.project.alerts.mail
    if mail is None or mail.summary is None:
        return False
    return has_come(session, mail.summary, Attempts(session.store).last_start(Kind.summary, session.project.name))


def next_due(session: Session, syncs: Sequence[Sync]) -> tuple[str, datetime] | None:
    """What of these, or the models, is due next, and when, in the project's zone; None where nothing has a schedule."""
    now, zone = session.clock(), session.project.timezone
    schedules = [(sync.name, sync.schedule) for sync in syncs]
    if has_models(session):
        schedules.append(("models", session.project.models.schedule))
    ticks = [(schedule.next_tick(now, zone), name) for name, schedule in schedules if schedule is not None]
    if not ticks:
        return None
    tick, name = min(ticks)
    return name, tick.astimezone(zone)
