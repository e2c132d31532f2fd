"""Deep Cura's room: what it offers, by the kind "deepcura"."""

from __future__ import annotations

from importlib import import_module

from careloom.core.rooms import Room, SimulatorOptions, deferred
from careloom.systems.deepcura.options import Options
from careloom.systems.deepcura.streams import STREAMS


def simulate(options: SimulatorOptions) -> None:
    """Send invented session notes; the sender is loaded only now."""
    import_module("careloom.systems.deepcura.simulator").simulate(options)


ROOM = Room(
    kind="deepcura",
    options=Options,
    streams=STREAMS,
    hooks=deferred("careloom.systems.deepcura.hooks", "DeepCuraHooks"),
    simulate=simulate,
)
