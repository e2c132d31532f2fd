"""HubSpot's room: what it offers, by the kind "hubspot"."""

from __future__ import annotations

from importlib import import_module

from careloom.core.rooms import Room, SimulatorOptions, deferred
from careloom.systems.hubspot.options import Options


def simulate(options: SimulatorOptions) -> None:
    """Serve the simulated portal; its web server is loaded only now."""
    import_module("careloom.systems.hubspot.simulator").serve(options)


ROOM = Room(
    kind="hubspot",
    options=Options,
    target=deferred("careloom.systems.hubspot.target", "HubSpotTarget"),
    simulate=simulate,
)
