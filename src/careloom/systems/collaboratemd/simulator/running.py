"""Starting the simulator: in this process, or in one of its own that a test or a demo talks to."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from careloom.core.errors import UsageFault
from careloom.core.rooms import SimulatorOptions
from careloom.systems.collaboratemd.simulator.app import App
from careloom.systems.collaboratemd.simulator.control import Control
from careloom.systems.collaboratemd.simulator.runs import Service
from careloom.systems.collaboratemd.simulator.settings import Settings, change

_LOOPBACK = ("127.", "::1", "localhost")
_CONTROL_SECONDS = 120.0
_SECRETS = ("username", "password")
_READ_ONLY = frozenset({"calls", "runs", "truth"})


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


def app_of(options: SimulatorOptions, **values: Any) -> App:
    """A service as the options ask for, with settings by name; `secrets` may name username and password.

    With only a password among the secrets, any user name is let in: a project may write its own openly.
    """
    if options.tier:
        raise UsageFault("the billing service has no tiers: start it without one")
    if options.records is not None:
        raise UsageFault("the billing service invents its charges itself: start it without a file of records")
    unknown = sorted(set(options.secrets) - set(_SECRETS))
    if unknown:
        raise UsageFault(f"the simulator knows no secret {unknown[0]!r}; there are: {', '.join(_SECRETS)}")
    settings = Settings(seed=options.seed, latency_ms=options.latency_ms)
    change(settings, ({"username": ""} if options.secrets else {}) | dict(options.secrets) | values)
    service = Service(settings=settings)
    return App(service, Control(service), controlled=options.host.startswith(_LOOPBACK))


def serve(options: SimulatorOptions, **values: Any) -> None:
    """Serve the service until interrupted; prints one line with its address once it answers.

    `values` are settings by name.
    """
    app = app_of(options, **values)
    listener = socket.socket(socket.AF_INET6 if ":" in options.host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((options.host, options.port))
    listener.listen(1024)
    host, port = listener.getsockname()[:2]
    config = uvicorn.Config(
        app,
        http=CuttableProtocol,
        ws="none",
        lifespan="off",
        access_log=False,
        log_level="error",
        server_header=False,
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


class RunningCollaborateMD:
    """A simulator in a process of its own, ended with the `with` block, or when the process that started it is gone.

    `arguments` are those of `python -m careloom.systems.collaboratemd.simulator`; the port is chosen by the system.
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

    def control(self, name: str, **values: Any) -> Any:
        """Do a control command with `values`; calls, runs and truth, and settings without values, are asked for.

        urllib.error.HTTPError where it is refused.
        """
        method = "GET" if name in _READ_ONLY or (name == "settings" and not values) else "POST"
        data = json.dumps(values).encode() if method == "POST" else None
        request = urllib.request.Request(f"{self.url}/__control__/{name}", data=data, method=method)  # noqa: S310 (our own address)
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
