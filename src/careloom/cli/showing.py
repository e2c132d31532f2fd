"""What a command shows: data on standard output, talk on standard error."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as RichProgress
from rich.table import Table

from careloom.cli.manner import MANNER
from careloom.services.progress import Progress, Quiet

_EVERY = 5.0
"""Seconds between two plain lines of one step, where there is no terminal."""

_PAPER = 160
"""Columns where there is no terminal to ask."""

out = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else _PAPER)
talk = Console(stderr=True, highlight=False, soft_wrap=True)


def print_json(value: Any) -> None:
    """`value` as JSON on standard output."""
    MANNER.printed = True
    sys.stdout.buffer.write(
        orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS, default=str) + b"\n"
    )
    sys.stdout.flush()


def many(number: int, noun: str) -> str:
    """A number with its noun: "1 row", "1,024 rows"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def uncut(table: Table, *words: str) -> Table:
    """`table`, none of whose cells is cut on a narrow terminal; the columns headed by `words` are not even broken.

    What is typed again, such as a reason's code, must be whole.
    """
    for column in table.columns:
        column.overflow = "fold"
        column.no_wrap = column.header in words
    return table


def moment(at: datetime, zone: tzinfo) -> str:
    """A moment as the project's clocks show it: "2026-03-08 06:00 EDT"."""
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S %Z}"


def own_name() -> str:
    """How this command is called from here: by its name if the shell would find it, else by its path."""
    beside = Path(sys.executable).with_name("careloom")
    if not beside.exists() or shutil.which("careloom") == str(beside):
        return "careloom"
    return str(beside.relative_to(Path.cwd())) if beside.is_relative_to(Path.cwd()) else str(beside)


class PlainProgress:
    """One line a step, and one every few seconds."""

    def __init__(self) -> None:
        self._step = ""
        self._said = 0.0

    def step(self, text: str) -> None:
        """A line."""
        self._step, self._said = text, time.monotonic()
        talk.print(f"… {text}", markup=False)

    def advance(self, done: int, total: int | None) -> None:
        """A line, unless one was printed just now."""
        if time.monotonic() - self._said >= _EVERY:
            self._said = time.monotonic()
            talk.print(f"… {self._step}: {done:,}" + (f" of {total:,}" if total else ""), markup=False)

    def rest(self) -> None:
        """Nothing: lines stay where they are."""


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

    def advance(self, done: int, total: int | None) -> None:
        """The bar moves."""
        if self._task is not None:
            self._bars.update(self._task, completed=done, total=total)

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
def progress_for(*, quiet: bool) -> Iterator[Progress]:
    """Bars on a terminal, plain lines elsewhere, nothing when quiet."""
    if quiet or MANNER.quiet:
        yield Quiet()
    elif not talk.is_terminal:
        yield PlainProgress()
    else:
        columns = (
            SpinnerColumn("dots" if (talk.encoding or "").startswith("utf") else "line"),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        bars = RichProgress(*columns, console=talk, transient=True)
        progress = BarProgress(bars)
        try:
            yield progress
        finally:
            progress.rest()
