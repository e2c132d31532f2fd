"""Change events to a JetStream stream: each is stored by the server before the next one is sent."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING, Any, TypeVar

import orjson
from pydantic import BaseModel, ConfigDict, Field

from careloom.core.change_message import as_message
from careloom.core.errors import CareloomError, Fix, Later, NotPermitted
from careloom.core.hooks import ChangeEvent
from careloom.core.rooms import Room, Surroundings

if TYPE_CHECKING:
    from nats.aio.client import Client

CONNECT_SECONDS = 5
ANSWER_SECONDS = 10.0

Answer = TypeVar("Answer")


class Options(BaseModel):
    """A subject, and the stream that keeps it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field(min_length=1, description="nats://HOST:PORT, or secret:NAME where it holds a password or token.")
    subject: str = Field(
        default="careloom.changes",
        pattern=r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$",
        description="What to subscribe to.",
    )
    stream: str = Field(
        default="CARELOOM",
        pattern=r"^[A-Za-z0-9_-]+$",
        description="The stream that keeps the subject; made, without limits, where it is absent.",
    )


class StreamPublisher:
    """Tells by JetStream from an event loop of its own, since its callers are plain threads."""

    def __init__(self, options: Options, surroundings: Surroundings) -> None:
        self._options = options
        self._url = surroundings.secret(options.url)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: Thread | None = None
        self._connection: Client | None = None

    def publish(self, events: Sequence[ChangeEvent]) -> Sequence[int]:
        """Tell these up to the first that fails. Later if the server took none of them."""
        _required()
        told: list[int] = []
        try:
            self._run(self._tell(events, told))
        except Exception as error:  # noqa: BLE001 sorted below; what was stored stays told
            self.close()
            if not told:
                raise _reason(error, self._options) from None
        return told

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

    async def _tell(self, events: Sequence[ChangeEvent], told: list[int]) -> None:
        """One after the other: a later event of a record must never be stored without the earlier one."""
        stream = (await self._connected()).jetstream()
        for event in events:
            await stream.publish(
                self._options.subject,
                orjson.dumps(as_message(event)),
                timeout=ANSWER_SECONDS,
                stream=self._options.stream,
                headers={"Nats-Msg-Id": f"changes:{event.id}"},
            )
            told.append(event.id)

    async def _connected(self) -> Client:
        from nats.aio.client import Client  # noqa: PLC0415 optional dependency
        from nats.js.errors import NotFoundError  # noqa: PLC0415 optional dependency

        if self._connection is None:
            self._connection = Client()  # kept before it is connected, so that a half-made one is closed as well
            await self._connection.connect(
                self._url,
                allow_reconnect=False,  # the outbox tries again; a client that waits would hold it up
                max_reconnect_attempts=1,  # it counts first attempts too
                reconnect_time_wait=0,
                connect_timeout=CONNECT_SECONDS,
                error_cb=_unheard,
            )
            manager = self._connection.jetstream(timeout=ANSWER_SECONDS)
            try:
                await manager.stream_info(self._options.stream)
            except NotFoundError:
                await manager.add_stream(name=self._options.stream, subjects=[self._options.subject])
        return self._connection

    async def _end(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(Exception):  # the client cannot close what never got as far as a socket
                await connection.close()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await asyncio.sleep(0)  # a broken transport closes its socket in the loop's next turn


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

    if isinstance(error, AuthorizationError) or "authorization violation" in str(error).lower():
        return NotPermitted("NATS refuses the user, password or token in its url: correct it")
    if isinstance(error, BadRequestError | NoStreamResponseError):
        return Fix(
            f"NATS keeps no {options.subject} in the stream {options.stream}: add the subject to that stream, "
            "or name the stream that has it"
        )
    if isinstance(error, ValueError) or "invalid connect url" in str(error):
        return Fix("NATS: its url cannot be read; write nats://HOST:PORT")
    return Later(f"NATS took no change events ({type(error).__name__}); they are told later")


ROOM = Room(kind="nats", options=Options, publisher=StreamPublisher)
