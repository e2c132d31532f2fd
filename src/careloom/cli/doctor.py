"""`careloom doctor`."""

from __future__ import annotations

import typer

from careloom.cli.console import print_json, printer
from careloom.cli.options import HERE, Folder, Json
from careloom.cli.project_session import settings
from careloom.services.operate import doctor

_MARKS = {"ok": ("✓", "green"), "warn": ("!", "yellow"), "fault": ("✗", "red")}
_FAULTY = 3


def command(*, folder: Folder = HERE, json: Json = False) -> None:
    """Say what is missing."""
    findings = []
    for finding in doctor.check_up(folder.resolve(), settings()):
        findings.append(finding)
        if not json:
            mark, colour = _MARKS[finding.level]
            printer.print(mark, style=colour, end=" ")
            printer.print(
                f"{finding.what}: {finding.detail}" + (f"\n    fix: {finding.fix}" if finding.fix else ""), markup=False
            )
    if json:
        print_json(findings)
    if any(finding.level == "fault" for finding in findings):
        raise typer.Exit(_FAULTY)
