"""Where a scan goes on: a text that outlives the process, small and without a person's data."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date

import orjson


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """`leg` counts a scan's parts; inside one, either the `next` page's path, or a list's `page` and the `uuid` of its job.

    `asked`: when each `uuid` was asked for, since a list shows what was so then. `until`: the last day that a scan by windows of days reads; it stays what it was when the scan began.
    """

    until: str
    leg: int = 0
    next: str = ""
    page: int = 1
    uuid: str = ""
    asked: str = ""

    def text(self) -> str:
        """The checkpoint."""
        return orjson.dumps(asdict(self)).decode()


def position_of(checkpoint: str, until: date) -> Position:
    """The position that a checkpoint names; the beginning where it is empty or not one of ours."""
    start = Position(until=until.isoformat())
    try:
        content = orjson.loads(checkpoint) if checkpoint else None
        if not isinstance(content, dict):
            return start
        date.fromisoformat(content["until"])
        return Position(
            until=content["until"],
            leg=max(0, int(content["leg"])),
            next=str(content["next"]),
            page=max(1, int(content["page"])),
            uuid=str(content["uuid"]),
            asked=str(content.get("asked", "")),
        )
    except (ValueError, KeyError, TypeError):
        return start
