"""`careloom held`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from careloom.cli.options import HERE, MANY, Folder, Json, OneStream, Reveal, SyncName
from careloom.cli.session import audited, may_reveal, project
from careloom.cli.showing import out, print_json, uncut
from careloom.services.opening import Opened
from careloom.services.reviewing import count_held, list_held
from careloom.services.standstill import count_standing, standing_of


def command(
    sync: SyncName = None,
    *,
    folder: Folder = HERE,
    json: Json = False,
    reveal: Reveal = False,
    code: Annotated[str | None, typer.Option("--code", help="Only records held for this reason.")] = None,
    list_all: Annotated[bool, typer.Option("--list", help="Each record, not only the causes.")] = False,
    limit: Annotated[int, typer.Option("--limit", help="How many records to list.", min=1, max=MANY)] = 50,
    stream: OneStream = None,
) -> None:
    """List the records that were stopped."""
    may_reveal(reveal=reveal)
    with project(folder) as ready:
        if stream is not None:
            _show_stream(ready, stream, code, limit, json=json)
            return
        causes = count_held(ready.store, sync)
        listed = list_all or code is not None or reveal
        items = list_held(ready.store, sync=sync, code=code, limit=limit, reveal=reveal) if listed else []
        if reveal:
            audited(ready, "held --reveal", sync or "all syncs")
    if json:
        print_json({"causes": causes, "records": items})
        return
    if not causes:
        out.print("Nothing is held.")
        return
    table = Table("records", "sync", "held by", "reason", "property", "what it means", box=None)
    for cause in causes:
        table.add_row(
            str(cause["records"]), cause["sync"], cause["kind"], cause["code"], cause["property"] or "", cause["text"]
        )
    out.print(uncut(table, "sync", "reason"))
    for item in items:
        out.print(f"  {item.sync}/{item.key}  {item.code}  {item.property or ''}  {item.message}", markup=False)
    if not listed:
        out.print("Each record: careloom held --list   Decide: careloom review   Offer again: careloom retry")


def _show_stream(ready: Opened, stream: str, code: str | None, limit: int, *, json: bool) -> None:
    counts = count_standing(ready, stream, code=code)
    items = standing_of(ready, stream, code=code, limit=limit)
    if json:
        print_json({"counts": counts, "records": [item.as_json() for item in items]})
        return
    if not items:
        out.print("Nothing is held.")
        return
    out.print(", ".join(f"{number:,} {kind}{'' if number == 1 else 's'}" for kind, number in counts.items() if number))
    table = Table("kind", "key", "reason", "column", "what it means", "since (UTC)", "tries", box=None)
    for item in items:
        since = f"{item.first_seen:%Y-%m-%d %H:%M}" if item.first_seen else ""
        tries = str(item.attempts or "")
        table.add_row(item.kind, item.key, item.code, item.column or "", item.message, since, tries)
    out.print(uncut(table, "key", "reason"))
    out.print(f"Offer records and events again: careloom retry --stream {stream}", markup=False)
