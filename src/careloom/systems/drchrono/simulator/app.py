"""The HTTP side of the practice."""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qsl

import orjson

from careloom.systems.drchrono.simulator.api import Answer, Api, Request
from careloom.systems.drchrono.simulator.control import Control
from careloom.systems.simulator_kit import Receive, Scope, Send, body_of, cut, headers_of

CONTROL = "/__control__/"


class App:
    """The ASGI application. `has_control`: whether the control endpoints answer, which only the loopback may allow."""

    def __init__(self, api: Api, control: Control, *, has_control: bool) -> None:
        self.api = api
        self.control = control
        self.has_control = has_control

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        body = await body_of(receive)
        path: str = scope["path"]
        if path.startswith(CONTROL):
            name = path.removeprefix(CONTROL)
            await _send(send, self.control.answer(scope["method"], name, body) if self.has_control else Answer(403))
            return
        if self.api.fail:
            status = self.api.fail.pop(0)
            if status == 0:
                await cut(scope)
                return
            await _send(send, Answer(status, {"detail": "as told"}))
            return
        latency = self.api.clinic.settings.latency_ms
        if latency > 0:
            await asyncio.sleep(latency / 1000)
        await _send(send, self.api.answer(_request(scope, path, body)))


def _request(scope: Scope, path: str, body: bytes) -> Request:
    headers = headers_of(scope)
    is_form = headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
    return Request(
        method=scope["method"],
        path=path,
        query=dict(parse_qsl(scope["query_string"].decode("latin-1"))),
        body=body,
        authorization=headers.get("authorization", ""),
        base_url=f"http://{headers.get('host', '')}",
        form=dict(parse_qsl(body.decode("latin-1"))) if is_form else {},
    )


async def _send(send: Send, answer: Answer) -> None:
    body = b"" if answer.body is None and answer.status in {204, 302} else orjson.dumps(answer.body)
    headers = [(b"content-length", str(len(body)).encode())] if answer.status != 204 else []  # noqa: PLR2004
    if body:
        headers.append((b"content-type", b"application/json"))
    if answer.location:
        headers.append((b"location", answer.location.encode("latin-1")))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
