"""Starting the simulator: in this process, or in one of its own that a test or a demo talks to."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from careloom.core.errors import UsageFault
from careloom.core.rooms import SimulatorOptions
from careloom.systems.hubspot.simulator import seeding
from careloom.systems.hubspot.simulator.app import App, Scope
from careloom.systems.hubspot.simulator.portal import Portal
from careloom.systems.hubspot.simulator.settings import TIERS, Settings

_BACKLOG = 1024
_LOOPBACK = ("127.", "::1", "localhost")
_CONTROL_SECONDS = 60.0


class CuttableProtocol(HttpToolsProtocol):
    """uvicorn's protocol, with the socket within reach of the application, so that it can be cut."""

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self.scope["state"]["transport"] = self.transport


async def cut(scope: Scope) -> None:
    """Close the socket of a request at once, and wait until uvicorn knows."""
    scope["state"]["transport"].abort()
    await asyncio.sleep(0.01)


class AnnouncingServer(uvicorn.Server):
    """uvicorn's server, which says where it is once it answers."""

    announce: Callable[[], None] = staticmethod(lambda: None)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer, then say so."""
        await super().startup(sockets)
        self.announce()


def portal_of(options: SimulatorOptions) -> Portal:
    """A portal as the options ask for; UsageFault where they name what there is not."""
    name = options.tier or "enterprise"
    if name not in TIERS:
        raise UsageFault(f"there is no tier {name!r}: choose one of {', '.join(TIERS)}")
    settings = Settings(tier=TIERS[name], latency_ms=options.latency_ms)
    file = options.records

    def refill(portal: Portal) -> None:
        if file is not None:
            seeding.load(portal, portal.table("contacts"), seeding.lines(file))

    try:
        return Portal(clock=_clock(), seed=options.seed, settings=settings, refill=refill)
    except (OSError, ValueError) as error:
        raise UsageFault(f"the records cannot be read: {error}") from None


def _clock() -> Callable[[], int]:
    """Milliseconds since 1970 that never go back."""
    started, ticks = time.time_ns() // 1_000_000, time.monotonic_ns()
    return lambda: started + (time.monotonic_ns() - ticks) // 1_000_000


def serve(options: SimulatorOptions) -> None:
    """Serve the portal until interrupted; prints one line with its address once it answers."""
    app = App(portal_of(options), cut, controlled=options.host.startswith(_LOOPBACK))
    # Records live as long as the process and hold no cycles: looking through them again and again only costs.
    gc.freeze()
    gc.set_threshold(200_000, 50, 100)
    listener = socket.socket(socket.AF_INET6 if ":" in options.host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((options.host, options.port))
    listener.listen(_BACKLOG)
    host, port = listener.getsockname()[:2]
    config = uvicorn.Config(
        app,
        http=CuttableProtocol,
        ws="none",
        lifespan="off",
        loop="uvloop" if sys.platform != "win32" else "asyncio",
        access_log=False,
        log_level="error",
        server_header=False,
        date_header=True,
        backlog=_BACKLOG,
        timeout_graceful_shutdown=1,
    )
    server = AnnouncingServer(config)
    shown = f"[{host}]" if ":" in host else host
    server.announce = lambda: print(f"listening on http://{shown}:{port}", flush=True)  # noqa: T201
    try:
        with contextlib.suppress(KeyboardInterrupt):
            server.run(sockets=[listener])
    finally:
        listener.close()


class RunningSimulator:
    """A simulator in a process of its own, ended with the `with` block, or when the process that started it is gone.

    `arguments` are those of `python -m careloom.systems.hubspot.simulator`; the port is chosen by the system.
    """

    def __init__(self, *arguments: str) -> None:
        command: Sequence[str] = [sys.executable, "-m", __package__, "--port", "0", "--while-stdin", *arguments]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603 (our own module)
        self.url = self._address()

    def _address(self) -> str:
        output = self._process.stdout
        line = output.readline() if output is not None else ""
        if not line.startswith("listening on "):
            self.close()
            raise UsageFault(f"the simulator did not start (exit code {self._process.returncode})")
        return line.removeprefix("listening on ").strip()

    def control(self, method: str, path: str, json_body: Any = None) -> Any:
        """Ask a control endpoint (`path` without its /__sim/ beginning, or with it); returns the parsed answer.

        urllib.error.HTTPError where it is refused.
        """
        full = path if path.startswith("/__sim") else f"/__sim/{path.lstrip('/')}"
        data = None if json_body is None else json.dumps(json_body).encode()
        request = urllib.request.Request(self.url + full, data=data, method=method)  # noqa: S310 (our own address)
        with urllib.request.urlopen(request, timeout=_CONTROL_SECONDS) as answer:  # noqa: S310
            return json.loads(answer.read())

    def close(self) -> None:
        """End the process; harmless when called twice."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
