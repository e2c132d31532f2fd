"""What is refused before a room sees it: methods and kinds of content that no event comes in."""

from __future__ import annotations

import re

from pydantic import BaseModel

METHODS = ("GET", "POST")
_JSON = re.compile(r"(?:application|text)/(?:[\w.+-]+\+)?json")


def is_event_type(content_type: str, options: BaseModel) -> bool:
    """Whether a body of this type may be an event: JSON, no type at all, or one that the system's options name.

    Rooms whose vendor is known to label its JSON otherwise have an option `event_content_types`.
    """
    kind = content_type.partition(";")[0].strip().lower()
    allowed_types = {name.lower() for name in getattr(options, "event_content_types", ())}
    return not kind or kind in allowed_types or _JSON.fullmatch(kind) is not None
