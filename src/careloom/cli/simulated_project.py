"""A project opened as it is, or with its systems simulated on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import typer

from careloom.core.attempts import ALL, Kind
from careloom.services.operate import simulate
from careloom.services.session import attempts, session, settings


@contextmanager
def maybe_simulated(
    folder: Path,
    found: settings.Settings,
    address: str = "",
    *,
    sim: bool,
    kind: Kind = Kind.work,
    trigger: session.Trigger = "hand",
) -> Iterator[tuple[session.Opened, simulate.Simulated | None]]:
    """The project in `folder`, opened to do `kind`. `address`: where `careloom serve` will answer, for simulators that call us."""
    if not sim:
        with attempts.opened_for(folder, found, kind, ALL, trigger=trigger) as ready:
            yield ready, None
        return
    with (
        simulate.simulators(folder, found, address) as simulated,
        session.opened(folder, simulated.settings) as ready,
    ):
        pointed = replace(ready, project=simulate.pointed_at(ready.project, simulated))
        try:
            for name, url in simulated.addresses.items():
                typer.echo(f"simulated: {name} {url or '(only sends)'}", err=True)
            simulate.connect_all(pointed, simulated)
            yield pointed, simulated
        finally:
            pointed.close()
