"""`careloom reconcile`."""

from __future__ import annotations

from careloom.cli.landing import carry_out, streams_named
from careloom.cli.options import HERE, DeleteLimit, Folder, Json, StreamName
from careloom.cli.session import project_for, watching
from careloom.core.attempts import Kind
from careloom.core.streams import DELETE_LIMIT
from careloom.services import scanning


def command(
    stream: StreamName = None, *, folder: Folder = HERE, json: Json = False, delete_limit: DeleteLimit = DELETE_LIMIT
) -> None:
    """Compare a stream's table with its system, and repair what differs."""
    with project_for(Kind.reconcile, stream, folder) as ready, watching(quiet=json) as watch:
        names = streams_named(ready, stream)
        carry_out(
            ready,
            Kind.reconcile,
            names,
            watch,
            lambda name: scanning.reconcile(ready, name, watch, limit=delete_limit),
            json=json,
        )
