"""What the room says when a project asks for something that is not there."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from careloom.core.errors import Fault, ProjectFault

SHOWN = 5


def fault(code: str, cause: str, fix: str) -> ProjectFault:
    """A fault whose place in the project's files the caller knows better."""
    return ProjectFault(Fault(file="", line=0, column=0, code=code, cause=cause, fix=fix))


def nearest(name: str, known: Iterable[str]) -> str:
    """The known names most like `name`, for a sentence; some of them if none is like it."""
    by_folded = {other.casefold(): other for other in sorted(known)}
    close = get_close_matches(name.casefold(), by_folded, n=3, cutoff=0.6)
    shown = [by_folded[other] for other in close] or list(by_folded.values())[:SHOWN]
    return ", ".join(shown) if shown else "nothing: there is none"


def unknown_table(name: str, known: Iterable[str]) -> ProjectFault:
    """There is no table `name`."""
    return fault("unknown-table", f"there is no table {name}", f"name one that is there: {nearest(name, known)}")


def unknown_column(name: str, known: Iterable[str]) -> ProjectFault:
    """There is no column `name`."""
    return fault("unknown-column", f"there is no column {name}", f"name one that is there: {nearest(name, known)}")
