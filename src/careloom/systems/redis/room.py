"""Change events to a Redis stream: a batch is added whole or not at all."""

from __future__ import annotations

from careloom.core.hooks import Publisher
from careloom.core.rooms import Room, Surroundings
from careloom.systems.redis import publisher
from careloom.systems.redis.options import Options


def open_publisher(options: Options, surroundings: Surroundings) -> Publisher:
    """The Redis stream, to tell change events to."""
    return publisher.StreamPublisher(options, surroundings)


ROOM = Room(kind="redis", options=Options, publisher=open_publisher)
