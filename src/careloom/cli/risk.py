"""`careloom risk`: CMS-HCC scores, and what follows from them."""

from __future__ import annotations

import typer

from careloom.cli.risk_checking import emit, tables, validate
from careloom.cli.risk_claims import claims
from careloom.cli.risk_following import gaps, reconcile, report
from careloom.cli.risk_paying import factors, frailty
from careloom.cli.risk_scoring import explain, score, what_if
from careloom.cli.risk_snapshots import snapshots

command = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None)
command.command("claims")(claims)
command.command("score")(score)
command.command("snapshots")(snapshots)
command.command("explain")(explain)
command.command("what-if")(what_if)
command.command("factors")(factors)
command.command("frailty")(frailty)
command.command("validate")(validate)
command.command("gaps")(gaps)
command.command("reconcile")(reconcile)
command.command("report")(report)
command.command("tables")(tables)
command.command("emit")(emit)
