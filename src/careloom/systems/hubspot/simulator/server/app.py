"""The HTTP side of the portal: what every request goes through before and after its endpoint."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Iterable
from urllib.parse import parse_qs, unquote

from careloom.systems.hubspot.simulator.endpoints.request import Request
from careloom.systems.hubspot.simulator.portal import import_run
from careloom.systems.hubspot.simulator.portal.portal import Portal
from careloom.systems.hubspot.simulator.responses import RefusalError, Response
from careloom.systems.hubspot.simulator.server import access, control
from careloom.systems.hubspot.simulator.server.routes import Route, resolve
from careloom.systems.hubspot.simulator.settings import Token
from careloom.vendor_kit.simulator.server import Receive, Scope, Send, body_of

CONTROL = "/__sim"
_HTML_404 = b"<!DOCTYPE html><html><head><title>404 Not Found</title></head><body><h1>404 Not Found</h1></body></html>"


class App:
    """The ASGI application. `cut_connection` closes a request's socket without an answer.

    `has_control`: whether the control endpoints answer, which only a server on the loopback may allow.
    """

    def __init__(
        self, portal: Portal, cut_connection: Callable[[Scope], Awaitable[None]], *, has_control: bool
    ) -> None:
        self.portal = portal
        self.has_control = has_control
        self.cut_connection = cut_connection

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        raw = await body_of(receive)
        path = scope["path"]
        if path == CONTROL or path.startswith(CONTROL + "/"):
            await _send(send, self._control(scope, path, raw), ())
            return
        counts = self.portal.counts
        counts.begin()
        try:
            await self._serve_request(scope, raw, send)
        finally:
            counts.at_once -= 1

    async def _serve_request(self, scope: Scope, raw: bytes, send: Send) -> None:
        portal, method, path = self.portal, scope["method"], scope["path"]
        stroke = portal.faults.stroke(portal.settings, method, path, portal.now_ms())
        target = resolve(method, scope["raw_path"].decode("latin-1"))
        if stroke.disconnect != "before":
            answer, headers = await self._answer(scope, target, raw, stroke.answer, stroke.delay_ms)
        route = target[0] if target else None
        template, writes = (route.template, route.writes) if route else ("(no such path)", False)
        portal.counts.note(method, template, _objects(portal, target), writes=writes)
        if stroke.disconnect:
            portal.counts.disconnects += 1
            await self.cut_connection(scope)
            return
        portal.counts.by_status[str(answer.status)] += 1
        await _send(send, answer, headers)

    async def _answer(
        self,
        scope: Scope,
        target: tuple[Route, str, list[str]] | None,
        raw: bytes,
        fault_answer: Response | None,
        more_ms: float,
    ) -> tuple[Response, Iterable[tuple[str, str]]]:
        portal = self.portal
        headers: Iterable[tuple[str, str]] = ()
        answer = fault_answer
        try:
            if answer is None and target is not None:
                name, token = access.token_of(portal.settings, _header(scope, b"authorization"))
                headers, answer = portal.limits.admit(portal.settings, name, portal.now_ms(), search=target[0].searches)
            await _wait(portal.settings.latency_ms + more_ms)
            if answer is None:
                answer = self._handle(scope, target, raw, (name, token)) if target is not None else _unknown_route()
        except RefusalError as refusal:
            await _wait(portal.settings.latency_ms if answer is None and refusal.status == 401 else 0)  # noqa: PLR2004
            answer = Response(refusal.status, refusal.body(), refusal.headers)
        return answer, headers

    def _handle(
        self, scope: Scope, target: tuple[Route, str, list[str]], raw: bytes, bearer: tuple[str, Token]
    ) -> Response:
        route, version, places = target
        request = Request(
            portal=self.portal,
            method=scope["method"],
            version=version,
            places=[unquote(place) for place in places],
            query=parse_qs(scope["query_string"].decode(), keep_blank_values=True),
            raw=raw,
            token=bearer[1],
            token_name=bearer[0],
            content_type=_header(scope, b"content-type"),
            base_url=f"http://{_header(scope, b'host')}",
            path=scope["path"],
        )
        import_run.settle(self.portal)
        access.check(request, route)
        return route.handler(request)

    def _control(self, scope: Scope, path: str, raw: bytes) -> Response:
        if not self.has_control:
            return Response(403, {"status": "error", "message": "control endpoints answer on the loopback only"})
        query = parse_qs(scope["query_string"].decode())
        return control.answer(self.portal, scope["method"], path, query, raw)


def _unknown_route() -> Response:
    return Response(404, _HTML_404, (("content-type", "text/html;charset=utf-8"),))


def _objects(portal: Portal, target: tuple[Route, str, list[str]] | None) -> dict[str, str]:
    """The objects that a path names, by their own names, so that counts do not depend on how they were spelled."""
    if target is None:
        return {}
    places = [part for part in target[0].pattern if part.startswith("{")]
    objects: dict[str, str] = {}
    for place, value in zip(places, target[2], strict=True):
        if place.endswith("bjectType}"):
            object_id = portal.spellings.get(value)
            objects[place] = portal.tables[object_id].kind.name if object_id else value
    return objects


async def _wait(milliseconds: float) -> None:
    if milliseconds > 0:
        await asyncio.sleep(milliseconds / 1000)


def _header(scope: Scope, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")


async def _send(send: Send, answer: Response, headers: Iterable[tuple[str, str]]) -> None:
    body = answer.content()
    correlation = answer.body.get("correlationId") if isinstance(answer.body, dict) else None
    correlation = correlation or str(uuid.uuid4())
    headers_ = {
        "content-type": "application/json;charset=utf-8",
        "content-length": str(len(body)),
        "x-hubspot-correlation-id": correlation,
        "x-trace": f"2B{correlation.replace('-', '').upper()}000000000000000000",
        **dict(headers),
        **dict(answer.headers),
    }
    if answer.status == 204:  # noqa: PLR2004
        del headers_["content-type"], headers_["content-length"]
    lines = [(name.encode(), value.encode()) for name, value in headers_.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": lines})
    await send({"type": "http.response.body", "body": body})
