"""Change events to a Pub/Sub topic: the record is the ordering key, and what failed is told again by the outbox."""

from __future__ import annotations

from careloom.core.hooks import Publisher
from careloom.core.rooms import Room, Surroundings
from careloom.systems.pubsub import publisher
from careloom.systems.pubsub.options import Options


def open_publisher(options: Options, surroundings: Surroundings) -> Publisher:
    """The topic, to tell change events to."""
    return publisher.TopicPublisher(options, surroundings)


ROOM = Room(kind="pubsub", options=Options, publisher=open_publisher)
