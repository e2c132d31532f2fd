"""Which published tables are installed, and what changed in them since a release was proved with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from careloom.risk.published import table_releases


@dataclass(frozen=True, slots=True, kw_only=True)
class TableChanges:
    """What differs between two releases of the tables, `recorded` and `installed` by their names."""

    recorded: str
    installed: str
    tables: Sequence[table_releases.TableChange]
    files: Sequence[table_releases.FileChange]


def installed_tables(record: Path | None) -> dict[str, Any]:
    """The digests of what is installed, which are also written to `record`."""
    releases = table_releases.installed()
    if record is not None:
        table_releases.write_record(record, releases)
    return releases


def table_changes(releases: dict[str, Any], record: Path | None) -> TableChanges:
    """What changed since `record`, or since this release was proved."""
    record_ = table_releases.recorded(record)
    return TableChanges(
        recorded=record_["package"],
        installed=releases["package"],
        tables=table_releases.changes(record_, releases),
        files=table_releases.file_changes(record_, releases),
    )
