"""What the room says when a project asks for something that is not there."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Literal

from careloom.core.errors import Fault, ProjectFault

SHOWN = 5


def fault(code: str, cause: str, fix: str, *, part: Literal["url", "query"] = "query") -> ProjectFault:
    """A fault whose place in the project's files the caller knows better. `part`: what is at fault."""
    return ProjectFault(Fault(file="", line=0, column=0, code=code, cause=cause, fix=fix, part=part))


def nearest(name: str, names: Iterable[str]) -> str:
    """The known names most like `name`, for a sentence; some of them if none is like it."""
    by_folded = {candidate.casefold(): candidate for candidate in sorted(names)}
    close = get_close_matches(name.casefold(), by_folded, n=3, cutoff=0.6)
    suggestions = [by_folded[candidate] for candidate in close] or list(by_folded.values())[:SHOWN]
    return ", ".join(suggestions)


def unknown_table(name: str, names: Iterable[str]) -> ProjectFault:
    """There is no table `name`."""
    near = nearest(name, names)
    fix = f"name one that is there: {near}" if near else "there is no table at all: correct the system's url"
    return fault("unknown-table", f"there is no table {name}", fix)


def unknown_column(name: str, names: Iterable[str]) -> ProjectFault:
    """There is no column `name`."""
    return fault("unknown-column", f"there is no column {name}", f"name one that is there: {nearest(name, names)}")
