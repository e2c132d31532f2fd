"""Serving the application in this process until it is asked to stop."""

from __future__ import annotations

import resource
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event
from types import FrameType

import uvicorn
from fastapi import FastAPI

from careloom.core.errors import UsageFault
from careloom.web.connection import connection_in
from careloom.web.connection_limit import MOST, MOST_OF_A_CLIENT, Crowd

GRACE = 8
"""Seconds that requests under way have to end: Cloud Run kills after ten."""
FILES = 4096
"""Open files that are asked for, so that connections do not run out of them first; many systems give 1,024 unasked."""
_BACKLOG = 1024


def listener(host: str, port: int) -> socket.socket:
    """A socket that listens; port 0 takes a free one. UsageFault if the address is taken or not ours."""
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
    except OSError as error:
        sock.close()
        raise UsageFault(f"cannot listen on {host}:{port} ({error.strerror}); choose another with --port") from None
    sock.listen(_BACKLOG)
    return sock


class _Server(uvicorn.Server):
    """uvicorn's server; it says when it answers, and passes on at once that it was asked to stop."""

    answers: Callable[[], None] = staticmethod(lambda: None)
    stopping: Event

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer, then say so."""
        await super().startup(sockets)
        self.answers()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop: scans and workers too, at their next checkpoint."""
        self.stopping.set()
        super().handle_exit(sig, frame)


def serve(app: FastAPI, listening: socket.socket, stop: Event, answers: Callable[[], None] = lambda: None) -> None:
    """Answer requests until Ctrl-C or SIGTERM, which set `stop`; then end those that are under way.

    `answers` is called once requests are answered.
    """
    _ask_for_files()
    with _outliving_signals():
        server_of(app, stop, answers).run(sockets=[listening])


def server_of(app: FastAPI, stop: Event, answers: Callable[[], None] = lambda: None) -> uvicorn.Server:
    """The server, which another thread may run; it ends when its `should_exit` is set."""
    config = uvicorn.Config(
        app,
        # uvicorn's own limit would refuse everyone while one client holds all of it.
        http=connection_in(Crowd(of_a_client=0 if app.state.senders.hops else MOST_OF_A_CLIENT, capacity=MOST)),
        ws="none",
        access_log=False,
        log_level="error",
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=65,
        timeout_graceful_shutdown=GRACE,
    )
    server = _Server(config)
    server.stopping, server.answers = stop, answers
    return server


def _ask_for_files() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < limit:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))


@contextmanager
def _outliving_signals() -> Iterator[None]:
    """Uvicorn raises the signals that ended it once more when it is done: they must not end what is to be tidied up."""
    former = {number: signal.signal(number, _on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def _on_signal(_number: int, _frame: FrameType | None) -> None:
    pass
