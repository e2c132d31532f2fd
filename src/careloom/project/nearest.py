"""The nearest right name to a wrong one."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def closest(name: str, candidates: Iterable[str]) -> str | None:
    """The known name that `name` was probably meant to be; None if none is near."""
    names = sorted(candidates)
    by_folded = {_folded(candidate): candidate for candidate in reversed(names)}
    if _folded(name) in by_folded:
        return by_folded[_folded(name)]
    matches = get_close_matches(_folded(name), list(by_folded), n=1, cutoff=0.7)
    return by_folded[matches[0]] if matches else None


def suggestion(name: str, candidates: Iterable[str], otherwise: str) -> str:
    """A fix: the nearest name, or `otherwise`."""
    near = closest(name, candidates)
    return f"did you mean `{near}`?" if near else otherwise


def listed(names: Iterable[str], limit: int = 12) -> str:
    """Names for a message: "`a`, `b` and 3 more"."""
    all_names = list(names)
    text = ", ".join(f"`{name}`" for name in all_names[:limit])
    return text if len(all_names) <= limit else f"{text} and {len(all_names) - limit} more"


def _folded(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "").replace(" ", "")
