"""`careloom reconcile`."""

from __future__ import annotations

from careloom.cli.options import HERE, DeleteLimit, Folder, Json, StreamName
from careloom.cli.project_session import project_for, watching
from careloom.cli.run_streams import carry_out, streams_named
from careloom.core.attempts import Kind
from careloom.core.streams import DELETE_LIMIT
from careloom.services.landing import scan


def command(
    stream: StreamName = None, *, folder: Folder = HERE, json: Json = False, delete_limit: DeleteLimit = DELETE_LIMIT
) -> None:
    """Compare a stream's table with its system, and repair what differs."""
    with project_for(Kind.reconcile, stream, folder) as session, watching(quiet=json) as watch:
        names = streams_named(session, stream)
        carry_out(
            session,
            Kind.reconcile,
            names,
            watch,
            lambda name: scan.reconcile(session, name, watch, limit=delete_limit),
            json=json,
        )
