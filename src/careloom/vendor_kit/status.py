"""HTTP's statuses by their names. Plain numbers, since gateways answer with some that no standard names (521, 524)."""

from __future__ import annotations

OK = 200
CREATED = 201
NO_CONTENT = 204
BAD_REQUEST = 400
UNAUTHORIZED = 401
FORBIDDEN = 403
NOT_FOUND = 404
METHOD_NOT_ALLOWED = 405
CONFLICT = 409
CONTENT_TOO_LARGE = 413
URI_TOO_LONG = 414
UNSUPPORTED_MEDIA_TYPE = 415
LOCKED = 423
TOO_MANY_REQUESTS = 429
SERVICE_UNAVAILABLE = 503


def is_success(status: int) -> bool:
    """2xx."""
    return 200 <= status < 300  # noqa: PLR2004 (the ranges are HTTP's own)


def is_redirect(status: int) -> bool:
    """3xx."""
    return 300 <= status < 400  # noqa: PLR2004


def is_refusal(status: int) -> bool:
    """4xx: asked for again in the same words, it is refused again."""
    return 400 <= status < 500  # noqa: PLR2004


def is_failure(status: int) -> bool:
    """5xx: the other side broke; whether it did what was asked is not known."""
    return status >= 500  # noqa: PLR2004
