"""Log lines: a stable key for alert rules (`scan.failed`), a sentence for people, and ids and counts only.

structlog, which takes long to load, comes with the first line. Every key and its sentence is in docs/reference/log-events.md.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any


@dataclass(slots=True)
class _SetUp:
    """From which severity up lines are written, and what is done before the first of them."""

    least: int = logging.NOTSET
    configure: Callable[[], None] | None = None


_SET_UP = _SetUp()


@dataclass(frozen=True, slots=True)
class Log:
    """Writes lines; each has what was bound to it, besides its own."""

    context: dict[str, Any] = field(default_factory=dict)

    def bind(self, **values: Any) -> Log:
        """The same, with `values` in each of its lines."""
        return Log({**self.context, **values})

    def debug(self, event: str, *, message: str = "", **values: Any) -> None:
        """What no one needs every day."""
        self.log(logging.DEBUG, event, message=message, **values)

    def info(self, event: str, *, message: str = "", **values: Any) -> None:
        """What goes as it should."""
        self.log(logging.INFO, event, message=message, **values)

    def warning(self, event: str, *, message: str = "", **values: Any) -> None:
        """What someone may have to look at."""
        self.log(logging.WARNING, event, message=message, **values)

    def error(self, event: str, *, message: str = "", **values: Any) -> None:
        """What someone has to look at."""
        self.log(logging.ERROR, event, message=message, **values)

    def log(self, level: int, event: str, *, message: str = "", **values: Any) -> None:
        """A line of a severity of `logging`; none below the one that was set up.

        `event` is a noun and what happened to it, `scan.failed`: alert rules match it, so it never changes. `message` is the
        same as a sentence.
        """
        if level < _SET_UP.least:
            return
        _configure()
        sentence = {"message": message} if message else {}
        import_module("structlog").get_logger().log(level, event, **sentence, **self.context, **values)


LOG = Log()


def set_up(least: int, configure: Callable[[], None]) -> None:
    """Write lines from the severity `least` up, after `configure` was called: now, or with the first line."""
    _SET_UP.least, _SET_UP.configure = least, configure
    if "structlog" in sys.modules:
        _configure()


def _configure() -> None:
    """Hand over to structlog, which leaves out by itself what is below the severity that it was configured with."""
    configure, _SET_UP.configure = _SET_UP.configure, None
    if configure is not None:
        _SET_UP.least = logging.NOTSET
        configure()
