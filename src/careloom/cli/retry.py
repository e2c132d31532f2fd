"""`careloom retry`."""

from __future__ import annotations

from typing import Annotated

import typer

from careloom.cli.console import many, print_json, printer
from careloom.cli.options import HERE, Folder, Json, OneStream, SyncName
from careloom.cli.project_session import audited, project
from careloom.core.errors import UsageFault
from careloom.services.review import decide, stuck
from careloom.services.session import sessions


def command(
    sync: SyncName = None,
    key: Annotated[str | None, typer.Argument(help="One source key.", metavar="KEY")] = None,
    *,
    folder: Folder = HERE,
    json: Json = False,
    code: Annotated[str | None, typer.Option("--code", help="Only records held for this reason.")] = None,
    stream: OneStream = None,
    stream_key: Annotated[str | None, typer.Option("--key", help="With --stream: only this record or event.")] = None,
) -> None:
    """Offer refused records again at the next run."""
    if stream is not None and sync is not None:
        raise UsageFault(
            "name a sync or a --stream, not both; one key of a stream: careloom retry --stream STREAM --key KEY"
        )
    with project(folder) as session:
        if stream is not None:
            _retry_stream(session, stream, code, stream_key, json=json)
            return
        records = decide.retry(session.store, sync=sync, key=key, code=code)
        if key is not None and not records:
            raise UsageFault(f"no refused record {key!r} waits in sync {sync!r}; see: careloom held {sync} --list")
        audited(session, "retry", f"{sync or 'all syncs'}: {records} records")
    if json:
        print_json({"offered": records})
    else:
        printer.print(f"{many(records, 'refused record')} will be offered again at the next run.")


def _retry_stream(session: sessions.Session, stream: str, code: str | None, key: str | None, *, json: bool) -> None:
    report = stuck.retry_stream(session, stream, code=code, key=key)
    if json:
        print_json(report.as_json())
        return
    landed_count = report.counts.get("total", 0) - report.counts.get("held", 0)
    held_count = report.counts.get("held", 0)
    printer.print(
        f"{many(landed_count, 'held record')} landed, {held_count} {'is' if held_count == 1 else 'are'} still held."
    )
    printer.print(f"{many(report.events, 'held event')} will be read again by the next worker.")
    if report.left:
        printer.print(
            f"{many(report.left, 'record')} without a usable form could not be fetched afresh: mend them at their system."
        )
