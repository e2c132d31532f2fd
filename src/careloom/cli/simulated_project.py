"""A project opened as it is, or with its systems simulated on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import typer

from careloom.core.attempts import ALL, Kind
from careloom.services.operate import simulate
from careloom.services.session import attempts, sessions, settings


@contextmanager
def maybe_simulated(
    folder: Path,
    values: settings.Settings,
    address: str = "",
    *,
    sim: bool,
    kind: Kind = Kind.work,
    trigger: sessions.Trigger = "hand",
) -> Iterator[tuple[sessions.Session, simulate.Simulation | None]]:
    """The project in `folder`, opened to do `kind`. `address`: where `careloom serve` will answer, for simulators that call us."""
    if not sim:
        with attempts.opened_for(folder, values, kind, ALL, trigger=trigger) as session:
            yield session, None
        return
    with (
        simulate.simulators(folder, values, address) as systems,
        sessions.open_session(folder, systems.settings) as session,
    ):
        simulated_session = replace(session, project=simulate.pointed_at(session.project, systems))
        try:
            for name, url in systems.addresses.items():
                typer.echo(f"simulated: {name} {url or '(only sends)'}", err=True)
            simulate.connect_all(simulated_session, systems)
            yield simulated_session, systems
        finally:
            simulated_session.close()
