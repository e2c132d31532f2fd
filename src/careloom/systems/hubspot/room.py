"""HubSpot's room: what it offers, by the kind "hubspot"."""

from __future__ import annotations

from importlib import import_module

from careloom.core.rooms import Room, SimulatorOptions
from careloom.systems.hubspot.options import Options
from careloom.systems.hubspot.target import HubSpotTarget


def simulate(options: SimulatorOptions) -> None:
    """Serve the simulated portal; its web server is loaded only now."""
    import_module("careloom.systems.hubspot.simulator").serve(options)


ROOM = Room(kind="hubspot", options=Options, target=HubSpotTarget, simulate=simulate, property_names="[a-z][a-z0-9_]*")
