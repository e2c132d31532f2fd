"""Log lines: an event and what belongs to it, ids and counts only. structlog, which takes long to load, comes with the first."""

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

    def debug(self, event: str, **values: Any) -> None:
        """What nobody needs every day."""
        self.log(logging.DEBUG, event, **values)

    def info(self, event: str, **values: Any) -> None:
        """What goes as it should."""
        self.log(logging.INFO, event, **values)

    def warning(self, event: str, **values: Any) -> None:
        """What may need somebody."""
        self.log(logging.WARNING, event, **values)

    def error(self, event: str, **values: Any) -> None:
        """What needs somebody."""
        self.log(logging.ERROR, event, **values)

    def log(self, level: int, event: str, **values: Any) -> None:
        """A line of a severity of `logging`; none below the one that was set up."""
        if level < _SET_UP.least:
            return
        _configure()
        import_module("structlog").get_logger().log(level, event, **self.context, **values)


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
