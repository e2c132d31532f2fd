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
    value_reader: ValueReader,
    landing: Landing,
    releases: Sequence[ReleasedHolds],
    held_keys: Collection[str] = (),
) -> None:
    """Forget what was held of the keys of `releases`, but for records that are newer than what settled them.

    `held_keys`: keys of which a record was held in the same batch; which of the two is newer only a version tells.
    """
    waiting = {
        held_record.key: held_record
        for held_record in held_among(connection, landing.name, [release.key for release in releases])
    }
    keys = {
        release.key
        for release in releases
        if release.key in waiting and _is_over(value_reader, waiting[release.key], release, release.key in held_keys)
    }
    if keys:
        forget_landings(connection, landing.name, sorted(keys))


def body_of(data: object) -> bytes:
    """The record as bytes that give it back where JSON can say it, and as Python writes it where not."""
    try:
        return orjson.dumps(data)
    except (TypeError, ValueError):
        return repr(data).encode("utf-8", "backslashreplace")


def _is_over(value_reader: ValueReader, held_record: HeldLanding, release: ReleasedHolds, held_in_batch: bool) -> bool:
    if held_record.body == body_of(release.data):
        return True
    newest = _stated_version(value_reader, held_record)
    if newest is None:
        return not release.stale and not held_in_batch
    return (_version(value_reader, release.data, release.observed_at) or release.observed_at) >= newest


def _stated_version(value_reader: ValueReader, held_record: HeldLanding) -> datetime | None:
    """The version that a held record states; None where it states no version, or is not readable."""
    if held_record.code not in CODES:
        return None
    try:
        data = orjson.loads(held_record.body)
    except orjson.JSONDecodeError:
        return None
    return _version(value_reader, data, held_record.first_seen) if isinstance(data, dict) else None


def _version(value_reader: ValueReader, data: Mapping[str, Any] | None, seen_at: datetime | None) -> datetime | None:
    try:
        return stated_version(value_reader.stream, data, value_reader.timezone, seen_at)
    except Hold:
        return None
