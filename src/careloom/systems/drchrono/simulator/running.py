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
from careloom.systems.drchrono.simulator import seeding
from careloom.systems.drchrono.simulator.access import Access, Throttle
from careloom.systems.drchrono.simulator.api import Api
from careloom.systems.drchrono.simulator.app import App
from careloom.systems.drchrono.simulator.clinic import Clinic
from careloom.systems.drchrono.simulator.control import Control
from careloom.systems.drchrono.simulator.sending import Sender
from careloom.systems.drchrono.simulator.settings import TIERS, Settings, change

PATIENTS = 40
"""How many people the practice has when it is started without saying."""

_LOOPBACK = ("127.", "::1", "localhost")
_CONTROL_SECONDS = 120.0
_SECRETS = ("client_id", "client_secret", "webhook_secret")


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


def app_of(options: SimulatorOptions, patients: int = PATIENTS) -> App:
    """A practice as the options ask for; `secrets` may name client_id, client_secret and webhook_secret."""
    tier = options.tier or TIERS[0]
    if tier not in TIERS:
        raise UsageFault(f"there is no tier {tier!r}: choose one of {', '.join(TIERS)}")
    unknown = sorted(set(options.secrets) - set(_SECRETS))
    if unknown:
        raise UsageFault(f"the simulator knows no secret {unknown[0]!r}; there are: {', '.join(_SECRETS)}")
    if options.records is not None:
        raise UsageFault("the practice invents its people itself: start it without a file of records")
    settings = Settings(limited=tier != "unlimited", latency_ms=options.latency_ms, hooks_url=options.hooks_url)
    change(settings, dict(options.secrets))
    clinic = Clinic(settings=settings, seed=options.seed)
    seeding.seed(clinic, patients)
    sender = Sender(clinic)
    clinic.tell = sender.tell
    sender.start()
    api = Api(clinic=clinic, access=Access(settings), throttle=Throttle(settings))
    return App(api, Control(api, sender), controlled=options.host.startswith(_LOOPBACK))


def serve(options: SimulatorOptions, patients: int = PATIENTS) -> None:
    """Serve the practice until interrupted; prints one line with its address once it answers."""
    app = app_of(options, patients)
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


class RunningDrChrono:
    """A simulator in a process of its own, ended with the `with` block, or when the process that started it is gone.

    `arguments` are those of `python -m careloom.systems.drchrono.simulator`; the port is chosen by the system.
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
        """Do a control command: hooks, calls and truth are asked for, the others done with `values`.

        urllib.error.HTTPError where it is refused.
        """
        method = "GET" if name in {"hooks", "calls", "truth"} else "POST"
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
