"""Change events to a Pub/Sub topic: the record is the ordering key, and what failed is told again by the outbox."""

from __future__ import annotations

from careloom.core.publishers import Publisher
from careloom.core.rooms import Room, RoomContext
from careloom.systems.pubsub import publisher
from careloom.systems.pubsub.options import Options


def open_publisher(options: Options, context: RoomContext) -> Publisher:
    """The topic, to tell change events to."""
    return publisher.TopicPublisher(options, context)


ROOM = Room(kind="pubsub", options=Options, publisher=open_publisher)
