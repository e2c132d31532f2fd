"""`careloom apply`."""

from __future__ import annotations

from careloom.cli.options import HERE, Folder, Json, SyncName
from careloom.cli.project_session import chosen, project_for, watching
from careloom.cli.run_syncs import carry_out
from careloom.core.attempts import Kind
from careloom.services.sync import run


def command(sync: SyncName = None, *, folder: Folder = HERE, json: Json = False) -> None:
    """Do what the last plan says."""
    with project_for(Kind.apply, sync, folder) as session, watching(quiet=json) as watch:
        carry_out(
            session,
            chosen(session, sync),
            watch,
            lambda sync_name: run.apply_sync(session, sync_name, watch),
            json=json,
            single=bool(sync),
        )
