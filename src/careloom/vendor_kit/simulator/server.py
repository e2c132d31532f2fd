"""A simulator's server: it says where it is once it answers, and its sockets can be cut."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from careloom.core.errors import UsageFault
from careloom.core.rooms import SimulatorOptions

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_BACKLOG = 1024
_LOOPBACK = ("127.", "::1", "localhost")


class CuttableProtocol(HttpToolsProtocol):
    """uvicorn's protocol, with the socket within reach of the application, so that it can be cut."""

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self.scope["state"]["transport"] = self.transport


class AnnouncingServer(uvicorn.Server):
    """uvicorn's server, which says where it is once it answers."""

    announce: Callable[[], None] = staticmethod(lambda: None)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer, then say so."""
        await super().startup(sockets)
        self.announce()


async def cut(scope: Scope) -> None:
    """Close the socket of a request at once, and wait until uvicorn knows."""
    scope["state"]["transport"].abort()
    await asyncio.sleep(0.01)


async def body_of(receive: Receive) -> bytes:
    """A request's whole body."""
    parts: list[bytes] = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


def headers_of(scope: Scope) -> dict[str, str]:
    """A request's headers by lower-case name; of those that come twice the last."""
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


def is_local(options: SimulatorOptions) -> bool:
    """Whether only this machine can reach the simulator: elsewhere its control endpoints are shut."""
    return options.host.startswith(_LOOPBACK)


def serve_app(app: Any, options: SimulatorOptions, **settings: Any) -> None:
    """Serve an ASGI application until interrupted; prints one line with its address once it answers.

    `settings` are uvicorn's, beside those that all simulators have.
    """
    listener = _listener(options.host, options.port)
    host, port = listener.getsockname()[:2]
    config = uvicorn.Config(
        app,
        http=CuttableProtocol,
        ws="none",
        lifespan="off",
        access_log=False,
        log_level="error",
        server_header=False,
        backlog=_BACKLOG,
        timeout_graceful_shutdown=1,
        **settings,
    )
    server = AnnouncingServer(config)
    address = f"[{host}]" if ":" in host else host
    server.announce = lambda: print(f"listening on http://{address}:{port}", flush=True)  # noqa: T201
    try:
        with contextlib.suppress(KeyboardInterrupt):
            server.run(sockets=[listener])
    finally:
        listener.close()


def _listener(host: str, port: int) -> socket.socket:
    """A socket that listens; port 0 takes a free one.

    Raises:
        UsageFault: the address is taken, or not this machine's.

    """
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise UsageFault(f"cannot listen on {host}:{port} ({error.strerror}); choose another with --port") from None
    return listener
