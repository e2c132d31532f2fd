"""Change events to a Redis stream: a batch is added whole or not at all."""

from __future__ import annotations

from careloom.core.publishers import Publisher
from careloom.core.rooms import Room, RoomContext
from careloom.systems.redis import publisher
from careloom.systems.redis.options import Options


def open_publisher(options: Options, context: RoomContext) -> Publisher:
    """The Redis stream, to tell change events to."""
    return publisher.StreamPublisher(options, context)


ROOM = Room(kind="redis", options=Options, publisher=open_publisher)
