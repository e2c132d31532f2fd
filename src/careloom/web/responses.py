"""The one form of every refusal."""

from __future__ import annotations

from collections.abc import Mapping

import orjson
from starlette.responses import Response

from careloom.core.webhooks import WebhookAnswer

AGAIN_AFTER = 30
"""Seconds after which to come again, where no one knows better."""
UNAVAILABLE = 503
_UNREAD = {408, 413, 415, 429, UNAVAILABLE}


def refuse(status: int, why: str, headers: Mapping[str, str] | None = None) -> Response:
    """A refusal; where the body may not have been read, the connection ends with it."""
    all_headers = dict(headers or {})
    if status == UNAVAILABLE:
        all_headers.setdefault("Retry-After", str(AGAIN_AFTER))
    if status in _UNREAD:
        all_headers["Connection"] = "close"
    return Response(orjson.dumps({"error": why}), status, all_headers, media_type="application/json")


def respond(answer: WebhookAnswer) -> Response:
    """What a room, or the store of events, answers."""
    headers = {"Retry-After": str(AGAIN_AFTER)} if answer.status == UNAVAILABLE else None
    return Response(answer.body, answer.status, headers, media_type=answer.content_type)
