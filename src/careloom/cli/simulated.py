"""A project opened as it is, or with its systems simulated on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import typer

from careloom.services.attempts import ALL, Kind, opened_for
from careloom.services.opening import Opened, Trigger, opened
from careloom.services.settings import Settings
from careloom.services.simulating import Simulated, connect_all, pointed_at, simulators


@contextmanager
def maybe_simulated(
    folder: Path,
    found: Settings,
    address: str = "",
    *,
    sim: bool,
    kind: Kind = Kind.work,
    trigger: Trigger = "hand",
) -> Iterator[tuple[Opened, Simulated | None]]:
    """The project in `folder`, opened to do `kind`. `address`: where `careloom serve` will answer, for simulators that call us."""
    if not sim:
        with opened_for(folder, found, kind, ALL, trigger=trigger) as ready:
            yield ready, None
        return
    with simulators(folder, found, address) as simulated, opened(folder, simulated.settings) as ready:
        pointed = replace(ready, project=pointed_at(ready.project, simulated))
        try:
            for name, url in simulated.addresses.items():
                typer.echo(f"simulated: {name} {url or '(only sends)'}", err=True)
            connect_all(pointed, simulated)
            yield pointed, simulated
        finally:
            pointed.close()
