"""The Pub/Sub room keeps what every room promises."""

from __future__ import annotations

import pytest

from careloom.systems.pubsub.room import ROOM
from careloom.vendor_kit.testing.case import context_of
from careloom.vendor_kit.testing.publisher import PublisherCase, PublisherContract


class TestPublisher(PublisherContract):
    kind = "pubsub"

    @pytest.fixture(scope="class")
    @classmethod
    def case(cls) -> PublisherCase:
        """What comes to a running server is in the other module, which needs one."""
        options = ROOM.options.model_validate({"project": "clinic", "emulator": "127.0.0.1:1"})
        context = context_of(secret=lambda _reference: "")
        return PublisherCase(unreachable=lambda: ROOM.publisher(options, context), private_texts=["pass-word-7"])
