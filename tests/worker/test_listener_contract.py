"""The invented room of lines keeps what every room that listens promises."""

from __future__ import annotations

import pytest

from careloom.vendor_kit.testing.listener import ListenerCase, ListenerContract
from worker.line_room import LineListener


class TestLines(ListenerContract):
    kind = "lines"

    @pytest.fixture(scope="class")
    @classmethod
    def case(cls) -> ListenerCase:
        return ListenerCase(
            opened=LineListener,
            framed=lambda message: message + b"\n",
            message=b"m1 Abernathy",
            other_message=b"m2 Bellweather",
            thanks=lambda reply: reply.startswith(b"+"),
            private_texts=["Abernathy", "Bellweather"],
        )
