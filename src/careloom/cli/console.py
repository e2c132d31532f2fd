"""What a command shows: data on standard output, talk on standard error."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any

import orjson

from careloom.cli import rich_output
from careloom.cli.output_mode import MANNER
from careloom.services.session.progress import Progress, Quiet

_EVERY = 5.0
"""Seconds between two plain lines of one step, where there is no terminal."""

_UNSEEN = dict.fromkeys((7, 8, 11, 12, 13))
"""Letters that ring or move a terminal's cursor back, which could make a line read as another one."""


class Printer:
    """Lines on one of the two streams. Plain ones are written as they are; what has colours or columns needs rich."""

    def __init__(self, *, stderr: bool = False) -> None:
        self._stderr = stderr

    def print(
        self, text: str | rich_output.Table = "", *, markup: bool = True, style: str = "", end: str = "\n"
    ) -> None:
        """One line, or a table. Where `markup` is true, [bold] and the like are styles and no text."""
        stream = sys.stderr if self._stderr else sys.stdout
        has_style = style and (stream.isatty() or os.environ.get("FORCE_COLOR"))
        if not isinstance(text, str) or has_style or (markup and "[" in text):
            rich_output.console(stderr=self._stderr).print(
                text, markup=markup, style=style or None, emoji=False, end=end
            )
            return
        stream.write(text.translate(_UNSEEN) + end)
        stream.flush()


printer = Printer()
talk = Printer(stderr=True)


def print_json(value: Any) -> None:
    """`value` as JSON on standard output."""
    MANNER.has_printed = True
    sys.stdout.buffer.write(
        orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS, default=str) + b"\n"
    )
    sys.stdout.flush()


def many(number: int, noun: str) -> str:
    """A number with its noun: "1 row", "1,024 rows"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def moment(time: datetime, zone: tzinfo) -> str:
    """A moment as the project's clocks show it: "2026-03-08 06:00:00 EDT"."""
    return f"{time.astimezone(zone):%Y-%m-%d %H:%M:%S %Z}"


def own_name() -> str:
    """How this command is called from here: by its name if the shell would find it, else by its path."""
    script = Path(sys.executable).with_name("careloom")
    if not script.exists() or shutil.which("careloom") == str(script):
        return "careloom"
    return str(script.relative_to(Path.cwd())) if script.is_relative_to(Path.cwd()) else str(script)


class PlainProgress:
    """One line a step, and one every few seconds."""

    def __init__(self) -> None:
        self._step = ""
        self._said = 0.0

    def step(self, text: str) -> None:
        """A line."""
        self._step, self._said = text, time.monotonic()
        talk.print(f"… {text}", markup=False)

    def advance(self, count: int, total: int | None) -> None:
        """A line, unless one was printed just now."""
        if time.monotonic() - self._said >= _EVERY:
            self._said = time.monotonic()
            talk.print(f"… {self._step}: {count:,}" + (f" of {total:,}" if total else ""), markup=False)

    def rest(self) -> None:
        """Nothing: lines stay where they are."""


@contextmanager
def progress_for(*, quiet: bool) -> Iterator[Progress]:
    """Bars on a terminal, plain lines elsewhere, nothing when quiet."""
    if quiet or MANNER.quiet:
        yield Quiet()
    elif not sys.stderr.isatty():
        yield PlainProgress()
    else:
        with rich_output.bar_progress() as progress:
            yield progress
