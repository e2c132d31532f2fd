"""`careloom land`."""

from __future__ import annotations

from typing import Annotated

import typer

from careloom.cli.options import HERE, MANY, DeleteLimit, Folder, Json, StreamName, finite
from careloom.cli.project_session import project_for, watching
from careloom.cli.run_streams import carry_out, streams_named
from careloom.core.attempts import Kind
from careloom.core.ports import Lane
from careloom.core.streams import DELETE_LIMIT
from careloom.services.landing import scan


def command(
    stream: StreamName = None,
    *,
    folder: Folder = HERE,
    json: Json = False,
    full: Annotated[bool, typer.Option("--full", help="Read everything, not only what changed.")] = False,
    afresh: Annotated[
        bool, typer.Option("--afresh", help="Start over where an interrupted scan would have continued.")
    ] = False,
    backfill: Annotated[
        bool, typer.Option("--backfill", help="Let scheduled runs and events go first: for first loads.")
    ] = False,
    minutes: Annotated[
        float | None,
        typer.Option(
            "--minutes",
            help="Stop at the next page after so long; the next scan continues.",
            min=0,
            max=MANY,
            callback=finite,
        ),
    ] = None,
    delete_limit: DeleteLimit = DELETE_LIMIT,
) -> None:
    """Read a stream from its system into its table."""
    lane: Lane = "backfill" if backfill else "schedule"
    limit = None if minutes is None else minutes * 60
    with project_for(Kind.land, stream, folder, lane=lane) as session, watching(quiet=json) as watch:
        carry_out(
            session,
            Kind.land,
            streams_named(session, stream),
            watch,
            lambda name: scan.scan(
                session, name, watch, full=full, afresh=afresh, time_limit=limit, limit=delete_limit
            ),
            json=json,
        )
