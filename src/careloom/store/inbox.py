"""The inbox: what came in by itself, kept as it came before anything is made of it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import psycopg

from careloom.store.database import Store
from careloom.store.queue import enqueue
from careloom.store.statements import statements

JOB = "process_inbox"
OTHER_BODY = "same-id-other-body"
"""Why an event is held whose id came before with another body: both are kept, and a person looks at the second."""

Fate = Literal["new", "again", "held"]
_Id = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """An accepted event on its way into the inbox, which dates it by its own clock."""

    source: str
    event_id: str
    event: str
    body: bytes = field(repr=False)

    @property
    def digest(self) -> bytes:
        """SHA-256 of the body."""
        return hashlib.sha256(self.body).digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Depth:
    """How much of one source waits and is held; `oldest`: seconds for which the oldest has been due, None if none is."""

    source: str
    waiting: int
    held_count: int
    oldest: float | None


def keep_events(store: Store, arrivals: Sequence[Arrival]) -> list[Fate]:
    """Keep these and wake who reads them, in one transaction; what became of each.

    new: kept. again: the same body is there under this id. held: the id is another body's; this one is kept aside.
    """
    firsts: dict[_Id, Arrival] = {}
    for arrival in arrivals:
        firsts.setdefault((arrival.source, arrival.event_id), arrival)
    with store.transaction() as connection:
        new = _insert(connection, list(firsts.values()), is_held=False)
        digests = _known(connection, [key for key in firsts if key not in new])
        digests |= {key: firsts[key].digest for key in new}
        fates: list[Fate] = []
        twins: dict[_Id, Arrival] = {}
        for arrival in arrivals:
            key = (arrival.source, arrival.event_id)
            digest = arrival.digest
            if digests.get(key) == digest:
                fates.append("new" if arrival is firsts[key] and key in new else "again")
                continue
            twin = Arrival(
                source=arrival.source,
                event_id=f"{arrival.event_id}#{digest.hex()}",
                event=arrival.event,
                body=arrival.body,
            )
            fates.append("again" if (twin.source, twin.event_id) in twins else "held")
            twins.setdefault((twin.source, twin.event_id), twin)
        aside = _insert(connection, list(twins.values()), is_held=True)
        for source in sorted({source for source, _ in new}):
            enqueue(connection, JOB, source)
    return [
        "again"
        if fate == "held" and (arrival.source, f"{arrival.event_id}#{arrival.digest.hex()}") not in aside
        else fate
        for arrival, fate in zip(arrivals, fates, strict=True)
    ]


def put_in(connection: psycopg.Connection, arrivals: Sequence[Arrival]) -> None:
    """Put events into the inbox and wake who reads them, within a transaction that is open already."""
    _insert(connection, arrivals, is_held=False)
    for source in sorted({arrival.source for arrival in arrivals}):
        enqueue(connection, JOB, source)


def first_told(store: Store, source: str, contents: Sequence[tuple[bytes, datetime]]) -> dict[bytes, datetime]:
    """When each of these contents, given with the times at which they came, first came from `source`."""
    values = {
        "source": source,
        "digests": [digest for digest, _ in contents],
        "times": [received_at for _, received_at in contents],
    }
    with store.transaction() as connection:
        return {
            bytes(digest): received_at
            for digest, received_at in connection.execute(_SQL["first_told"], values).fetchall()
        }


def inbox_depth(store: Store, sources: Sequence[str]) -> list[Depth]:
    """How much of each of `sources` waits and is held, by their names."""
    with store.transaction() as connection:
        rows = connection.execute(_SQL["depth"], {"sources": list(sources)}).fetchall()
    return [Depth(source=row[0], waiting=row[1], held_count=row[2], oldest=row[3]) for row in rows]


def totals(store: Store) -> tuple[int, int, int, int]:
    """Events received, events waiting, events and records held, changes to be told."""
    with store.transaction() as connection:
        row = connection.execute(_SQL["totals"]).fetchone()
    return (int(row[0]), int(row[1]), int(row[2]), int(row[3])) if row else (0, 0, 0, 0)


def _insert(connection: psycopg.Connection, arrivals: Sequence[Arrival], *, is_held: bool) -> set[_Id]:
    """The ids that were not there before. In one order everywhere, so that receivers never wait for each other in a ring."""
    if not arrivals:
        return set()
    pairs = sorted(enumerate(arrivals), key=lambda pair: (pair[1].source, pair[1].event_id))
    sorted_arrivals = [arrival for _, arrival in pairs]
    values = {
        "numbers": [number for number, _ in pairs],
        "sources": [arrival.source for arrival in sorted_arrivals],
        "ids": [arrival.event_id for arrival in sorted_arrivals],
        "events": [arrival.event for arrival in sorted_arrivals],
        "bodies": [arrival.body for arrival in sorted_arrivals],
        "hashes": [arrival.digest for arrival in sorted_arrivals],
        "states": ["held" if is_held else "new"] * len(sorted_arrivals),
        "codes": [OTHER_BODY if is_held else None] * len(sorted_arrivals),
    }
    return {(source, id_) for source, id_ in connection.execute(_SQL["keep"], values).fetchall()}


def _known(connection: psycopg.Connection, keys: Sequence[_Id]) -> dict[_Id, bytes]:
    if not keys:
        return {}
    values = {"sources": [source for source, _ in keys], "ids": [id_ for _, id_ in keys]}
    return {
        (source, id_): bytes(digest) for source, id_, digest in connection.execute(_SQL["known"], values).fetchall()
    }


_SQL = statements("inbox")
