"""`careloom replay`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from careloom.cli.console import print_json, printer
from careloom.cli.options import HERE, Folder, Json
from careloom.cli.project_session import audited, project_for, watching
from careloom.core.attempts import Kind
from careloom.core.errors import UsageFault
from careloom.services.landing import replay

_FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]


def command(
    system: Annotated[str, typer.Argument(help="The system whose events are read again.", metavar="SYSTEM")],
    *,
    folder: Folder = HERE,
    json: Json = False,
    since: Annotated[
        datetime | None, typer.Option("--since", formats=_FORMATS, help="Events received from then on, project's time.")
    ] = None,
    until: Annotated[
        datetime | None, typer.Option("--until", formats=_FORMATS, help="Events received before then.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only read the events; land nothing.")] = False,
    compare: Annotated[
        bool, typer.Option("--compare", help="Rebuild into scratch tables and hold them against the store.")
    ] = False,
    publish: Annotated[bool, typer.Option("--publish", help="Tell others what changes by it.")] = False,
) -> None:
    """Land what stored events say, again; others hear nothing of it unless asked."""
    mode = _mode(dry_run=dry_run, compare=compare, publish=publish)
    with project_for(Kind.replay, system, folder) as session, watching(quiet=json) as watch:
        zone = session.project.timezone
        report = replay.replay(session, system, watch, since=_aware(since, zone), until=_aware(until, zone), mode=mode)
        watch.progress.rest()
        audited(session, f"replay {mode}", f"{system}: {report.events} events")
    if json:
        print_json(report.as_json())
    else:
        _show(report)
    raise typer.Exit(130 if not report.complete else 0 if report.equal else 1)


def _mode(*, dry_run: bool, compare: bool, publish: bool) -> replay.Mode:
    modes: list[replay.Mode] = []
    if dry_run:
        modes.append("dry-run")
    if compare:
        modes.append("compare")
    if publish:
        modes.append("publish")
    if len(modes) > 1:
        raise UsageFault("--dry-run, --compare and --publish exclude each other; choose one")
    return modes[0] if modes else "land"


def _aware(time: datetime | None, zone: ZoneInfo) -> datetime | None:
    return None if time is None else time.replace(tzinfo=zone)


def _show(report: replay.ReplayReport) -> None:
    printer.print(
        f"{report.events:,} events of {report.source}: {report.records:,} records, {report.unreadable:,} unreadable,"
        f" {report.hints:,} that only point at a record",
        markup=False,
    )
    if report.counts:
        parts = [f"{number:,} {kind}" for kind, number in report.counts.items() if number and kind != "total"]
        printer.print(
            f"  {report.counts.get('total', 0):,} landed again = {' + '.join(parts) or 'nothing'}", markup=False
        )
    for table, verdicts in report.differences.items():
        text = ", ".join(f"{number:,} {verdict}" for verdict, number in verdicts.items() if number) or "no rows"
        printer.print(f"  {table}: {text}", markup=False)
    if report.differences:
        printer.print("The store holds what the events say." if report.equal else "[red]The store differs.[/red]")
