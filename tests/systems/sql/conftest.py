"""A source as a project would open it, and what it reads as rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from careloom.core.ports import Source
from careloom.core.rooms import RoomContext
from careloom.systems.sql.room import ROOM

SECRETS = {"secret:clinic-db": "pass-word-7", "secret:odd-db": "oracle://x"}


@pytest.fixture
def open_source(tmp_path: Path) -> Iterator[Callable[..., Source]]:
    """Opens a source from the options of a `systems:` entry; the project's folder is `tmp_path`."""
    made: list[Source] = []

    def open_one(**options: str) -> Source:
        around = RoomContext(
            folder=tmp_path, timezone=ZoneInfo("America/New_York"), secret=lambda text: SECRETS.get(text, text)
        )
        made.append(ROOM.source(ROOM.options(**options), around))
        return made[-1]

    yield open_one
    for source in made:
        source.close()
        source.close()
