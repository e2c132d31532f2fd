"""`careloom doctor`."""

from __future__ import annotations

import typer

from careloom.cli.options import HERE, Folder, Json
from careloom.cli.session import settings
from careloom.cli.showing import out, print_json
from careloom.services.checkup import check_up

_MARKS = {"ok": "[green]✓[/green]", "warn": "[yellow]![/yellow]", "fault": "[red]✗[/red]"}
_FAULTY = 3


def command(*, folder: Folder = HERE, json: Json = False) -> None:
    """Say what is missing."""
    findings = []
    for finding in check_up(folder.resolve(), settings()):
        findings.append(finding)
        if not json:
            out.print(_MARKS[finding.level], end=" ")
            out.print(
                f"{finding.what}: {finding.detail}" + (f"\n    fix: {finding.fix}" if finding.fix else ""), markup=False
            )
    if json:
        print_json(findings)
    if any(finding.level == "fault" for finding in findings):
        raise typer.Exit(_FAULTY)
