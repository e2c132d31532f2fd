"""DrChrono's room: what it offers, by the kind "drchrono"."""

from __future__ import annotations

from importlib import import_module

from careloom.core.rooms import Authorization, Room, SimulatorOptions, deferred
from careloom.systems.drchrono.options import Options
from careloom.systems.drchrono.streams import STREAMS


def simulate(options: SimulatorOptions) -> None:
    """Serve the simulated practice; its web server is loaded only now."""
    import_module("careloom.systems.drchrono.simulator").serve(options)


_OAUTH = "careloom.systems.drchrono.oauth"

ROOM = Room(
    kind="drchrono",
    options=Options,
    streams=STREAMS,
    stream_source=deferred("careloom.systems.drchrono.scanning", "DrChronoSource"),
    hooks=deferred("careloom.systems.drchrono.hooks", "DrChronoHooks"),
    authorization=Authorization(url=deferred(_OAUTH, "authorize_url"), exchange=deferred(_OAUTH, "exchange")),
    simulate=simulate,
)
