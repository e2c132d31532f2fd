"""The words for what is tried: its kinds, and the name of what is not yet any single thing."""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """What is tried, as `careloom runs --kind` names it."""

    plan = "plan"
    apply = "apply"
    run = "run"
    land = "land"
    reconcile = "reconcile"
    replay = "replay"
    retry = "retry"
    events = "events"
    publish = "publish"
    reports = "reports"
    models = "models"
    cleanup = "cleanup"
    summary = "summary"
    work = "work"


ALL = "all"
"""The name of what failed before it came to any single sync, stream or report."""
