"""Which syncs a scheduler's call should run now."""

from __future__ import annotations

from careloom.project.model import Sync
from careloom.services.opening import Opened
from careloom.store.runs import Runs


def is_due(opened: Opened, sync: Sync) -> bool:
    """True if the sync's schedule has come round since it last began. A missed tick counts once, however late."""
    if sync.schedule is None:
        return False
    last = Runs(opened.store).last_start(sync.name)
    tick = sync.schedule.previous_tick(opened.clock(), opened.project.timezone)
    return last is None or last < tick
