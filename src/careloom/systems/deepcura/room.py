"""Deep Cura's room: what it offers, by the kind "deepcura"; what does the work is loaded when it is opened."""

from __future__ import annotations

from careloom.core.hooks import Hooks
from careloom.core.rooms import Room, SimulatorOptions, Surroundings
from careloom.systems.deepcura import hooks, simulator
from careloom.systems.deepcura.options import Options
from careloom.systems.deepcura.streams import STREAMS


def open_hooks(options: Options, surroundings: Surroundings) -> Hooks:
    """The account, as one that calls us."""
    return hooks.DeepCuraHooks(options, surroundings)


def simulate(options: SimulatorOptions) -> None:
    """Send invented session notes."""
    simulator.simulate(options)


ROOM = Room(kind="deepcura", options=Options, streams=STREAMS, hooks=open_hooks, simulate=simulate)
