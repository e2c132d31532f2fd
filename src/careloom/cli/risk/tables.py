"""`careloom risk tables`: which published tables are used, and what changed in them."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from careloom.cli import rich_output
from careloom.cli.console import print_json
from careloom.cli.console import printer as page
from careloom.cli.options import Json
from careloom.core.errors import UsageFault
from careloom.services.risk import faults
from careloom.services.risk import tables as published

CHANGED = 20
"""What `--check` leaves with if something changed, as `plan --check` does."""


def tables(
    *,
    check: Annotated[
        bool,
        typer.Option("--check", help="Say which tables and files differ from those that this release was proved with."),
    ] = False,
    against: Annotated[
        Path | None, typer.Option("--against", help="With --check: compare with this record instead.", metavar="FILE")
    ] = None,
    record: Annotated[
        Path | None,
        typer.Option("--write", help="Write the digests of what is installed to this file.", metavar="FILE"),
    ] = None,
    json: Json = False,
) -> None:
    """Say which published tables are used, and what changed in them."""
    with faults.usage_faults():
        if against is not None and not check:
            raise UsageFault("--against goes with --check")
        releases = published.installed_tables(record)
        if check:
            _show_changes(published.table_changes(releases, against), json=json)
            return
    if json:
        print_json(releases)
        return
    page.print(f"{releases['package']}", markup=False)
    columns = ("edition", "status", "codes", "edits", "hierarchies", "coefficients", "digest", "coefficients of")
    table = rich_output.Table(*columns, box=None, padding=(0, 2, 0, 0))
    for edition, parts in releases["editions"].items():
        numbers = [f"{parts[part]['entries']:,}" for part in ("codes", "edits", "hierarchy", "coefficients")]
        sources = releases["sources"][edition]
        table.add_row(
            edition, sources["status"], *numbers, parts["coefficients"]["digest"], sources["coefficients"]["file"]
        )
    page.print(table)
    for edition, why in releases["refused"].items():
        page.print(f"! {edition}: {why}", markup=False)
    page.print(
        "each table with its source: --json. How they compare with a second source: docs/reference/risk-tables.md"
    )


def _show_changes(changes: published.TableChanges, *, json: bool) -> None:
    if json:
        lists = {
            "changes": [asdict(table) for table in changes.tables],
            "files": [asdict(file) for file in changes.files],
        }
        print_json({"was": changes.recorded, "now": changes.installed, **lists})
    else:
        page.print(f"recorded: {changes.recorded}; installed: {changes.installed}", markup=False)
        for table in changes.tables:
            page.print(
                f"  {table.edition}: {table.part} changed, {table.was:,} entries before and {table.now:,} now",
                markup=False,
            )
        for file in changes.files:
            page.print(f"  {file.file}: {file.change}, {file.meaning}", markup=False)
        numbers = [f"{len(changes.tables)} tables changed"] * bool(changes.tables)
        numbers += [f"{len(changes.files)} files are others"] * bool(changes.files)
        page.print(", ".join(numbers) or "nothing changed")
    if changes.tables or changes.files:
        raise typer.Exit(CHANGED)
