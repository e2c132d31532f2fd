"""`careloom risk`: CMS-HCC scores, and what follows from them."""

from __future__ import annotations

import typer

from careloom.cli.risk import (
    claims,
    emit,
    explain,
    factors,
    frailty,
    gaps,
    reconcile,
    report,
    score,
    snapshots,
    tables,
    validate,
    what_if,
)

command = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None)
command.command("claims")(claims.claims)
command.command("score")(score.score)
command.command("snapshots")(snapshots.snapshots)
command.command("explain")(explain.explain)
command.command("what-if")(what_if.what_if)
command.command("factors")(factors.factors)
command.command("frailty")(frailty.frailty)
command.command("validate")(validate.validate)
command.command("gaps")(gaps.gaps)
command.command("reconcile")(reconcile.reconcile)
command.command("report")(report.report)
command.command("tables")(tables.tables)
command.command("emit")(emit.emit)
