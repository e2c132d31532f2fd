"""Tables, colours and bars: all that needs rich, which is loaded only where one of them is shown."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as RichProgress
from rich.table import Table

__all__ = ["BarProgress", "Table", "bar_progress", "console", "escape", "uncut"]

_WIDTH = 160
"""Columns where there is no terminal to ask."""


@cache
def console(*, stderr: bool = False) -> Console:
    """Standard output, or standard error, as it is whenever something is printed."""
    if stderr:
        return Console(stderr=True, highlight=False, soft_wrap=True)
    return Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else _WIDTH)


def uncut(table: Table, *words: str) -> Table:
    """`table`, none of whose cells is cut on a narrow terminal; the columns headed by `words` are not even broken.

    What is typed again, such as a reason's code, must be whole.
    """
    for column in table.columns:
        column.overflow = "fold"
        column.no_wrap = column.header in words
    return table


class BarProgress:
    """A bar for the step under way; a line stays for each that is over."""

    def __init__(self, bars: RichProgress) -> None:
        self._bars = bars
        self._task: TaskID | None = None

    def step(self, text: str) -> None:
        """The bar of the former step becomes a line."""
        self._end()
        self._task = self._bars.add_task(text, total=None)
        self._bars.start()

    def advance(self, count: int, total: int | None) -> None:
        """The bar moves."""
        if self._task is not None:
            self._bars.update(self._task, completed=count, total=total)

    def rest(self) -> None:
        """No bar."""
        self._end()
        self._bars.stop()

    def _end(self) -> None:
        if self._task is not None:
            task = self._bars.tasks[self._bars.task_ids.index(self._task)]
            self._bars.console.print(f"✓ {task.description} [dim]({task.elapsed or 0:.1f} s)[/dim]")
            self._bars.remove_task(self._task)
            self._task = None


@contextmanager
def bar_progress() -> Iterator[BarProgress]:
    """Bars on standard error."""
    screen = console(stderr=True)
    bars = RichProgress(
        SpinnerColumn("dots" if (screen.encoding or "").startswith("utf") else "line"),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=screen,
        transient=True,
    )
    progress = BarProgress(bars)
    try:
        yield progress
    finally:
        progress.rest()
