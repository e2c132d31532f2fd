"""Whether an event could be kept now, and whether what was kept is worked at."""

from __future__ import annotations

from collections.abc import Sequence

from careloom.services.session.sessions import Session
from careloom.store import readiness
from careloom.store.inbox import Depth, inbox_depth
from careloom.store.readiness import BODY, Work

__all__ = ["Depth", "Work", "inbox_depths", "lack_for_events", "work_of"]


def lack_for_events(session: Session, size: int) -> str:
    """What is lacking to keep an event of `size` bytes: database, migrations, disk or writes; "" if nothing is."""
    return readiness.lack_for_events(session.store, max(BODY, size))


def work_of(session: Session) -> Work | None:
    """How the work stands; None where the database does not say."""
    return readiness.work_of(session.store)


def inbox_depths(session: Session, systems: Sequence[str]) -> Sequence[Depth]:
    """How much waits and is held of each of `systems`."""
    return inbox_depth(session.store, systems)
