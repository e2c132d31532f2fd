"""A server that stands in front of a simulator, or of nothing, and answers some requests in its place, or loses their answers."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import urlsplit

_UPSTREAM_SECONDS = 60.0
_HOP_BY_HOP = frozenset({"connection", "content-length", "transfer-encoding", "keep-alive"})


@dataclass(frozen=True, slots=True)
class Reply:
    """What is answered instead. A text or bytes go as they are, anything else as JSON; a function is given the request."""

    status: int
    body: Any = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GatewayRequest:
    """A request as it came."""

    method: str
    path: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


Step = Reply | Literal["pass", "cut", "lose"] | Callable[[GatewayRequest], Reply]
"""`pass`: as upstream answers. `cut`: the connection ends and nothing was done. `lose`: it was done, and the connection ends."""

HTML = Reply(200, "<html><title>Sign in to continue</title></html>", {"Content-Type": "text/html"})
"""What a gateway or a captive portal says in the API's place."""


class Gateway:
    """Answers by its steps, in order, each for one request; then it passes on, or repeats the last where it has no upstream.

    `requests`: all that came.
    """

    def __init__(self, upstream: str = "", *steps: Step) -> None:
        self.requests: list[GatewayRequest] = []
        self._upstream = urlsplit(upstream).netloc
        self._steps = deque(steps)
        self._standing: Step | None = None
        self._matches: Callable[[GatewayRequest], bool] = lambda _: True
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def play(self, *steps: Step, of: Callable[[GatewayRequest], bool] = lambda _: True) -> None:
        """Answer the next requests so; only those that `of` admits take a step, the others pass."""
        with self._lock:
            self._steps, self._standing, self._matches = deque(steps), None, of

    def always(self, step: Step) -> None:
        """Answer all requests so, until told otherwise."""
        with self._lock:
            self._steps, self._standing = deque(), step

    def heal(self) -> None:
        """Pass everything on again."""
        self.play()

    def close(self) -> None:
        """End the server."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def step_for(self, request: GatewayRequest) -> Step:
        """What is done about `request`, which is written down."""
        with self._lock:
            self.requests.append(request)
            if self._standing is not None:
                return self._standing
            if not self._matches(request) or not self._steps:
                return "pass"
            if len(self._steps) == 1 and not self._upstream:
                return self._steps[0]
            return self._steps.popleft()

    def ask_upstream(self, request: GatewayRequest) -> Reply:
        """What upstream answers."""
        connection = HTTPConnection(self._upstream, timeout=_UPSTREAM_SECONDS)
        try:
            connection.request(request.method, request.path, request.body or None, dict(request.headers))
            return _reply(connection.getresponse())
        finally:
            connection.close()


def _reply(response: HTTPResponse) -> Reply:
    headers = {name: value for name, value in response.getheaders() if name.lower() not in _HOP_BY_HOP}
    return Reply(response.status, response.read(), headers)


def _handler(gateway: Gateway) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = 65_536

        def _answer(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            request = GatewayRequest(self.command, self.path, dict(self.headers.items()), self.rfile.read(length))
            step = gateway.step_for(request)
            try:
                reply = step if isinstance(step, Reply) else self._reply_to(step, request)
            except OSError:  # upstream cut the connection, so this does too
                reply = None
            if reply is None:
                self.close_connection = True
                return
            self._send(reply)

        def _reply_to(self, step: Step, request: GatewayRequest) -> Reply | None:
            if step == "cut":
                return None
            if callable(step):
                return step(request)
            reply = gateway.ask_upstream(request)
            return None if step == "lose" else reply

        def _send(self, reply: Reply) -> None:
            body = reply.body.encode() if isinstance(reply.body, str) else reply.body
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response_only(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815 (names of the standard library)

        def log_message(self, *_: object) -> None: ...

    return Handler
