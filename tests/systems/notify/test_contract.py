"""The room of NOTIFY keeps what every room promises."""

from __future__ import annotations

import json
from collections.abc import Iterator

import psycopg
import pytest

from careloom.systems.notify.room import ROOM
from careloom.vendor_kit.testing.case import context_of
from careloom.vendor_kit.testing.publisher import PublisherCase, PublisherContract


class TestPublisher(PublisherContract):
    kind = "notify"

    @pytest.fixture
    def case(self, database: str) -> Iterator[PublisherCase]:
        away = "postgresql://someone:pass-word-7@127.0.0.1:1/none"
        with psycopg.connect(database, autocommit=True) as listening:
            listening.execute("listen change_events")
            yield PublisherCase(
                unreachable=lambda: ROOM.publisher(ROOM.options(), context_of(database_url=away)),
                private_texts=["pass-word-7"],
                opened=lambda: ROOM.publisher(ROOM.options(), context_of(database_url=database)),
                heard=lambda: [
                    json.loads(message.payload)["operation"] for message in listening.notifies(timeout=5, stop_after=3)
                ],
            )
