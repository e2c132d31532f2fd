"""From what came in a page to records: what has no usable form is kept with its bytes, and never passed over."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from careloom.core.errors import Hold
from careloom.core.streams import Record, Unreadable
from careloom.vendor_kit.call import holds_nul

_LONGEST_KEY = 64


def read_items(
    stream: str, items: Sequence[Any], read: Callable[[Mapping[str, Any]], Sequence[Record]], *, keys: Sequence[str]
) -> tuple[list[Record], list[Unreadable]]:
    """What `read` makes of each item, and the items of which it makes nothing, since it raised Hold or they are no objects.

    `keys`: the names under which an item's key may stand, so that an unreadable one can be found again.
    """
    records: list[Record] = []
    unreadable: list[Unreadable] = []
    for item in items:
        try:
            records += read(_object(stream, item))
        except Hold as hold:
            body = orjson.dumps(item)
            unreadable.append(Unreadable(stream=stream, key=_some_key(item, keys), code=hold.code, body=body))
    return records, unreadable


def refuse_nul(item: Any) -> None:
    """Hold where a text holds NUL, which PostgreSQL cannot keep."""
    if holds_nul(item):
        raise Hold("nul-character", "a text of the record holds the character NUL")


def _object(stream: str, item: Any) -> Mapping[str, Any]:
    if not isinstance(item, dict):
        raise Hold("no-object", f"an entry of {stream} is no object")
    return item


def _some_key(item: Any, keys: Sequence[str]) -> str:
    """Whatever key there is, cut short; "" where there is none."""
    values = [item[name] for name in keys if name in item] if isinstance(item, dict) else []
    return str(values[0])[:_LONGEST_KEY] if values and isinstance(values[0], int | str) else ""
