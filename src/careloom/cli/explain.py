"""`careloom explain`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo
from typing import Annotated, Any

import typer

from careloom.cli import rich_output
from careloom.cli.completion import sync_names
from careloom.cli.console import moment, print_json, printer
from careloom.cli.options import HERE, Folder, Json, Reveal
from careloom.cli.project_session import audited, chosen, may_reveal, project
from careloom.cli.summary_tables import show_held
from careloom.services.review import decide


def command(
    key: Annotated[str, typer.Argument(help="The source key.", metavar="KEY")],
    *,
    sync: Annotated[
        str | None,
        typer.Option(
            "--sync", help="Only in this sync; in all that know the key if left out.", autocompletion=sync_names
        ),
    ] = None,
    folder: Folder = HERE,
    json: Json = False,
    reveal: Reveal = False,
) -> None:
    """Say why a record is linked, and where each of its values came from."""
    may_reveal(reveal=reveal)
    with project(folder) as session:
        zone = session.project.timezone
        explanations = decide.explain(session, chosen(session, sync), key, reveal=reveal)
        if reveal:
            audited(
                session,
                "explain --reveal",
                f"{key} in {', '.join(explanation['sync'] for explanation in explanations)}",
            )
    if json:
        print_json(explanations)
        return
    for explanation in explanations:
        _show(explanation, zone)


def _show(explanation: Mapping[str, Any], zone: tzinfo) -> None:
    link = explanation["link"]
    name = f"{explanation['sync']}/{explanation['key']}"
    if link:
        printer.print(
            f"{name} is record {link['remote_id']}: rule {link['rule']} ({link['grade']}), run {link['linked_run']}"
        )
        printer.print(f"last agreed in run {link['settled_run']}, {moment(link['settled_at'], zone)}")
    else:
        printer.print(f"{name} is linked to nothing yet.")
    for item in explanation["held"]:
        show_held(item)
    values = rich_output.Table("property", "value", "comes from", "owner", box=None)
    for value in explanation["values"]:
        values.add_row(value["property"], value["value"] or "∅", value["from"], value["owner"])
    printer.print(rich_output.uncut(values, "property"))
    for ruling in explanation["rulings"]:
        subject = ruling["remote_id"] or ruling["property"] or ""
        printer.print(
            f"decided {ruling['verdict']} {subject} by {ruling['who']} at {moment(ruling['at'], zone)}", markup=False
        )
    for delivery in explanation["deliveries"]:
        printer.print(
            f"run {delivery['run']} batch {delivery['batch']}: {delivery['kind']} → {delivery['verdict']}", markup=False
        )
