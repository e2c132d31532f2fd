"""Change events by NOTIFY on a channel of the store: whoever listens hears them; who does not, misses them."""

from __future__ import annotations

from careloom.core.rooms import Room, deferred
from careloom.systems.notify.options import Options

ROOM = Room(kind="notify", options=Options, publisher=deferred("careloom.systems.notify.notifier", "Notifier"))
