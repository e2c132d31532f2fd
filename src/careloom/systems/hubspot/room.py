"""HubSpot's room: what it offers, by the kind "hubspot"; what does the work is loaded when it is opened."""

from __future__ import annotations

from careloom.core.ports import Target
from careloom.core.rooms import Room, RoomContext, SimulatorOptions
from careloom.systems.hubspot import simulator
from careloom.systems.hubspot.options import Options
from careloom.systems.hubspot.target import target


def open_target(options: Options, context: RoomContext) -> Target:
    """The portal, to write to."""
    return target.HubSpotTarget(options, context)


def simulate(options: SimulatorOptions) -> None:
    """Serve the simulated portal."""
    simulator.serve(options)


ROOM = Room(kind="hubspot", options=Options, target=open_target, simulate=simulate, property_names="[a-z][a-z0-9_]*")
