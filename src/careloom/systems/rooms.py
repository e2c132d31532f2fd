"""The rooms by their kind, loaded when first asked for, so that a command pays only for what it uses."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from careloom.core.rooms import Room
from careloom.systems import ROOM_MODULES


@cache
def rooms() -> dict[str, Room]:
    """Every room by its kind."""
    offered_rooms = [import_module(module).ROOM for module in ROOM_MODULES]
    return {room.kind: room for room in offered_rooms}
