"""`careloom run`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated

import typer

from careloom.cli.console import printer, talk
from careloom.cli.models import show_models
from careloom.cli.options import HERE, Folder, Full, Json, SyncName
from careloom.cli.project_session import chosen, project_for, watching
from careloom.cli.run_reports import REPORTS, carry_out_reports
from careloom.cli.run_syncs import carry_out
from careloom.core.attempts import Kind
from careloom.core.errors import CareloomError, UsageFault
from careloom.core.ports import Lane
from careloom.services.analytics import build as analytics_build
from careloom.services.operate import alerts
from careloom.services.operate import due as due_dates
from careloom.services.session import progress, projects, sessions
from careloom.services.sync import run


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
    trigger: sessions.Trigger = "schedule" if due else "hand"
    with (
        project_for(Kind.run, sync, folder, lane=lane, trigger=trigger) as session,
        watching(quiet=json) as watch,
    ):
        syncs_named = chosen(session, sync)
        syncs = [due_sync for due_sync in syncs_named if not due or due_dates.is_due(session, due_sync)]
        after = _models_after(session, watch, json=json) if due and sync is None else None
        if due and not syncs and not json and not (after and due_dates.are_models_due(session)):
            _say_next(session, syncs_named)
        carry_out(
            session,
            syncs,
            watch,
            lambda sync_name: run.run_sync(session, sync_name, watch, full=full),
            json=json,
            single=bool(sync),
            after=after,
        )


def _models_after(session: sessions.Session, watch: progress.Watch, *, json: bool) -> Callable[[], int]:
    """What builds the models, if they are due when the syncs are over; gives their exit code."""

    def build() -> int:
        if watch.stop.is_set() or not due_dates.are_models_due(session):
            return 0
        try:
            result = analytics_build.run_models(session, "build", watch)
        except CareloomError as error:
            alerts.alert_failure(session, session.project.name, str(error), kind="models")
            talk.print(f"careloom: models: {error}", markup=False)
            return error.exit_code
        watch.progress.rest()
        if not json:
            show_models(result)
        if result.failed or not result.complete:
            names = ", ".join(node.name for node in result.failed) or "dbt ended before it came to the models"
            alerts.alert_failure(session, session.project.name, f"failed: {names}", kind="models")
        return result.exit_code

    return build


def _say_next(session: sessions.Session, syncs: Sequence[projects.Sync]) -> None:
    next_tick = due_dates.next_due(session, syncs)
    if next_tick is None:
        printer.print("Nothing is due: no sync has a schedule.")
        return
    name, tick = next_tick
    printer.print(
        f"Nothing is due; next: {name}, {tick:%A %Y-%m-%d %H:%M} ({session.project.timezone.key}).", markup=False
    )
