"""Change events to a JetStream stream: each is stored by the server before the next one is sent."""

from __future__ import annotations

from careloom.core.publishers import Publisher
from careloom.core.rooms import Room, RoomContext
from careloom.systems.nats import publisher
from careloom.systems.nats.options import Options


def open_publisher(options: Options, context: RoomContext) -> Publisher:
    """The JetStream stream, to tell change events to."""
    return publisher.StreamPublisher(options, context)


ROOM = Room(kind="nats", options=Options, publisher=open_publisher)
