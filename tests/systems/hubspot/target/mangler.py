"""A server between the target and its portal that spoils answers: each in one of the ways in which answers go wrong."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from hang import HANG

HTML = b"<html><body>We are down for maintenance</body></html>"
Spoilt = tuple[int, Mapping[str, str], bytes]
Spoil = Callable[[int, bytes], Spoilt]


def _reply_with(status: int, body: bytes = b"", **headers: str) -> Spoil:
    header_values = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _status, _body: (status, header_values, body)


def _json(status: int, body: object) -> Spoil:
    return _reply_with(status, json.dumps(body).encode())


def _bent(change: Callable[[Any], Any]) -> Spoil:
    """The true answer, changed; an answer without a body, or another than a list of results, becomes an empty list."""

    def spoil(status: int, body: bytes) -> Spoilt:
        parsed = json.loads(body) if body else {}
        if "results" not in parsed:
            return status if status != 204 else 200, {}, b"[]"
        return status, {}, json.dumps(change(parsed)).encode()

    return spoil


def _change_each(change: Callable[[Any], Any]) -> Spoil:
    """Each result changed; where there is none, one that is none."""
    return _bent(lambda body: body | {"results": [change(result) for result in body["results"]] or [None]})


SPOILS: Mapping[str, Spoil] = {
    "an HTML page": _reply_with(200, HTML, content_type="text/html"),
    "an HTML page with 201": _reply_with(201, HTML),
    "an empty body": _reply_with(200),
    "202 and nothing": _reply_with(202),
    "an empty object": _json(200, {}),
    "a list": _json(200, []),
    "null": _json(200, None),
    "a text": _json(200, "ok"),
    "a number": _json(200, 7),
    "true": _reply_with(200, b"true"),
    "XML": _reply_with(200, b"<?xml version='1.0'?><ok/>"),
    "an error with 200": _json(200, {"error": "internal"}),
    "another server's success": _json(200, {"data": [], "meta": {}}),
    "half of the body": lambda status, body: (status if status != 204 else 200, {}, body[: len(body) // 2]),
    "JSON as a text": lambda _status, body: (200, {}, json.dumps(body.decode()).encode()),
    "UTF-16": lambda _status, body: (200, {}, body.decode().encode("utf-16")),
    "a body that says it is gzip": lambda _status, body: (200, {"content-encoding": "gzip"}, body or b"x"),
    "less than its length": lambda _status, body: (200, {"content-length": str(len(body) + 9)}, body),
    "no results": _bent(lambda body: {name: value for name, value in body.items() if name != "results"}),
    "results that are null": _bent(lambda body: body | {"results": None}),
    "results in an object": _bent(lambda body: body | {"results": {"items": body["results"]}}),
    "results as a text": _bent(lambda body: body | {"results": "none"}),
    "the results alone": lambda _status, body: (
        200,
        {},
        json.dumps(json.loads(body or b"{}").get("results", [])).encode(),
    ),
    "results that are texts": _change_each(lambda _one: "record"),
    "results that are null each": _change_each(lambda _one: None),
    "results that are lists": _change_each(lambda one: [one]),
    "302": _reply_with(302, HTML, location="https://login.example/"),
    "307 to itself": _reply_with(307, location="/"),
    "an HTML 404": _reply_with(404, HTML),
    "another server's 404": _json(404, {"detail": "Not Found"}),
    "an empty 404": _reply_with(404),
    "another server's 400": _json(400, {"error": "bad request"}),
    "an HTML 400": _reply_with(400, HTML),
    "an HTML 403": _reply_with(403, HTML),
    "an HTML 405": _reply_with(405, HTML),
    "an HTML 409": _reply_with(409, HTML),
    "502": _reply_with(502, HTML),
}
"""Ways in which any answer goes wrong."""

RECORDS: Mapping[str, Spoil] = {
    "204 and nothing": _reply_with(204),
    "records without an id": _change_each(
        lambda one: {name: value for name, value in (one or {}).items() if name != "id"}
    ),
    "records without properties": _change_each(lambda one: {"id": (one or {}).get("id", "1")}),
    "ids that are objects": _change_each(lambda one: (one or {}) | {"id": {"value": 1}}),
    "values that are numbers": _change_each(lambda one: (one or {"id": "1"}) | {"properties": {"email": 7}}),
    "values that are objects": _change_each(
        lambda one: (one or {"id": "1"}) | {"properties": {"email": {"value": "x"}}}
    ),
    "moments that are none": _change_each(
        lambda one: (one or {"id": "1", "properties": {}}) | {"updatedAt": "yesterday"}
    ),
    "a batch that is pending": _bent(lambda body: body | {"results": [], "status": "PENDING"}),
}
"""Ways in which an answer that holds records goes wrong."""

PAGES: Mapping[str, Spoil] = {
    "a next page without after": _bent(lambda body: body | {"paging": {"next": {}}}),
    "paging as a text": _bent(lambda body: body | {"paging": "next"}),
    "paging as a list": _bent(lambda body: body | {"paging": []}),
    "a next page that is a text": _bent(lambda body: body | {"paging": {"next": "2"}}),
    "a next page that is this one": _bent(lambda body: body | {"paging": {"next": {"after": "0"}}}),
}
"""Ways in which a page goes wrong."""


@dataclass
class Mangler:
    """Hands requests on to `beyond` and spoils the answers to those that fit `method` and `match`.

    `only` (from 1) spoils just that one of them. `applied`: the portal does what it is asked before its answer is spoilt.
    """

    beyond: str
    url: str = ""
    method: str = ""
    match: str = ""
    spoil: Spoil | None = None
    only: int = 0
    applied: bool = True
    fitting: int = 0
    spoilt: int = 0
    lock: Any = field(default_factory=threading.Lock)

    def arm(self, method: str, match: str, spoil: Spoil, *, only: int = 0, applied: bool = True) -> None:
        self.method, self.match, self.spoil, self.only, self.applied = method, match, spoil, only, applied
        self.fitting = self.spoilt = 0

    def disarm(self) -> None:
        self.spoil = None

    def strikes(self, method: str, path: str) -> Spoil | None:
        with self.lock:
            if self.spoil is None or method != self.method or self.match not in path:
                return None
            self.fitting += 1
            if self.only and self.fitting != self.only:
                return None
            self.spoilt += 1
            return self.spoil


def _handler(mangler: Mangler) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = 65_536

        def _pass(self) -> None:
            raw = self.rfile.read(int(self.headers.get("content-length") or 0))
            spoil = mangler.strikes(self.command, self.path)
            status, body = (
                self._beyond(raw) if spoil is None or mangler.applied else (200, b'{"status":"COMPLETE","results":[]}')
            )
            headers: Mapping[str, str] = {}
            if spoil is not None:
                status, headers, body = spoil(status, body)
            self.send_response_only(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if "content-length" not in headers and status != 204:
                self.send_header("content-length", str(len(body)))
            self.end_headers()
            if status != 204:
                self.wfile.write(body)
            self.close_connection = "content-length" in headers

        def _beyond(self, raw: bytes) -> tuple[int, bytes]:
            address = urlsplit(mangler.beyond)
            connection = HTTPConnection(address.hostname or "", address.port, timeout=HANG)
            try:
                kept = {name: value for name, value in self.headers.items() if name.lower() != "accept-encoding"}
                connection.request(self.command, self.path, raw or None, kept)
                answer = connection.getresponse()
                return answer.status, answer.read()
            finally:
                connection.close()

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _pass  # noqa: N815 - names of the standard library

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


@contextmanager
def mangling(beyond: str) -> Iterator[Mangler]:
    mangler = Mangler(beyond)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(mangler))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    mangler.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield mangler
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
