"""The endpoints, from a request to the bytes of its answer: Basic authentication, XML unless JSON is asked for, always 200."""

from __future__ import annotations

import textwrap
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

import orjson

from careloom.systems.collaboratemd.simulator.runs import Said, Service
from careloom.systems.collaboratemd.simulator.settings import Settings

_NAMESPACE = "http://www.collaboratemd.com/api/v1/"
_XML, _JSON = "application/xml", "application/json"
_LINE = 76


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request. `customers`: those named in the query, in its order."""

    method: str
    path: str
    headers: Mapping[str, str]
    customers: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A response. `cut`: how the connection breaks, "before" or "within" it."""

    status: int
    body: bytes = b""
    kind: str = "text/plain"
    cut: str = ""


def answer(service: Service, asked: Asked) -> Answer:
    """Answer one request."""
    with service.lock:
        if not _may(service.settings, asked.headers.get("authorization", "")):
            service.calls["401"] += 1
            return Answer(status=401, body=b"Unauthorized")
        form = _form(asked.headers.get("accept", ""))
        if form is None:
            service.calls["415"] += 1
            return Answer(status=415, body=b"Unsupported Media Type")
        said = _said(service, asked)
        if isinstance(said, Answer):
            return said
        body = _xml(said, service.settings) if form == _XML else _json(said, service.settings)
        return Answer(status=200, body=body, kind=form, cut=said.cut)


def _may(settings: Settings, authorization: str) -> bool:
    kind, _, coded = authorization.partition(" ")
    try:
        username, _, password = b64decode(coded, validate=True).decode("latin-1").partition(":")
    except Base64Error:
        return False
    return kind == "Basic" and settings.username in {"", username} and password == settings.password


def _form(accept: str) -> str | None:
    """XML where nothing, or anything, is accepted; None where it is neither of the two."""
    kinds = [part.partition(";")[0].strip().lower() for part in accept.split(",")]
    if _XML in kinds or kinds == [""] or "*/*" in kinds:
        return _JSON if _JSON in kinds and kinds.index(_JSON) == 0 else _XML
    return _JSON if _JSON in kinds else None


def _said(service: Service, asked: Asked) -> Said | Answer:
    parts = asked.path.strip("/").split("/")
    name, said = "", None
    match parts:
        case ["v1", "customer", account, "reports", "results", identifier]:
            name, said = "results", lambda: service.results([account], identifier, bulk=False)
        case ["v1", "customer", account, "reports", report, "filter", filter_, "run"]:
            name, said = "run", lambda: service.run([account], report, filter_, bulk=False)
        case ["v1", "reports", "results", identifier]:
            name, said = "bulk results", lambda: service.results([], identifier, bulk=True)
        case ["v1", "reports", report, "filter", filter_, "run"]:
            name, said = "bulk run", lambda: service.run(asked.customers, report, filter_, bulk=True)
    if said is None:
        return Answer(status=404, body=b"Not Found")
    if asked.method != "POST":
        return Answer(status=405, body=b"Method Not Allowed")
    service.calls[name] += 1
    return said()


def _data(said: Said, settings: Settings) -> str | None:
    if said.data is None:
        return None
    coded = b64encode(said.data).decode("ascii")
    if said.bad_base64:
        coded = f"{coded[:40]}*{coded[41:]}"
    return "\r\n".join(textwrap.wrap(coded, _LINE)) if settings.wrap else coded


def _xml(said: Said, settings: Settings) -> bytes:
    """`Data` stands in no namespace, its neighbours in theirs, as the real service has it."""
    data = _data(said, settings)
    parts = [
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n',
        f'<ns2:{"ReportResults" if said.identifier is None else "ReportRequest"} xmlns:ns2="{_NAMESPACE}">',
        f"<ns2:Status>{said.status}</ns2:Status><ns2:StatusMessage>{escape(said.message)}</ns2:StatusMessage>",
        f"<ns2:Identifier>{said.identifier}</ns2:Identifier>" if said.identifier is not None else "",
        f"<Data>{data}</Data>" if data is not None else "",
        f"</ns2:{'ReportResults' if said.identifier is None else 'ReportRequest'}>",
    ]
    return "".join(parts).encode()


def _json(said: Said, settings: Settings) -> bytes:
    members: dict[str, str | int] = {"Status": said.status, "StatusMessage": said.message}
    if said.identifier is not None:
        members["Identifier"] = said.identifier
    data = _data(said, settings)
    if data is not None:
        members["Data"] = data
    body = orjson.dumps(members)
    return body.replace(b"/", b"\\/").replace(b"+", b"\\u002b") if settings.escape else body
