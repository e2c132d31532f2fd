"""Which held records are over: those that landed after all, and those that something as new has taken the place of."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
import psycopg

from careloom.core.errors import Hold
from careloom.engine.landing.values import CODES, ValueReader, stated_version
from careloom.project.model import Landing
from careloom.store.landing_held import HeldLanding, forget_landings, held_among


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasedHolds:
    """A record that was landed, or needed no landing. `stale`: a newer form was stored already."""

    key: str
    data: Mapping[str, Any] | None = field(repr=False)
    observed_at: datetime
    stale: bool = False


def release_held(
    connection: psycopg.Connection,
    by: ValueReader,
    landing: Landing,
    settled: Sequence[ReleasedHolds],
    beside: Collection[str] = (),
) -> None:
    """Forget what was held of the keys of `settled`, but for records that are newer than what settled them.

    `beside`: keys of which a record was held in the same batch; which of the two is newer only a version tells.
    """
    waiting = {one.key: one for one in held_among(connection, landing.name, [one.key for one in settled])}
    over = {one.key for one in settled if one.key in waiting and _is_over(by, waiting[one.key], one, one.key in beside)}
    if over:
        forget_landings(connection, landing.name, sorted(over))


def body_of(data: object) -> bytes:
    """The record as bytes that give it back where JSON can say it, and as Python writes it where not."""
    try:
        return orjson.dumps(data)
    except (TypeError, ValueError):
        return repr(data).encode("utf-8", "backslashreplace")


def _is_over(by: ValueReader, held: HeldLanding, settled: ReleasedHolds, beside: bool) -> bool:
    if held.body == body_of(settled.data):
        return True
    newest = _stated(by, held)
    if newest is None:
        return not settled.stale and not beside
    return (_version(by, settled.data, settled.observed_at) or settled.observed_at) >= newest


def _stated(by: ValueReader, held: HeldLanding) -> datetime | None:
    """The version that a held record states; None where it states none, or is none."""
    if held.code not in CODES:
        return None
    try:
        data = orjson.loads(held.body)
    except orjson.JSONDecodeError:
        return None
    return _version(by, data, held.first_seen) if isinstance(data, dict) else None


def _version(by: ValueReader, data: Mapping[str, Any] | None, seen_at: datetime | None) -> datetime | None:
    try:
        return stated_version(by.stream, data, by.timezone, seen_at)
    except Hold:
        return None
