"""The vendors' rooms. To remove one: delete its folder and its line here."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # whoever only needs a room's modules does not pay for it
    from careloom.core.rooms import Room

ROOM_MODULES = (
    "careloom.systems.collaboratemd.room",
    "careloom.systems.deepcura.room",
    "careloom.systems.drchrono.room",
    "careloom.systems.hubspot.room",
    "careloom.systems.nats.room",
    "careloom.systems.notify.room",
    "careloom.systems.pubsub.room",
    "careloom.systems.redis.room",
    "careloom.systems.sql.room",
)
"""Each module holds ROOM, a `core.rooms.Room`; loaded when a project or a command needs it."""


@cache
def rooms() -> dict[str, Room]:
    """Every room by its kind, loaded when first asked for, so that a command pays only for what it uses."""
    offered_rooms: list[Room] = [import_module(module).ROOM for module in ROOM_MODULES]
    return {room.kind: room for room in offered_rooms}
