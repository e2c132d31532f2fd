"""The endpoints, from a request to the bytes of its answer: Basic authentication, XML unless JSON is asked for, always 200."""

from __future__ import annotations

import textwrap
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from xml.sax.saxutils import escape

import orjson

from careloom.systems.collaboratemd.simulator.runs import Reply, Service
from careloom.systems.collaboratemd.simulator.settings import Settings
from careloom.vendor_kit.simulator.app import Request, Response

_NAMESPACE = "http://www.collaboratemd.com/api/v1/"
_XML, _JSON = "application/xml", "application/json"
_LINE = 76
_PAGE = b"<!DOCTYPE html><html><head><title>Maintenance</title></head><body><br>Back soon</body></html>"


def answer(service: Service, request: Request) -> Response:
    """Answer one request."""
    with service.lock:
        if not _may(service.settings, request.authorization):
            service.calls["401"] += 1
            return _plain(401, b"Unauthorized")
        form = _form(request.headers.get("accept", ""))
        if form is None:
            service.calls["415"] += 1
            return _plain(415, b"Unsupported Media Type")
        reply = _reply(service, request)
        if isinstance(reply, Response):
            return reply
        body = _xml(reply, service.settings) if form == _XML else _json(reply, service.settings)
        return Response(status=200, body=body, headers={"content-type": form}, disconnect=reply.disconnect)


def gateway_page(status: int) -> Response:
    """A failure on demand: 0 closes the connection, 200 is a page of a gateway, anything else a status with one."""
    if status == 0:
        return Response(status=500, disconnect="before")
    return Response(status=status, body=_PAGE, headers={"content-type": "text/html"})


def _plain(status: int, body: bytes) -> Response:
    return Response(status=status, body=body, headers={"content-type": "text/plain"})


def _may(settings: Settings, authorization: str) -> bool:
    kind, _, credentials = authorization.partition(" ")
    try:
        username, _, password = b64decode(credentials, validate=True).decode("latin-1").partition(":")
    except Base64Error:
        return False
    return kind == "Basic" and settings.username in {"", username} and password == settings.password


def _form(accept: str) -> str | None:
    """XML where nothing, or anything, is accepted; None where it is neither of the two."""
    kinds = [part.partition(";")[0].strip().lower() for part in accept.split(",")]
    if _XML in kinds or kinds == [""] or "*/*" in kinds:
        return _JSON if _JSON in kinds and kinds.index(_JSON) == 0 else _XML
    return _JSON if _JSON in kinds else None


def _reply(service: Service, request: Request) -> Reply | Response:
    parts = request.path.strip("/").split("/")
    name, act = "", None
    match parts:
        case ["v1", "customer", account, "reports", "results", identifier]:
            name, act = "results", lambda: service.results([account], identifier, bulk=False)
        case ["v1", "customer", account, "reports", report, "filter", filter_, "run"]:
            name, act = "run", lambda: service.run([account], report, filter_, bulk=False)
        case ["v1", "reports", "results", identifier]:
            name, act = "bulk results", lambda: service.results([], identifier, bulk=True)
        case ["v1", "reports", report, "filter", filter_, "run"]:
            name, act = (
                "bulk run",
                lambda: service.run(
                    [value for name, value in request.parameters if name == "customer"], report, filter_, bulk=True
                ),
            )
    if act is None:
        return _plain(404, b"Not Found")
    if request.method != "POST":
        return _plain(405, b"Method Not Allowed")
    service.calls[name] += 1
    return act()


def _data(reply: Reply, settings: Settings) -> str | None:
    if reply.data is None:
        return None
    text = b64encode(reply.data).decode("ascii")
    if reply.bad_base64:
        text = f"{text[:40]}*{text[41:]}"
    return "\r\n".join(textwrap.wrap(text, _LINE)) if settings.wrap else text


def _xml(reply: Reply, settings: Settings) -> bytes:
    """`Data` stands in no namespace, its neighbours in theirs, as the real service has it."""
    data = _data(reply, settings)
    parts = [
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n',
        f'<ns2:{"ReportResults" if reply.identifier is None else "ReportRequest"} xmlns:ns2="{_NAMESPACE}">',
        f"<ns2:Status>{reply.status}</ns2:Status><ns2:StatusMessage>{escape(reply.message)}</ns2:StatusMessage>",
        f"<ns2:Identifier>{reply.identifier}</ns2:Identifier>" if reply.identifier is not None else "",
        f"<Data>{data}</Data>" if data is not None else "",
        f"</ns2:{'ReportResults' if reply.identifier is None else 'ReportRequest'}>",
    ]
    return "".join(parts).encode()


def _json(reply: Reply, settings: Settings) -> bytes:
    members: dict[str, str | int] = {"Status": reply.status, "StatusMessage": reply.message}
    if reply.identifier is not None:
        members["Identifier"] = reply.identifier
    data = _data(reply, settings)
    if data is not None:
        members["Data"] = data
    body = orjson.dumps(members)
    return body.replace(b"/", b"\\/").replace(b"+", b"\\u002b") if settings.escape else body
