"""HubSpot's room: what it offers, by the kind "hubspot"; what does the work is loaded when it is opened."""

from __future__ import annotations

from careloom.core.ports import Writable
from careloom.core.rooms import Room, RoomContext, SimulatorOptions
from careloom.core.schema import TextForm
from careloom.systems.hubspot import simulator
from careloom.systems.hubspot.options import Options
from careloom.systems.hubspot.target import target


def open_target(options: Options, context: RoomContext) -> Writable:
    """The portal, to write to."""
    return target.HubSpotTarget(options, context)


def simulate(options: SimulatorOptions) -> None:
    """Serve the simulated portal."""
    simulator.serve(options)


TEXT_FORM = TextForm(list_separator=";", moment="%Y-%m-%dT%H:%M:%S.%gZ", true="true", false="false", clear="")
ROOM = Room(
    kind="hubspot",
    options=Options,
    target=open_target,
    associates=True,
    declares=True,
    text_form=TEXT_FORM,
    simulate=simulate,
    property_names="[a-z][a-z0-9_]*",
)
