"""The nearest right name to a wrong one."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def closest(name: str, candidates: Iterable[str]) -> str | None:
    """The known name that `name` was probably meant to be; None if none is near."""
    names = sorted(candidates)
    by_folded = {_fold(candidate): candidate for candidate in reversed(names)}
    if _fold(name) in by_folded:
        return by_folded[_fold(name)]
    matches = get_close_matches(_fold(name), list(by_folded), n=1, cutoff=0.7)
    return by_folded[matches[0]] if matches else None


def suggestion(name: str, candidates: Iterable[str], otherwise: str) -> str:
    """A fix: the nearest name, or `otherwise`."""
    near = closest(name, candidates)
    return f"did you mean `{near}`?" if near else otherwise


def list_names(names: Iterable[str], limit: int = 12) -> str:
    """Names for a message: "`a`, `b` and 3 more"."""
    all_names = list(names)
    text = ", ".join(f"`{name}`" for name in all_names[:limit])
    return text if len(all_names) <= limit else f"{text} and {len(all_names) - limit} more"


def _fold(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "").replace(" ", "")
