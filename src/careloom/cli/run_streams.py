"""What `land` and `reconcile` share: one stream after the other, a report for each, one exit code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import typer

from careloom.cli.console import print_json, printer, talk
from careloom.cli.failure_json import failure_of
from careloom.cli.run_syncs import severity
from careloom.core.attempts import Kind
from careloom.core.errors import CareloomError, Later
from careloom.services.landing import scan
from careloom.services.operate import alerts
from careloom.services.session import progress, sessions, streams

_COLOURS = {"completed": "green", "interrupted": "yellow"}
_KINDS = ("created", "updated", "unchanged", "deleted", "held")


def streams_named(session: sessions.Session, name: str | None) -> Sequence[str]:
    """The stream called `name`, or all that can be asked for."""
    return streams.scannable(session) if name is None else [scan.landing_named(session, name).name]


def carry_out(
    session: sessions.Session,
    kind: Kind,
    names: Sequence[str],
    watch: progress.Watch,
    act: Callable[[str], scan.LandingReport],
    *,
    json: bool,
) -> None:
    """Do `act` for each stream; a failed one does not keep the others from theirs. Leaves with the worst exit code."""
    plain: list[dict[str, Any]] = []
    codes = [0]
    for name in names:
        if watch.stop.is_set():
            break
        try:
            report = act(name)
        except CareloomError as error:
            alerts.alert_landing(session, kind, name, str(error))
            talk.print(f"careloom: stream {name}: {error}", markup=False)
            plain.append({"stream": name, "error": failure_of(error)})
            codes.append(error.exit_code)
            continue
        finally:
            watch.progress.rest()
        plain.append(dict(report.as_json()))
        codes.append(report.exit_code)
        if report.notes and report.exit_code in (CareloomError.exit_code, Later.exit_code):
            alerts.alert_landing(session, kind, name, "; ".join(report.notes))
        if not json:
            _show(report)
    if json:
        print_json(plain[0] if len(names) == 1 and plain else plain)
    elif not names:
        printer.print("No stream of this project can be asked for.")
    raise typer.Exit(max(codes, key=severity))


def _show(report: scan.LandingReport) -> None:
    colour = _COLOURS.get(report.status, "red")
    balance = "balanced" if report.balanced else "[red]UNBALANCED[/red]"
    manner = f"{report.kind}{', resumed' if report.resumed else ''}"
    printer.print(
        f"[bold]{report.stream}[/bold]: [{colour}]{report.status}[/{colour}], {balance}"
        f" ({manner}, run {report.run}, {report.seconds:.1f} s)"
    )
    parts = [f"{report.counts[kind]:,} {kind}" for kind in _KINDS if report.counts.get(kind)]
    printer.print(f"  {report.counts['total']:,} records = " + (" + ".join(parts) or "nothing"), markup=False)
    if report.kind == "reconcile":
        printer.print(f"  repaired: {report.repaired:,}", markup=False)
    for note in report.notes:
        printer.print(f"  note: {note}", markup=False)
    if report.counts.get("held"):
        printer.print(f"  see: careloom held --stream {report.stream}", markup=False)
