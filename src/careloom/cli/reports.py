"""`careloom reports`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from careloom.cli import rich_output
from careloom.cli.completion import report_names
from careloom.cli.console import print_json, printer
from careloom.cli.options import HERE, Folder, Json
from careloom.cli.project_session import audited, project
from careloom.core.errors import UsageFault
from careloom.services.reports import account_reports, fetch, load, outcomes
from careloom.services.session import sessions

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
    failures_only: Annotated[bool, typer.Option("--failed", help="Only those that failed, with the reason.")] = False,
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
    with project(folder) as session:
        if csv is not None:
            _write(session, name, csv, safe=not as_they_came)
            return
        if start_over:
            _start_over(session, name, yes=yes)
            return
        if name is not None:
            fetch.reports_named(session, name)
        rows = account_reports.list_account_reports(session, name, failures_only=failures_only)
        if json:
            print_json(rows)
            return
        if not rows:
            printer.print("Nothing was asked for yet: careloom run reports" if not failures_only else "Nothing failed.")
            return
        _show(rows, session.project.timezone)


def _write(session: sessions.Session, name: str | None, path: Path, *, safe: bool) -> None:
    if name is None:
        raise UsageFault("say which report: careloom reports REPORT --csv FILE")
    (report,) = fetch.reports_named(session, name)
    load.write_csv(session.store, report.name, path, system=report.system, safe=safe)
    audited(session, "reports --csv", report.name)
    printer.print(f"Wrote {path}, which only you can read: it names people.", markup=False)


def _start_over(session: sessions.Session, name: str | None, *, yes: bool) -> None:
    if name is None:
        raise UsageFault("say which report: careloom reports REPORT --start-over")
    (report,) = fetch.reports_named(session, name)
    question = (
        f"The next file of {name} is taken as it comes, whatever columns it has, if it has those of `columns:`. Go on?"
    )
    if not yes and not typer.confirm(question):
        raise UsageFault("nothing was changed")
    account_reports.start_over(session, report)
    audited(session, "reports --start-over", report.name)
    printer.print(f"{name} starts over; what readers see stays until it is loaded: careloom run reports", markup=False)


def _show(rows: list[dict[str, Any]], zone: ZoneInfo) -> None:
    table = rich_output.Table(
        "report", "account", "status", "rows", f"shown since ({zone.key})", box=None, padding=(0, 2, 0, 0)
    )
    for row in rows:
        colour = _COLOURS.get(row["status"], "yellow")
        since = f"{row['shown_since'].astimezone(zone):%Y-%m-%d %H:%M}" if row["shown_since"] else ""
        row_count = f"{row['shown_rows']:,}" if row["shown_rows"] is not None else ""
        table.add_row(row["name"], row["account"], f"[{colour}]{row['status']}[/{colour}]", row_count, since)
    printer.print(rich_output.uncut(table, "report", "account"))
    for row in rows:
        if row["error"]:
            printer.print(f"  {row['name']} of {row['account']}: {row['error_code']}: {row['error']}", markup=False)
        _show_drifts(row["name"], row["account"], row["drifts"])


def _show_drifts(name: str, account: str, drifts: list[Mapping[str, Any]]) -> None:
    for drift in drifts:
        printer.print(
            f"  {name} of {account}: {drift['column_name']}: {drift['code']} ({drift['count']:,})", markup=False
        )


def show_reports_run(result: outcomes.ReportsRun) -> None:
    """A run over reports: its balance, then each one that a person should look at."""
    counts = result.counts
    parts = " + ".join(f"{counts[kind]:,} {kind}" for kind in _KINDS if counts[kind]) or "nothing"
    rows = sum(outcome.rows for outcome in result.outcomes)
    printer.print(f"[bold]reports[/bold]: {counts['due']:,} due = {parts}; {rows:,} rows ({result.seconds:.1f} s)")
    never_asked = sum(outcome.unasked for outcome in result.outcomes)
    for outcome in result.outcomes:
        if not outcome.unasked:
            _show_outcome(outcome)
    if never_asked:
        printer.print(f"  stopped before {never_asked:,} were asked for; the next run asks for them", markup=False)
    if counts["failed"]:
        printer.print("  see: careloom reports --failed", markup=False)
    if result.trouble:
        printer.print(f"  the run ended early: {result.trouble}", style="red", markup=False)


def _show_outcome(outcome: outcomes.ReportOutcome) -> None:
    if outcome.ended in ("failed", "waiting"):
        reason = f"{outcome.code}: {outcome.message}" if outcome.code else outcome.message
        printer.print(f"  {outcome.report} of {outcome.account} {outcome.ended}: {reason}", markup=False)
    for drift in outcome.drifts:
        printer.print(
            f"  {outcome.report} of {outcome.account}: {drift.column}: {drift.code} ({drift.count:,})", markup=False
        )
