"""How the logs are set up by the environment; ids and counts only, no people."""

from __future__ import annotations

import logging

from careloom.core import log
from careloom.services.session import log_lines
from careloom.services.session.settings import Settings


def set_up_logs(settings: Settings) -> None:
    """Send log lines to standard error, from CARELOOM_LOG_LEVEL up (default: warning): JSON, but words on a terminal."""
    level = settings.environment.get("CARELOOM_LOG_LEVEL", "warning").upper()
    least = logging.getLevelNamesMapping().get(level, logging.WARNING)
    log.set_up(least, lambda: log_lines.configure(settings, least))
