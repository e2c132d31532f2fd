"""DrChrono's room: what it offers, by the kind "drchrono"."""

from __future__ import annotations

from importlib import import_module

from careloom.core.rooms import Authorization, Room, SimulatorOptions
from careloom.systems.drchrono.hooks import DrChronoHooks
from careloom.systems.drchrono.oauth import authorize_url, exchange
from careloom.systems.drchrono.options import Options
from careloom.systems.drchrono.scanning import DrChronoSource
from careloom.systems.drchrono.streams import STREAMS


def simulate(options: SimulatorOptions) -> None:
    """Serve the simulated practice; its web server is loaded only now."""
    import_module("careloom.systems.drchrono.simulator").serve(options)


ROOM = Room(
    kind="drchrono",
    options=Options,
    streams=STREAMS,
    stream_source=DrChronoSource,
    hooks=DrChronoHooks,
    authorization=Authorization(url=authorize_url, exchange=exchange),
    simulate=simulate,
)
