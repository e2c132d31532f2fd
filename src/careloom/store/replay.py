"""Stored events read again, a store that tells no one, and scratch tables that are compared with the real ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime

from psycopg import sql
from psycopg_pool import ConnectionPool

from careloom.core.streams import Stream
from careloom.core.webhooks import StoredEvent
from careloom.store.database import OPTIONS, Store
from careloom.store.inbox_queue import MOST_BYTES, MOST_EVENTS
from careloom.store.landed_rows import table_of
from careloom.store.landing_tables import ensure_table
from careloom.store.statements import statements


@contextmanager
def quiet_store(store: Store) -> Iterator[Store]:
    """The same store, over connections whose changes are told to no one."""
    options = {"options": f"{OPTIONS} -c careloom.quiet=on"}
    with ConnectionPool(store.url, min_size=1, max_size=4, timeout=30, kwargs=options, open=False) as pool:
        yield Store(url=store.url, pool=pool)


def stored_events(store: Store, source: str, since: datetime | None, until: datetime | None) -> Iterator[StoredEvent]:
    """The processed events of `source` that were received in a span of time, in their order."""
    after = 0
    while True:
        values = {"source": source, "since": since, "until": until, "after": after}
        with store.transaction() as connection:
            rows = connection.execute(_SQL["events"], values | {"most": MOST_EVENTS, "bytes": MOST_BYTES}).fetchall()
        if not rows:
            return
        for id_, event_id, event, received_at, body in rows:
            yield StoredEvent(id=id_, event_id=event_id, event=event, received_at=received_at, body=bytes(body))
        after = rows[-1][0]


@contextmanager
def scratch_tables(store: Store, streams: Sequence[Stream], held_as: Sequence[str]) -> Iterator[None]:
    """Empty tables for `streams`, without history; gone afterwards, with what was held as `held_as` on the way."""
    _drop(store, streams, held_as)
    try:
        for stream in streams:
            ensure_table(store, stream)
            with store.transaction() as connection:
                connection.execute(sql.SQL(_SQL["bare"]).format(scratch=table_of(stream)))
        yield
    finally:
        _drop(store, streams, held_as)


def compare_tables(store: Store, scratch: Stream, real: Stream) -> Mapping[str, int]:
    """Rows of `scratch` that are the same in `real`, newer there, different, or missing."""
    equal = [
        sql.SQL("(s.{name} is null or l.{name} is not distinct from s.{name})").format(name=sql.Identifier(column.name))
        for column in real.columns
    ]
    statement = sql.SQL(_SQL["compare"]).format(
        scratch=table_of(scratch),
        table=table_of(real),
        key=sql.Identifier(real.key_column),
        raw=sql.Identifier(real.raw),
        equal=sql.SQL(" and ").join(equal) if equal else sql.SQL("true"),
    )
    with store.transaction() as connection:
        counts = dict(connection.execute(statement).fetchall())
    return {verdict: int(counts.get(verdict, 0)) for verdict in ("same", "newer", "different", "missing")}


def _drop(store: Store, streams: Sequence[Stream], held_as: Sequence[str]) -> None:
    with store.transaction() as connection:
        for stream in streams:
            connection.execute(sql.SQL("drop table if exists {}").format(table_of(stream)))
        connection.execute(_SQL["forget_held"], {"streams": list(held_as)})


_SQL = statements("replay")
