"""`careloom docs`."""

from __future__ import annotations

from typing import Annotated

import typer

from careloom.cli.completion import topic_names
from careloom.cli.console import print_json, printer
from careloom.cli.options import Json
from careloom.services.operate import manual


def command(
    topic: Annotated[
        str | None,
        typer.Argument(help="A page; lists them if left out.", metavar="TOPIC", autocompletion=topic_names),
    ] = None,
    *,
    json: Json = False,
) -> None:
    """Print a page of the documentation that ships with this release."""
    if topic is not None:
        text = manual.page(topic)
        print_json({"topic": topic, "text": text}) if json else printer.print(text, markup=False)
        return
    titles = {name: manual.title_of(path) for name, path in manual.topics().items()}
    if json:
        print_json(titles)
        return
    longest = max(map(len, titles))
    for name, title in titles.items():
        printer.print(f"{name:<{longest}}  {title}", markup=False)
