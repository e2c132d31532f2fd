"""Change events to a Redis stream: a batch is added whole or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import orjson

from careloom.core.change_message import as_message
from careloom.core.errors import CareloomError, Fix, Later, NotPermitted
from careloom.core.ports import Finding
from careloom.core.publishers import ChangeEvent
from careloom.core.rooms import RoomContext
from careloom.systems.redis.options import Options

if TYPE_CHECKING:
    from redis import Redis

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 20.0


class StreamPublisher:
    """Tells by XADD, in one round trip and in order."""

    def __init__(self, options: Options, context: RoomContext) -> None:
        self._options = options
        self._url = context.secret(options.url)
        self._client: Redis | None = None

    def publish(self, events: Sequence[ChangeEvent]) -> Sequence[int]:
        """Add these. Later if the server does not answer, or takes no writes now."""
        if self._client is None:
            self._client = _client(self._url)
        try:
            # A transaction, so that a server that fails half way never keeps a later event without the earlier one.
            with self._client.pipeline(transaction=True) as pipeline:
                for event in events:
                    pipeline.xadd(
                        self._options.stream,
                        {"data": orjson.dumps(as_message(event)), "table": event.table, "operation": event.operation},
                        maxlen=self._options.keep,
                        approximate=True,
                    )
                pipeline.execute()
        except Exception as error:  # noqa: BLE001 sorted below
            self.close()
            raise _reason(error, self._options.stream) from None
        return [event.id for event in events]

    def check(self) -> Sequence[Finding]:
        """The server is reached, and what is called as the stream is one, or is not there yet."""
        if self._client is None:
            self._client = _client(self._url)
        try:
            kind = self._client.type(self._options.stream)
        except Exception as error:  # noqa: BLE001 sorted below
            self.close()
            raise _reason(error, self._options.stream) from None
        if kind not in (b"stream", b"none"):
            raise Fix(f"Redis: {self._options.stream} is not a stream; name another one")
        return [Finding(level="ok", what="Redis", detail=f"reached; the stream is {self._options.stream}")]

    def close(self) -> None:
        """Give back the connections."""
        if self._client is not None:
            self._client.close()
        self._client = None


def _client(url: str) -> Redis:
    try:
        import redis  # noqa: PLC0415 optional dependency
    except ImportError:
        raise Fix("telling changes to Redis needs one more package: python -m pip install 'careloom[redis]'") from None
    try:
        return redis.Redis.from_url(url, socket_connect_timeout=CONNECT_SECONDS, socket_timeout=ANSWER_SECONDS)
    except ValueError:
        raise Fix("Redis: its url cannot be read; write redis://HOST:PORT/0") from None


def _reason(error: Exception, stream: str) -> CareloomError:
    """What to do next; the client's own text is left out, as it repeats the command."""
    from redis import exceptions  # noqa: PLC0415 optional dependency

    match error:
        case exceptions.AuthenticationError() | exceptions.NoPermissionError():
            return NotPermitted(f"Redis refuses the user or password in its url, or XADD on {stream}: correct it")
        case exceptions.ResponseError() if "WRONGTYPE" in str(error):
            return Fix(f"Redis: {stream} is not a stream; name another one")
        case _:
            return Later(f"Redis took no change events ({type(error).__name__}); they are published later")
