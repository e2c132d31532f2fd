"""`careloom apply`."""

from __future__ import annotations

from careloom.cli.carrying import carry_out
from careloom.cli.options import HERE, Folder, Json, SyncName
from careloom.cli.session import chosen, project_for, watching
from careloom.core.attempts import Kind
from careloom.services import syncing


def command(sync: SyncName = None, *, folder: Folder = HERE, json: Json = False) -> None:
    """Do what the last plan says."""
    with project_for(Kind.apply, sync, folder) as ready, watching(quiet=json) as watch:
        carry_out(
            ready,
            chosen(ready, sync),
            watch,
            lambda one: syncing.apply_sync(ready, one, watch),
            json=json,
            single=bool(sync),
        )
