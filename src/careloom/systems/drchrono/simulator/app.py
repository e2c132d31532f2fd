"""The HTTP side of the practice."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qsl

import orjson

from careloom.systems.drchrono.simulator.api import Answer, Api, Asked
from careloom.systems.drchrono.simulator.control import Control

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
CONTROL = "/__control__/"


class App:
    """The ASGI application. `controlled`: whether the control endpoints answer, which only the loopback may allow."""

    def __init__(self, api: Api, control: Control, *, controlled: bool) -> None:
        self.api = api
        self.control = control
        self.controlled = controlled

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        body = await _body(receive)
        path: str = scope["path"]
        if path.startswith(CONTROL):
            name = path.removeprefix(CONTROL)
            await _send(send, self.control.answer(scope["method"], name, body) if self.controlled else Answer(403))
            return
        if self.api.fail:
            status = self.api.fail.pop(0)
            if status == 0:
                scope["state"]["transport"].abort()
                await asyncio.sleep(0.01)
                return
            await _send(send, Answer(status, {"detail": "as told"}))
            return
        latency = self.api.clinic.settings.latency_ms
        if latency > 0:
            await asyncio.sleep(latency / 1000)
        await _send(send, self.api.answer(_asked(scope, path, body)))


def _asked(scope: Scope, path: str, body: bytes) -> Asked:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    is_form = headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
    return Asked(
        method=scope["method"],
        path=path,
        query=dict(parse_qsl(scope["query_string"].decode("latin-1"))),
        body=body,
        authorization=headers.get("authorization", ""),
        base_url=f"http://{headers.get('host', '')}",
        form=dict(parse_qsl(body.decode("latin-1"))) if is_form else {},
    )


async def _body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


async def _send(send: Send, answer: Answer) -> None:
    body = b"" if answer.body is None and answer.status in {204, 302} else orjson.dumps(answer.body)
    headers = [(b"content-length", str(len(body)).encode())] if answer.status != 204 else []  # noqa: PLR2004
    if body:
        headers.append((b"content-type", b"application/json"))
    if answer.location:
        headers.append((b"location", answer.location.encode("latin-1")))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
