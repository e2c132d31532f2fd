"""Change events to a JetStream stream: each is stored by the server before the next one is sent."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING, Any, TypeVar

import orjson

from careloom.core.change_message import as_message
from careloom.core.errors import CareloomError, Fix, Later, NotPermitted
from careloom.core.ports import Finding
from careloom.core.publishers import ChangeEvent
from careloom.core.rooms import RoomContext
from careloom.systems.nats.options import Options

if TYPE_CHECKING:
    from nats.aio.client import Client

CONNECT_SECONDS = 5
ANSWER_SECONDS = 10.0

Answer = TypeVar("Answer")


class StreamPublisher:
    """Tells by JetStream from an event loop of its own, since its callers are plain threads."""

    def __init__(self, options: Options, context: RoomContext) -> None:
        self._options = options
        self._url = context.secret(options.url)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: Thread | None = None
        self._connection: Client | None = None

    def publish(self, events: Sequence[ChangeEvent]) -> Sequence[int]:
        """Tell these up to the first that fails. Later if the server took none of them."""
        _required()
        event_ids: list[int] = []
        try:
            self._run(self._tell(events, event_ids))
        except Exception as error:  # noqa: BLE001 sorted below; what was stored stays told
            self.close()
            if not event_ids:
                raise _reason(error, self._options) from None
        return event_ids

    def check(self) -> Sequence[Finding]:
        """The server is reached; a stream that is not there yet is made with the first event, not now."""
        _required()
        try:
            detail = self._run(self._looked())
        except Exception as error:  # noqa: BLE001 sorted below
            self.close()
            raise _reason(error, self._options) from None
        self.close()
        return [Finding(level="ok", what="NATS", detail=detail)]

    def close(self) -> None:
        """Give back the connection and the thread."""
        loop, thread = self._loop, self._thread
        if loop is None or thread is None:
            return
        self._run(self._end())
        self._loop = self._thread = None
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()

    def _run(self, work: Coroutine[Any, Any, Answer]) -> Answer:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = Thread(target=self._loop.run_forever, name="careloom-nats", daemon=True)
            self._thread.start()
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _tell(self, events: Sequence[ChangeEvent], event_ids: list[int]) -> None:
        """One after the other: a later event of a record must never be stored without the earlier one."""
        stream = (await self._connected()).jetstream()
        for event in events:
            message = orjson.dumps(as_message(event))
            answer = await stream.publish(
                self._options.subject,
                message,
                timeout=ANSWER_SECONDS,
                stream=self._options.stream,
                headers={"Nats-Msg-Id": message_id(event, message)},
            )
            # "I have that already" is believed once what the server has is seen to be this.
            if answer.duplicate and not await self._keeps(answer.seq, message):
                raise Later(
                    "NATS takes a change event for another one that it keeps; it is published again later", after=150.0
                )
            event_ids.append(event.id)

    async def _keeps(self, sequence: int, message: bytes) -> bool:
        """Whether the message of that number is this one. Not, where it is gone or may not be read: telling again is safe."""
        from nats.js.errors import APIError  # noqa: PLC0415 optional dependency

        try:
            stored_message = await (await self._connected()).jetstream().get_msg(self._options.stream, sequence)
        except APIError:
            return False
        return stored_message.data == message

    async def _looked(self) -> str:
        from nats.js.errors import NotFoundError  # noqa: PLC0415 optional dependency

        connection = self._connection or await self._linked()
        try:
            info = await connection.jetstream(timeout=ANSWER_SECONDS).stream_info(self._options.stream)
        except NotFoundError:
            return f"reached; the stream {self._options.stream} is made with the first event"
        if self._options.subject not in (info.config.subjects or ()):
            return f"reached; the stream {self._options.stream} is there"
        return f"reached; the stream {self._options.stream} keeps {self._options.subject}"

    async def _connected(self) -> Client:
        from nats.js.errors import NotFoundError  # noqa: PLC0415 optional dependency

        if self._connection is not None:
            return self._connection
        connection = await self._linked()
        manager = connection.jetstream(timeout=ANSWER_SECONDS)
        try:
            await manager.stream_info(self._options.stream)
        except NotFoundError:
            await manager.add_stream(name=self._options.stream, subjects=[self._options.subject])
        return connection

    async def _linked(self) -> Client:
        from nats.aio.client import Client  # noqa: PLC0415 optional dependency

        connection = self._connection = (
            Client()
        )  # kept before it is connected, so that a half-made one is closed as well
        await connection.connect(
            self._url,
            allow_reconnect=False,  # the outbox tries again; a client that waits would hold it up
            max_reconnect_attempts=1,  # it counts first attempts too
            reconnect_time_wait=0,
            connect_timeout=CONNECT_SECONDS,
            error_cb=_unheard,
        )
        return connection

    async def _end(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(Exception):  # the client cannot close what never got as far as a socket
                await connection.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)  # a broken transport closes its socket in the loop's next turn


def message_id(event: ChangeEvent, message: bytes) -> str:
    """What tells repetitions of an event from other events, in whatever database.

    Numbers of events begin anew in each database, and repeat in one that was restored. What an event says does not: a random
    id of the record, and a time in microseconds.
    """
    return "changes:" + hashlib.sha256(str(event.id).encode() + b"|" + message).hexdigest()


async def _unheard(_error: Exception) -> None:
    """The client would log what it also raises, with the address in it."""


def _required() -> None:
    try:
        import nats  # noqa: F401, PLC0415 optional dependency
    except ImportError:
        raise Fix("telling changes to NATS needs one more package: python -m pip install 'careloom[nats]'") from None


def _reason(error: Exception, options: Options) -> CareloomError:
    """What to do next; the client's own text is left out, as it may hold the address."""
    from nats.errors import AuthorizationError  # noqa: PLC0415 optional dependency
    from nats.js.errors import BadRequestError, NoStreamResponseError  # noqa: PLC0415 optional dependency

    if isinstance(error, CareloomError):
        return error
    if isinstance(error, AuthorizationError) or "authorization violation" in str(error).lower():
        return NotPermitted("NATS refuses the user, password or token in its url: correct it")
    if isinstance(error, BadRequestError | NoStreamResponseError):
        return Fix(
            f"NATS keeps no {options.subject} in the stream {options.stream}: add the subject to that stream, "
            "or name the stream that has it"
        )
    if isinstance(error, ValueError) or "invalid connect url" in str(error):
        return Fix("NATS: its url cannot be read; write nats://HOST:PORT")
    return Later(f"NATS took no change events ({type(error).__name__}); they are published later")
