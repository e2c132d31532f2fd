"""Deep Cura's room: what it offers, by the kind "deepcura"; what does the work is loaded when it is opened."""

from __future__ import annotations

from careloom.core.rooms import Room, RoomContext, SimulatorOptions
from careloom.core.webhooks import Webhooks
from careloom.systems.deepcura import simulator, webhooks
from careloom.systems.deepcura.options import Options
from careloom.systems.deepcura.streams import STREAMS


def open_webhooks(options: Options, context: RoomContext) -> Webhooks:
    """The account, as one that calls us."""
    return webhooks.DeepCuraWebhooks(options, context)


def simulate(options: SimulatorOptions) -> None:
    """Send invented session notes."""
    simulator.simulate(options)


ROOM = Room(kind="deepcura", options=Options, streams=STREAMS, webhooks=open_webhooks, simulate=simulate)
