"""The nearest right name to a wrong one."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def closest(name: str, known: Iterable[str]) -> str | None:
    """The known name that `name` was probably meant to be; None if none is near."""
    names = sorted(known)
    by_folded = {_folded(other): other for other in reversed(names)}
    if _folded(name) in by_folded:
        return by_folded[_folded(name)]
    found = get_close_matches(_folded(name), list(by_folded), n=1, cutoff=0.7)
    return by_folded[found[0]] if found else None


def suggestion(name: str, known: Iterable[str], otherwise: str) -> str:
    """A fix: the nearest name, or `otherwise`."""
    near = closest(name, known)
    return f"did you mean `{near}`?" if near else otherwise


def listed(names: Iterable[str], most: int = 12) -> str:
    """Names for a message: "`a`, `b` and 3 more"."""
    all_names = list(names)
    shown = ", ".join(f"`{name}`" for name in all_names[:most])
    return shown if len(all_names) <= most else f"{shown} and {len(all_names) - most} more"


def _folded(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "").replace(" ", "")
