"""Stored events and change events, taken in their order; what becomes of them; and who rests after a failure.

Rows are the queue: a worker that takes them holds the lock of their source (see `locking`), and a row leaves only when all that
it asked for is committed. A crash at any point means that it is taken again.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import psycopg

from careloom.core.publishers import ChangeEvent
from careloom.core.webhooks import StoredEvent
from careloom.store.statements import statements

MOST_EVENTS = 200
MOST_BYTES = 32 * 1024 * 1024
"""Bodies of one batch that are in memory together, save for the one that goes over it."""
NO_LIMIT = 2**31 - 1
NOT_YET = "not-shown-yet"
"""Why an event waits whose system does not show yet what it has told; how often is counted in its attempts."""
_CHANCE = secrets.SystemRandom()


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Waits double from `first` to `maximum` seconds, each cut by chance to no less than half."""

    first: float = 2.0
    maximum: float = 900.0

    def chance(self) -> float:
        """The part of a wait that is waited, so that those who failed together do not return together."""
        return _CHANCE.uniform(0.5, 1.0)


def claim_events(connection: psycopg.Connection, source: str) -> Sequence[StoredEvent]:
    """The oldest new events of `source` that are due, a batch of them."""
    rows = connection.execute(
        _SQL["claim_events"], {"source": source, "most": MOST_EVENTS, "bytes": MOST_BYTES, "asked": NOT_YET}
    ).fetchall()
    return [
        StoredEvent(id=id_, event_id=event_id, event=event, received_at=received_at, body=bytes(body), asked=asks)
        for id_, event_id, event, received_at, body, asks in rows
    ]


def events_done(connection: psycopg.Connection, ids: Sequence[int]) -> None:
    """All that these events asked for is committed."""
    connection.execute(_SQL["done"], {"ids": list(ids)})


def hold_event(connection: psycopg.Connection, id_: int, code: str, message: str) -> None:
    """A person must look at this event; its bytes stay."""
    connection.execute(_SQL["hold"], {"id": id_, "code": code, "message": message})


def events_wait(
    connection: psycopg.Connection,
    after: dict[int, float],
    *,
    code: str,
    message: str,
    backoff: Backoff,
    limit: int = NO_LIMIT,
) -> int:
    """These events are tried again later, `after` so many seconds at least; held after `limit` times of the same `code`.

    Returns how many were held.
    """
    values = {
        "ids": list(after),
        "after": list(after.values()),
        "chance": [backoff.chance() for _ in after],
        "code": code,
        "message": message,
        "limit": limit,
        "first": backoff.first,
        "most": backoff.maximum,
    }
    return sum(state == "held" for (state,) in connection.execute(_SQL["wait"], values).fetchall())


def due_sources(connection: psycopg.Connection, sources: Collection[str]) -> list[str]:
    """Those of `sources` that have events to look at now."""
    return [name for (name,) in connection.execute(_SQL["due_sources"], {"sources": list(sources)}).fetchall()]


def claim_changes(connection: psycopg.Connection, publisher: str, limit: int) -> Sequence[ChangeEvent]:
    """The oldest change events that `publisher` has not acknowledged, in order."""
    rows = connection.execute(_SQL["claim_changes"], {"publisher": publisher, "most": limit}).fetchall()
    return [
        ChangeEvent(
            id=id_,
            table=table,
            operation=operation,
            record_id=str(record_id),
            vendor_id=vendor_id,
            vendor_key=vendor_key,
            timestamp=timestamp,
        )
        for id_, table, operation, record_id, vendor_id, vendor_key, timestamp in rows
    ]


def changes_told(
    connection: psycopg.Connection, publisher: str, ids: Sequence[int], publishers: Collection[str]
) -> None:
    """`publisher` has acknowledged these; those that all of `publishers` have now acknowledged are gone."""
    values = {"publisher": publisher, "ids": list(ids), "publishers": list(publishers)}
    connection.execute(_SQL["forget_told"], values)
    if len(publishers) > 1:
        connection.execute(_SQL["mark_told"], values)


def forget_settled(connection: psycopg.Connection, publishers: Collection[str]) -> None:
    """Drop what all of `publishers` have acknowledged: it waited for one that is no longer theirs."""
    connection.execute(_SQL["forget_settled"], {"publishers": list(publishers)})


def forget_changes(connection: psycopg.Connection, limit: int) -> int:
    """Drop the oldest change events, which no one is to be told of; returns how many."""
    return connection.execute(_SQL["forget_all"], {"most": limit}).rowcount


def anything_to_tell(connection: psycopg.Connection) -> bool:
    """Whether a change event waits."""
    row = connection.execute(_SQL["anything_to_tell"]).fetchone()
    return bool(row and row[0])


def rests(connection: psycopg.Connection, subject: str) -> bool:
    """Whether `subject` is to be left alone for now."""
    row = connection.execute(_SQL["rests"], {"what": subject}).fetchone()
    return bool(row and row[0])


def resting(connection: psycopg.Connection) -> set[str]:
    """All that is to be left alone for now."""
    return {subject for (subject,) in connection.execute(_SQL["resting"]).fetchall()}


def rest(connection: psycopg.Connection, subject: str, backoff: Backoff, after: float | None = None) -> int:
    """`subject` failed: leave it alone for longer each time, for `after` seconds at least; how often it has in a row."""
    values = {"what": subject, "after": after or 0.0, "first": backoff.first, "most": backoff.maximum}
    row = connection.execute(_SQL["rest"], values | {"chance": backoff.chance()}).fetchone()
    return int(row[0]) if row else 1


def rested(connection: psycopg.Connection, subject: str) -> None:
    """`subject` worked: its failures are forgotten."""
    connection.execute(_SQL["rested"], {"what": subject})


_SQL = statements("inbox_queue")
