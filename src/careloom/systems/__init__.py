"""The vendors' rooms. To remove one: delete its folder and its line here."""

from __future__ import annotations

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
"""Each module holds ROOM, a `core.rooms.Room`; loaded by `systems.rooms` when a project or a command needs it."""
