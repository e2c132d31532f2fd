"""The HTTP side of the billing service."""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qsl

from careloom.systems.collaboratemd.simulator.api import Answer, Request, answer
from careloom.systems.collaboratemd.simulator.control import Control
from careloom.systems.collaboratemd.simulator.runs import Service
from careloom.systems.simulator_kit import Receive, Scope, Send, body_of, cut, headers_of

CONTROL = "/__control__/"
_PAGE = b"<!DOCTYPE html><html><head><title>Maintenance</title></head><body><br>Back soon</body></html>"


class App:
    """The ASGI application. `has_control`: whether the control endpoints answer, which only the loopback may allow."""

    def __init__(self, service: Service, control: Control, *, has_control: bool) -> None:
        self.service = service
        self.control = control
        self.has_control = has_control

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        body = await body_of(receive)
        path: str = scope["path"]
        if path.startswith(CONTROL):
            name = path.removeprefix(CONTROL)
            await _send(
                scope,
                send,
                self.control.answer(scope["method"], name, body) if self.has_control else Answer(status=403),
            )
            return
        if self.control.fail:
            await _send(scope, send, _failure(self.control.fail.pop(0)))
            return
        denial = next((status for text, status in self.control.deny.items() if text in path), None)
        if denial is not None:
            await _send(scope, send, _failure(denial))
            return
        if self.service.settings.latency_ms > 0:
            await asyncio.sleep(self.service.settings.latency_ms / 1000)
        await _send(scope, send, answer(self.service, _request(scope, path)))


def _failure(status: int) -> Answer:
    """0 closes the connection, 200 is a page of a gateway, anything else a status."""
    if status == 0:
        return Answer(status=500, disconnect="before")
    return Answer(status=status, body=_PAGE, kind="text/html")


def _request(scope: Scope, path: str) -> Request:
    query = parse_qsl(scope["query_string"].decode("latin-1"))
    return Request(
        method=scope["method"],
        path=path,
        headers=headers_of(scope),
        customers=[value for name, value in query if name == "customer"],
    )


async def _send(scope: Scope, send: Send, response: Answer) -> None:
    if response.disconnect == "before":
        await cut(scope)
        return
    headers = [(b"content-length", str(len(response.body)).encode()), (b"content-type", response.kind.encode())]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    if response.disconnect == "within":
        await send({"type": "http.response.body", "body": response.body[: len(response.body) // 2], "more_body": True})
        await cut(scope)
        return
    await send({"type": "http.response.body", "body": response.body})
