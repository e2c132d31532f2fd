"""`careloom run`."""

from __future__ import annotations

from typing import Annotated

import typer

from careloom.cli.carrying import carry_out
from careloom.cli.options import HERE, Folder, Full, Json, SyncName
from careloom.cli.reporting import REPORTS, carry_out_reports
from careloom.cli.session import chosen, project, watching
from careloom.cli.showing import talk
from careloom.core.errors import UsageFault
from careloom.core.ports import Lane
from careloom.services.due import is_due
from careloom.services.syncing import run_sync


def command(
    sync: SyncName = None,
    *,
    folder: Folder = HERE,
    json: Json = False,
    full: Full = False,
    due: Annotated[
        bool, typer.Option("--due", help="Only syncs whose schedule has come round since they last ran.")
    ] = False,
    backfill: Annotated[
        bool, typer.Option("--backfill", help="Let scheduled runs and events go first: for first loads.")
    ] = False,
    sim: Annotated[
        bool, typer.Option("--sim", help="With `reports`: simulate the systems that make them on this machine.")
    ] = False,
) -> None:
    """Plan and apply in one go; `careloom run reports` asks for reports, loads them and builds the models."""
    if sync == REPORTS:
        carry_out_reports(folder, json=json, due=due, sim=sim)
    if sim:
        raise UsageFault("only reports are run against simulators: careloom run reports --sim")
    lane: Lane = "backfill" if backfill else "schedule"
    with project(folder, lane=lane) as ready, watching(quiet=json) as watch:
        syncs = [one for one in chosen(ready, sync) if not due or is_due(ready, one)]
        if due and not syncs:
            talk.print("No sync is due; what each waits for is its `schedule:`.", markup=False)
        carry_out(ready, syncs, watch, lambda one: run_sync(ready, one, watch, full=full), json=json, single=bool(sync))
