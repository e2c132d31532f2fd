"""What a scheduler's call should do now, and what comes next."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from careloom.core.attempts import Kind
from careloom.project.model import Sync
from careloom.project.schedules import Schedule
from careloom.services.analytics.build import FAILED, has_models
from careloom.services.session.session import Opened
from careloom.store.attempts import Attempts
from careloom.store.runs import Runs


def is_due(opened: Opened, sync: Sync) -> bool:
    """True if the sync's schedule has come round since it last began. A missed tick counts once, however late."""
    return has_come(opened, sync.schedule, Runs(opened.store).last_start(sync.name))


def has_come(opened: Opened, schedule: Schedule | None, last: datetime | None) -> bool:
    """Whether a tick of `schedule` came after `last`; of what was never done, any."""
    if schedule is None:
        return False
    return last is None or last < schedule.previous_tick(opened.clock(), opened.project.timezone)


def are_models_due(opened: Opened) -> bool:
    """Whether the models are to be built by themselves: their schedule has come, or what they come after has changed.

    A build that failed is not repeated before the next tick or change: the same models would fail with the same rows.
    """
    rule = opened.project.models
    if not has_models(opened):
        return False
    attempts = Attempts(opened.store)
    last = attempts.last_start(Kind.models, opened.project.name, codes=(FAILED,))
    if has_come(opened, rule.schedule, last):
        return True
    after = tuple(opened.project.reports) if rule.after is None else rule.after
    tables = [opened.project.landings[name].table for name in after if name in opened.project.landings]
    reports = [name for name in after if name in opened.project.reports]
    return attempts.anything_changed(last, tables, reports)


def is_summary_due(opened: Opened) -> bool:
    """Whether what waits is to be mailed now. One whose mail could not be sent is still due."""
    mail = opened.project.alerts.mail
    if mail is None or mail.summary is None:
        return False
    return has_come(opened, mail.summary, Attempts(opened.store).last_start(Kind.summary, opened.project.name))


def next_due(opened: Opened, syncs: Sequence[Sync]) -> tuple[str, datetime] | None:
    """What of these, or the models, is due next, and when, in the project's zone; None where nothing has a schedule."""
    now, zone = opened.clock(), opened.project.timezone
    schedules = [(sync.name, sync.schedule) for sync in syncs]
    if has_models(opened):
        schedules.append(("models", opened.project.models.schedule))
    ticks = [(schedule.next_tick(now, zone), name) for name, schedule in schedules if schedule is not None]
    if not ticks:
        return None
    tick, name = min(ticks)
    return name, tick.astimezone(zone)
