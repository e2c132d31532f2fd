"""`careloom held`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from careloom.cli import rich_output
from careloom.cli.console import print_json, printer
from careloom.cli.options import HERE, MANY, Folder, Json, OneStream, Reveal, SyncName
from careloom.cli.project_session import audited, may_reveal, project
from careloom.core.errors import UsageFault
from careloom.services.review import backlog as waiting_items
from careloom.services.review import decide, stuck
from careloom.services.session import sessions

_FEW, _ALL = 50, 10_000_000
_UNTRIED = "*"


def command(
    sync: SyncName = None,
    *,
    folder: Folder = HERE,
    json: Json = False,
    reveal: Reveal = False,
    code: Annotated[str | None, typer.Option("--code", help="Only what waits for this reason.")] = None,
    list_all: Annotated[bool, typer.Option("--list", help="Each record of a sync, not only the causes.")] = False,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, max=MANY, help="How many records to list: 50; with --json all.")
    ] = None,
    stream: OneStream = None,
    of_sync: Annotated[
        str | None, typer.Option("--sync", help="What waits in one sync; the same as its name alone.", metavar="SYNC")
    ] = None,
) -> None:
    """List all that waits: records, reviews, events, links, reports, jobs."""
    may_reveal(reveal=reveal)
    sync, at_most = sync or of_sync, limit or (_ALL if json else _FEW)
    if sync is not None and stream is not None:
        raise UsageFault("name a sync or a --stream, not both")
    with project(folder) as session:
        if sync is not None and sync not in session.project.syncs:
            names = ", ".join(session.project.syncs) or "none"
            raise UsageFault(f"there is no sync {sync!r} in this project; there are: {names}")
        if stream is not None:
            _show_stream(session, stream, code, at_most, json=json)
        else:
            with_records = list_all or reveal or (code is not None and sync is not None)
            _show(session, sync, code, at_most if with_records else 0, reveal=reveal, json=json)


def _show(
    session: sessions.Session, sync: str | None, code: str | None, limit: int, *, reveal: bool, json: bool
) -> None:
    """What waits by its cause, and up to `limit` of the records that syncs hold."""
    causes = [cause for cause in decide.count_held(session.store, sync) if code in (None, cause["code"])]
    waiting = [wait for wait in waiting_items.backlog(session, code=code) if sync is None or _is_of(wait, sync)]
    items = decide.list_held(session.store, sync=sync, code=code, limit=limit, reveal=reveal) if limit else []
    if reveal:
        audited(session, "held --reveal", sync or "all syncs")
    if json:
        print_json({"waiting": [wait.as_json() for wait in waiting], "causes": causes, "records": items})
        return
    if not waiting:
        printer.print("Nothing is held.")
        return
    _show_waiting(waiting, session.project.timezone)
    texts = {cause["code"]: cause["text"] for cause in causes}
    for reason, text in texts.items():
        printer.print(f"  {reason}: {text}", markup=False)
    for item in items:
        printer.print(f"  {item.sync}/{item.key}  {item.code}  {item.property or ''}  {item.message}", markup=False)
    if not limit and causes:
        printer.print("Each record of the syncs: careloom held --list", markup=False)


def _is_of(wait: waiting_items.BacklogEntry, sync: str) -> bool:
    return wait.where == sync and wait.what in waiting_items.OF_SYNCS.values()


def _show_waiting(waiting: Sequence[waiting_items.BacklogEntry], zone: ZoneInfo) -> None:
    table = rich_output.Table(
        "number", "what", "where", "reason", "column", f"oldest ({zone.key})", "tries", "see", box=None
    )
    for wait in waiting:
        tries = _UNTRIED if wait.tries is None else str(wait.tries)
        since = _local(wait.oldest, zone)
        table.add_row(
            f"{wait.number:,}", wait.what, wait.where, wait.code, wait.column or "", since, tries, wait.command
        )
    printer.print(rich_output.uncut(table, "where", "reason"))
    if any(wait.tries is None for wait in waiting):
        printer.print(
            f"{_UNTRIED} a link is not tried by the clock, but whenever a record on either side of it lands",
            markup=False,
        )


def _local(time: datetime | None, zone: ZoneInfo) -> str:
    return f"{time.astimezone(zone):%Y-%m-%d %H:%M}" if time else ""


def _show_stream(session: sessions.Session, stream: str, code: str | None, limit: int, *, json: bool) -> None:
    counts = stuck.count_stuck(session, stream, code=code)
    items = stuck.stuck_items(session, stream, code=code, limit=limit)
    if json:
        print_json({"counts": counts, "records": [item.as_json() for item in items]})
        return
    if not items:
        printer.print("Nothing is held.")
        return
    printer.print(
        ", ".join(f"{number:,} {kind}{'' if number == 1 else 's'}" for kind, number in counts.items() if number)
    )
    zone = session.project.timezone
    table = rich_output.Table(
        "kind", "key", "reason", "column", "what it means", f"since ({zone.key})", "tries", box=None
    )
    for item in items:
        since = _local(item.first_seen, zone)
        tries = str(item.attempts or "")
        table.add_row(item.kind, item.key, item.code, item.column or "", item.message, since, tries)
    printer.print(rich_output.uncut(table, "key", "reason"))
    printer.print(f"Offer records and events again: careloom retry --stream {stream}", markup=False)
