"""Change events to a JetStream stream: each is stored by the server before the next one is sent."""

from __future__ import annotations

from careloom.core.hooks import Publisher
from careloom.core.rooms import Room, Surroundings
from careloom.systems.nats import publisher
from careloom.systems.nats.options import Options


def open_publisher(options: Options, surroundings: Surroundings) -> Publisher:
    """The JetStream stream, to tell change events to."""
    return publisher.StreamPublisher(options, surroundings)


ROOM = Room(kind="nats", options=Options, publisher=open_publisher)
