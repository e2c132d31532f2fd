"""What the simulators of all rooms are made of: a server that says where it is, whose sockets can be cut, and a process around it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from types import TracebackType
from typing import Any, Self

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from careloom.core.errors import UsageFault
from careloom.core.rooms import SimulatorOptions

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_BACKLOG = 1024
_LOOPBACK = ("127.", "::1", "localhost")
_CONTROL_SECONDS = 120.0


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


def check_secrets(options: SimulatorOptions, names: Sequence[str]) -> None:
    """Refuse a secret that the simulator would not look at.

    Raises:
        UsageFault: there is one.

    """
    unknown = sorted(set(options.secrets) - set(names))
    if unknown:
        raise UsageFault(f"the simulator knows no secret {unknown[0]!r}; there are: {', '.join(names)}")


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


def end_with_stdin() -> None:
    """End this process once the one that started it is gone."""

    def wait() -> None:
        while sys.stdin.buffer.read(1):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True).start()


def exit_code_of(serving: Callable[[], None]) -> int:
    """Serve, and say on stderr what cannot be served; the exit code."""
    try:
        serving()
    except UsageFault as fault:
        sys.stderr.write(f"{fault}\n")
        return fault.exit_code
    return 0


class SimulatorProcess:
    """A simulator in a process of its own, ended with the `with` block, or when the process that started it is gone.

    `package` is run by `python -m` with `arguments`; the port is chosen by the system.
    """

    package: str

    def __init__(self, *arguments: str) -> None:
        command: Sequence[str] = [sys.executable, "-m", self.package, "--port", "0", "--while-stdin", *arguments]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603 (our own module)
        self.url = self._address()

    def _address(self) -> str:
        output = self._process.stdout
        line = output.readline() if output is not None else ""
        if not line.startswith("listening on "):
            self.close()
            raise UsageFault(f"the simulator did not start (exit code {self._process.returncode})")
        return line.removeprefix("listening on ").strip()

    def ask(self, method: str, path: str, json_body: Any = None) -> Any:
        """What a control endpoint answers, parsed.

        urllib.error.HTTPError where it is refused.
        """
        data = None if json_body is None else json.dumps(json_body).encode()
        request = urllib.request.Request(self.url + path, data=data, method=method)  # noqa: S310 (our own address)
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
