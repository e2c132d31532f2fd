"""Change events by NOTIFY on a channel of the store: whoever listens hears them; who does not, misses them."""

from __future__ import annotations

from careloom.core.publishers import Publisher
from careloom.core.rooms import Room, RoomContext
from careloom.systems.notify import notifier
from careloom.systems.notify.options import Options


def open_publisher(options: Options, context: RoomContext) -> Publisher:
    """The channel, to tell change events on."""
    return notifier.Notifier(options, context)


ROOM = Room(kind="notify", options=Options, publisher=open_publisher)
