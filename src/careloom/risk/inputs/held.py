"""What is held while many files are read: on disk, so that a million broken claims need no memory; a few of them at hand."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from careloom.risk.inputs.lines import HeldInput

FIRST = 100
"""How many are kept at hand, to be shown."""
COLUMNS = ("source", "place", "code", "reason")


@dataclass(slots=True, kw_only=True)
class HeldFile:
    """A CSV of all that is held, with numbers by code, the first few, and the sources they came from."""

    writer: Any
    first: list[HeldInput] = field(default_factory=list)
    codes: Counter[str] = field(default_factory=Counter)
    sources: set[str] = field(default_factory=set)

    def append(self, held_input: HeldInput, /) -> None:
        """Keep one more."""
        self.writer.writerow([getattr(held_input, name) for name in COLUMNS])
        self.codes[held_input.code] += 1
        self.sources.add(held_input.source)
        if len(self.first) < FIRST:
            self.first.append(held_input)


@contextmanager
def held_file(path: Path) -> Iterator[HeldFile]:
    """A new file of the held at `path`."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(COLUMNS)
        yield HeldFile(writer=writer)
