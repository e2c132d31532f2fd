"""`careloom reports`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from careloom.cli import rich_output
from careloom.cli.completion import report_names
from careloom.cli.console import out, print_json
from careloom.cli.options import HERE, Folder, Json
from careloom.cli.project_session import audited, project
from careloom.core.errors import UsageFault
from careloom.services.reports import fetch, load, outcomes
from careloom.services.session import sessions
from careloom.store import account_reports

_KINDS = ("loaded", "unchanged", "empty", "failed", "waiting")
_COLOURS = {"loaded": "green", "empty": "green", "failed": "red"}


def command(
    name: Annotated[
        str | None, typer.Argument(help="One report; all if left out.", metavar="REPORT", autocompletion=report_names)
    ] = None,
    *,
    folder: Folder = HERE,
    json: Json = False,
    csv: Annotated[
        Path | None,
        typer.Option("--csv", help="Write the rows of one report, of all accounts, to this file.", metavar="FILE"),
    ] = None,
    as_they_came: Annotated[
        bool, typer.Option("--as-they-came", help="With --csv: leave cells that a spreadsheet would run as a formula.")
    ] = False,
    failed: Annotated[bool, typer.Option("--failed", help="Only those that came to nothing, with the reason.")] = False,
    start_over: Annotated[
        bool,
        typer.Option(
            "--start-over",
            help="Take what comes next of one report as it comes, with other columns and types. Its rows stay until then.",
        ),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --start-over: do not ask.")] = False,
) -> None:
    """Say how far each report of each account is, and since when its rows are shown."""
    with project(folder) as ready:
        if csv is not None:
            _write(ready, name, csv, safe=not as_they_came)
            return
        if start_over:
            _start_over(ready, name, yes=yes)
            return
        if name is not None:
            fetch.reports_named(ready, name)
        kept = account_reports.AccountReports(ready.store)
        found = [dict(one) for one in kept.standing(name) if not failed or one["status"] == "failed" or one["error"]]
        for one in found:
            one["drifts"] = [dict(drift) for drift in kept.drifts(one["id"])]
        if json:
            print_json(found)
            return
        if not found:
            out.print("Nothing was asked for yet: careloom run reports" if not failed else "Nothing failed.")
            return
        _show(found, ready.project.timezone)


def _write(session: sessions.Session, name: str | None, path: Path, *, safe: bool) -> None:
    if name is None:
        raise UsageFault("say which report: careloom reports REPORT --csv FILE")
    (report,) = fetch.reports_named(session, name)
    load.write_csv(session.store, report.name, path, system=report.system, safe=safe)
    audited(session, "reports --csv", report.name)
    out.print(f"Wrote {path}, which only you can read: it names people.", markup=False)


def _start_over(session: sessions.Session, name: str | None, *, yes: bool) -> None:
    if name is None:
        raise UsageFault("say which report: careloom reports REPORT --start-over")
    (report,) = fetch.reports_named(session, name)
    question = (
        f"The next file of {name} is taken as it comes, whatever columns it has, if it has those of `columns:`. Go on?"
    )
    if not yes and not typer.confirm(question):
        raise UsageFault("nothing was changed")
    account_reports.AccountReports(session.store).start_over(report.system, report.name)
    audited(session, "reports --start-over", report.name)
    out.print(f"{name} starts over; what readers see stays until it is loaded: careloom run reports", markup=False)


def _show(found: list[dict[str, Any]], zone: ZoneInfo) -> None:
    table = rich_output.Table(
        "report", "account", "status", "rows", f"shown since ({zone.key})", box=None, padding=(0, 2, 0, 0)
    )
    for one in found:
        colour = _COLOURS.get(one["status"], "yellow")
        since = f"{one['shown_since'].astimezone(zone):%Y-%m-%d %H:%M}" if one["shown_since"] else ""
        rows = f"{one['shown_rows']:,}" if one["shown_rows"] is not None else ""
        table.add_row(one["name"], one["account"], f"[{colour}]{one['status']}[/{colour}]", rows, since)
    out.print(rich_output.uncut(table, "report", "account"))
    for one in found:
        if one["error"]:
            out.print(f"  {one['name']} of {one['account']}: {one['error_code']}: {one['error']}", markup=False)
        _show_drifts(one["name"], one["account"], one["drifts"])


def _show_drifts(name: str, account: str, drifts: list[Mapping[str, Any]]) -> None:
    for drift in drifts:
        out.print(f"  {name} of {account}: {drift['column_name']}: {drift['code']} ({drift['count']:,})", markup=False)


def show_reports_run(found: outcomes.ReportsRun) -> None:
    """A run over reports: its balance, then each one that a person should look at."""
    counts = found.counts
    parts = " + ".join(f"{counts[kind]:,} {kind}" for kind in _KINDS if counts[kind]) or "nothing"
    rows = sum(one.rows for one in found.outcomes)
    out.print(f"[bold]reports[/bold]: {counts['due']:,} due = {parts}; {rows:,} rows ({found.seconds:.1f} s)")
    unasked = sum(one.unasked for one in found.outcomes)
    for one in found.outcomes:
        if not one.unasked:
            _show_outcome(one)
    if unasked:
        out.print(f"  stopped before {unasked:,} were asked for; the next run asks for them", markup=False)
    if counts["failed"]:
        out.print("  see: careloom reports --failed", markup=False)
    if found.trouble:
        out.print(f"  the run ended early: {found.trouble}", style="red", markup=False)


def _show_outcome(one: outcomes.ReportOutcome) -> None:
    if one.ended in ("failed", "waiting"):
        reason = f"{one.code}: {one.message}" if one.code else one.message
        out.print(f"  {one.report} of {one.account} {one.ended}: {reason}", markup=False)
    for drift in one.drifts:
        out.print(f"  {one.report} of {one.account}: {drift.column}: {drift.code} ({drift.count:,})", markup=False)
