"""A simulator's application: a request in, a response out, with control endpoints beside the API and failures on demand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol
from urllib.parse import parse_qsl

import orjson

from careloom.vendor_kit import status
from careloom.vendor_kit.simulator.control import Control
from careloom.vendor_kit.simulator.server import Receive, Scope, Send, body_of, cut, headers_of

CONTROL = "/__control__/"
Disconnect = Literal["", "before", "within"]
"""Where a connection breaks: before the response, or within it."""
_NO_BODY = frozenset({status.NO_CONTENT, 304})


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request. Header names are lower case. `base_url`: the address under which the simulator was reached."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    parameters: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    @property
    def query(self) -> dict[str, str]:
        """The query by its names; of those that come twice the last."""
        return dict(self.parameters)

    @property
    def form(self) -> dict[str, str]:
        """The body where it is a form, else {}."""
        is_form = self.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
        return dict(parse_qsl(self.body.decode("latin-1"))) if is_form else {}

    @property
    def authorization(self) -> str:
        """The header of that name."""
        return self.headers.get("authorization", "")

    @property
    def base_url(self) -> str:
        """The address under which the simulator was reached."""
        return f"http://{self.headers.get('host', '')}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """A response. `disconnect`: the connection breaks "before" it or "within" it."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    disconnect: Disconnect = ""


def json_response(status_code: int, body: Any = None, **headers: str) -> Response:
    """`body` as JSON; None is no body."""
    content = b"" if body is None else orjson.dumps(body)
    kind = {"content-type": "application/json"} if content else {}
    return Response(status=status_code, body=content, headers={**kind, **headers})


def json_failure(status_code: int) -> Response:
    """A failure on demand of an API that speaks JSON; 0 breaks the connection."""
    if status_code == 0:
        return Response(status=500, disconnect="before")
    return json_response(status_code, {"detail": "as told"})


class Endpoints(Protocol):
    """The vendor's API."""

    def __call__(self, request: Request) -> Response:
        """Answer one request."""
        ...


class SimulatorApp:
    """The ASGI application of one simulator.

    `has_control`: whether the control endpoints answer, which only the loopback may allow. `latency_ms` is asked before each
    answer; `failure` says how a status that was asked for by control is answered.
    """

    def __init__(
        self,
        endpoints: Endpoints,
        control: Control,
        *,
        has_control: bool,
        latency_ms: Callable[[], float] = lambda: 0.0,
        failure: Callable[[int], Response] = json_failure,
    ) -> None:
        self.control = control
        self.has_control = has_control
        self._endpoints = endpoints
        self._latency_ms = latency_ms
        self._failure = failure

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        path: str = scope["path"]
        body = await body_of(receive)
        if path.startswith(CONTROL):
            await _send(scope, send, self._controlled(scope["method"], path.removeprefix(CONTROL), body))
            return
        failure = self.control.failures.next(path)
        if failure is not None:
            await _send(scope, send, self._failure(failure))
            return
        if (milliseconds := self._latency_ms()) > 0:
            await asyncio.sleep(milliseconds / 1000)
        await _send(scope, send, self._endpoints(_request(scope, path, body)))

    def _controlled(self, method: str, name: str, body: bytes) -> Response:
        if not self.has_control:
            return Response(status=status.FORBIDDEN)
        code, answer = self.control.answer(method, name, body)
        return Response(status=code, body=orjson.dumps(answer), headers={"content-type": "application/json"})


def _request(scope: Scope, path: str, body: bytes) -> Request:
    return Request(
        method=scope["method"],
        path=path,
        headers=headers_of(scope),
        parameters=tuple(parse_qsl(scope["query_string"].decode("latin-1"))),
        body=body,
    )


async def _send(scope: Scope, send: Send, response: Response) -> None:
    if response.disconnect == "before":
        await cut(scope)
        return
    lines = dict(response.headers)
    if response.status not in _NO_BODY:
        lines["content-length"] = str(len(response.body))
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in lines.items()]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    if response.disconnect == "within":
        await send({"type": "http.response.body", "body": response.body[: len(response.body) // 2], "more_body": True})
        await cut(scope)
        return
    await send({"type": "http.response.body", "body": response.body})
