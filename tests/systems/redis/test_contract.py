"""The Redis room keeps what every room promises."""

from __future__ import annotations

import pytest

from careloom.systems.redis.room import ROOM
from careloom.vendor_kit.testing.case import context_of
from careloom.vendor_kit.testing.publisher import PublisherCase, PublisherContract


class TestPublisher(PublisherContract):
    kind = "redis"

    @pytest.fixture(scope="class")
    @classmethod
    def case(cls) -> PublisherCase:
        """What comes to a running server is in the other module, which needs one."""
        options = ROOM.options.model_validate({"url": "secret:bus"})
        context = context_of(secret=lambda _reference: "redis://:pass-word-7@127.0.0.1:1/0")
        return PublisherCase(unreachable=lambda: ROOM.publisher(options, context), private_texts=["pass-word-7"])
