"""Tells change events by NOTIFY on a channel of the store."""

from __future__ import annotations

from collections.abc import Sequence

import orjson
import psycopg

from careloom.core.change_message import as_message
from careloom.core.errors import Later
from careloom.core.ports import Finding
from careloom.core.publishers import ChangeEvent
from careloom.core.rooms import RoomContext
from careloom.systems.notify.options import Options


class Notifier:
    """Tells by NOTIFY: all events of a batch in one transaction, in their order."""

    def __init__(self, options: Options, context: RoomContext) -> None:
        self._channel = options.channel
        self._url = context.database_url
        self._connection: psycopg.Connection | None = None

    def publish(self, events: Sequence[ChangeEvent]) -> Sequence[int]:
        """Tell these. Later if the database does not answer."""
        try:
            connection = self._connected()
            with connection.transaction(), connection.cursor() as cursor:
                cursor.executemany(
                    "select pg_notify(%s, %s)",
                    [(self._channel, orjson.dumps(as_message(event)).decode()) for event in events],
                )
        except psycopg.OperationalError as error:
            self.close()
            raise Later(
                f"the database took no change events ({type(error).__name__}); they are published later"
            ) from None
        return [event.id for event in events]

    def check(self) -> Sequence[Finding]:
        """The database is the store's own; whether it can be listened to there."""
        try:
            self._connected().execute("select 1")
        except psycopg.OperationalError as error:
            self.close()
            raise Later(f"the database does not answer ({type(error).__name__})") from None
        return [Finding(level="ok", what="NOTIFY", detail=f"the channel is {self._channel}")]

    def close(self) -> None:
        """Give back the connection."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _connected(self) -> psycopg.Connection:
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(self._url, autocommit=True)
        return self._connection
