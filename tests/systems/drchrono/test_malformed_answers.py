"""What is not the API's answer is a lost answer, on every read: never absence, never an end, never a record."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from careloom.core.errors import Fix, RemoteUnavailable
from careloom.core.streams import Record
from careloom.core.tokens import Token
from careloom.systems.drchrono.client import Client
from careloom.systems.drchrono.oauth import exchange
from careloom.systems.drchrono.source import DrChronoSource
from systems.drchrono.fake_practice import CALM, MemoryTokens, context_of, options_of

Said = tuple[int, bytes]
TOKENS = {"access_token": "a", "refresh_token": "r", "expires_in": 172800}


@dataclass
class Gateway:
    """A server that gives what it is told for each address, and for `spoiled` what no API gives."""

    answers: dict[str, Any] = field(default_factory=dict)
    spoiled: str = ""
    instead: Said = (200, b"")
    url: str = ""

    def answer(self, method: str, path: str) -> Said:
        name = f"{method} {path}"
        if self.spoiled and name.startswith(self.spoiled):
            return self.instead
        found = next((body for start, body in self.answers.items() if name.startswith(start)), None)
        return (404, b'{"detail": "Not found."}') if found is None else (200, json.dumps(found).encode())


@pytest.fixture(scope="module")
def server() -> Iterator[Gateway]:
    gateway = Gateway()

    class Handler(BaseHTTPRequestHandler):
        def respond(self) -> None:
            self.rfile.read(int(self.headers.get("content-length") or 0))
            status, body = gateway.answer(self.command, self.path)
            self.send_response(status)
            if status != 204:
                self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body if status != 204 else b"")

        do_GET = do_POST = respond  # noqa: N815 (the names that the server looks for)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    gateway.url = f"http://127.0.0.1:{http.server_address[1]}"
    thread = threading.Thread(target=http.serve_forever, daemon=True)
    thread.start()
    yield gateway
    http.shutdown()
    http.server_close()
    thread.join()


VISIT = {"id": "7", "patient": 1, "scheduled_time": "2026-03-01T09:00:00", "clinical_note": {"locked": True}}
PAGE = {"previous": None, "next": None}
GOOD: dict[str, Any] = {
    "GET /api/problems?cursor=2": {**PAGE, "results": [{"id": 2, "patient": 1}]},
    "GET /api/problems?": {**PAGE, "results": [{"id": 1, "patient": 1}], "next": "/api/problems?cursor=2"},
    "GET /api/problems/1": {"id": 1, "patient": 1},
    "GET /api/patients/1": {"id": 1},
    "GET /api/appointments/7": VISIT,
    "GET /api/appointments?": {**PAGE, "results": [VISIT]},
    "GET /api/clinical_notes/7": {"appointment": "7", "patient": "1"},
    "GET /api/clinical_notes?": {**PAGE, "results": [{"appointment": "7", "patient": "1"}]},
    "GET /api/line_items?": {**PAGE, "results": [{"id": 5, "patient": 1}]},
    "GET /api/line_item_deletions?": {**PAGE, "results": []},
    "POST /api/patients_list": {"uuid": "u-1", "status": "In progress"},
    "GET /api/patients_list": {
        "status": "Complete",
        "uuid": "u-1",
        "pagination": {"count": 1, "pages": 1, "page": 1},
        "results": [{"id": 1}],
    },
    "POST /o/token/": TOKENS,
}


def source(gateway: Gateway, *, bulk: bool = False) -> DrChronoSource:
    token = Token(access="a", refresh="r", expires_at=datetime.now(UTC) + timedelta(days=1))
    options = options_of(gateway.url, bulk=bulk, floor="2026-01-01", ahead_days=0, window_days=190)
    around = context_of(MemoryTokens(token), clock=lambda: datetime(2026, 4, 1, tzinfo=UTC))
    return DrChronoSource(options, around, client=Client(options, around, policy=CALM, pause=lambda _: None))


def scanned(stream: str, since: datetime | None = None, *, bulk: bool = False) -> Callable[[Gateway], list[Record]]:
    def read(gateway: Gateway) -> list[Record]:
        pages = source(gateway, bulk=bulk).scan(stream, since)
        return [record for page in pages for record in page.records]

    return read


def fetched(stream: str, key: str) -> Callable[[Gateway], list[Record]]:
    return lambda gateway: list(source(gateway).fetch(stream, key))


def connected(gateway: Gateway) -> list[Record]:
    exchange(options_of(gateway.url), context_of(None), "http://127.0.0.1:1/back", "code")
    return []


def refreshed(gateway: Gateway) -> list[Record]:
    stale = Token(access="old", refresh="r", expires_at=datetime.now(UTC) - timedelta(days=1))
    options = options_of(gateway.url, bulk=False)
    around = context_of(MemoryTokens(stale))
    reader = DrChronoSource(options, around, client=Client(options, around, policy=CALM, pause=lambda _: None))
    return list(reader.fetch("problems", "1"))


SINCE = datetime(2026, 3, 1, tzinfo=UTC)
READS: dict[str, tuple[str, Callable[[Gateway], list[Record]]]] = {
    "a list's first page": ("GET /api/problems?page_size", scanned("problems")),
    "a list's next page": ("GET /api/problems?cursor", scanned("problems")),
    "a list of deletions": ("GET /api/line_item_deletions", scanned("line_items", SINCE)),
    "the notes of some days": ("GET /api/clinical_notes?", scanned("clinical_notes")),
    "the calendar of some days": ("GET /api/appointments?", scanned("clinical_notes")),
    "the wish for a bulk list": ("POST /api/patients_list", scanned("patients", bulk=True)),
    "a bulk list": ("GET /api/patients_list", scanned("patients", bulk=True)),
    "a record": ("GET /api/problems/1", fetched("problems", "1")),
    "a patient": ("GET /api/patients/1", fetched("patients", "1")),
    "a policy": ("GET /api/patients/1", fetched("insurance", "1:primary")),
    "a note": ("GET /api/clinical_notes/7", fetched("clinical_notes", "7")),
    "a note's appointment": ("GET /api/appointments/7", fetched("clinical_notes", "7")),
    "the first token": ("POST /o/token/", connected),
    "another token": ("POST /o/token/", refreshed),
}
HTML = b"<!doctype html><html><body>Maintenance</body></html>"
MALFORMED: dict[str, Said] = {
    "nothing": (200, b""),
    "no content": (204, b""),
    "blanks": (200, b"  \n"),
    "a page": (200, HTML),
    "a text": (200, b"OK"),
    "a JSON text": (200, b'"OK"'),
    "a number": (200, b"1"),
    "null": (200, b"null"),
    "a bare list": (200, b"[]"),
    "an empty object": (200, b"{}"),
    "half of an answer": (200, b'{"results": [{"id": 1}'),
    "a transient success": (200, b'{"success": true}'),
    "a promise": (202, b'{"status": "accepted"}'),
    "a message": (200, b'{"detail": "Please try again."}'),
    "an error as a success": (200, b'{"error": "temporarily unavailable"}'),
    "no entries": (200, b'{"results": null, "next": null}'),
    "entries that are none": (200, b'{"results": {}, "next": null}'),
    "an end that is not said": (200, b'{"results": []}'),
    "an end that is no address": (200, b'{"results": [], "next": 7}'),
    "data of nothing": (200, b'{"status": "Complete", "data": null}'),
    "a gateway's 404": (404, HTML),
    "an empty 404": (404, b""),
    "another server's 404": (404, b'{"message": "no Route matched with those values"}'),
    "a gateway's 502": (502, HTML),
}


@pytest.fixture
def gateway(server: Gateway) -> Gateway:
    server.answers, server.spoiled = GOOD, ""
    return server


@pytest.mark.parametrize("read", list(READS))
def test_each_read_works_while_the_api_answers(gateway: Gateway, read: str) -> None:
    records = READS[read][1](gateway)
    assert read in ("the first token", "a policy") or records


@pytest.mark.parametrize("answer", list(MALFORMED))
@pytest.mark.parametrize("read", list(READS))
def test_what_is_not_the_apis_answer_is_a_lost_one(gateway: Gateway, read: str, answer: str) -> None:
    gateway.spoiled, ask = READS[read]
    gateway.instead = MALFORMED[answer]
    told_by_a_server = answer == "another server's 404" and ("list" in read or "days" in read)
    with pytest.raises((Fix, RemoteUnavailable) if told_by_a_server else RemoteUnavailable) as lost:
        ask(gateway)
    assert "Maintenance" not in str(lost.value)


def test_another_record_than_the_one_asked_for_is_no_answer(gateway: Gateway) -> None:
    gateway.spoiled, gateway.instead = "GET /api/problems/1", (200, b'{"id": 2, "patient": 1}')
    with pytest.raises(RemoteUnavailable):
        source(gateway).fetch("problems", "1")


def test_only_the_apis_own_word_makes_a_record_gone(gateway: Gateway) -> None:
    gateway.spoiled, gateway.instead = "GET /api/problems/1", (404, b'{"detail": "Not found."}')
    assert [record.data for record in source(gateway).fetch("problems", "1")] == [None]


@pytest.mark.parametrize(
    "pagination",
    [{"pages": 2, "page": 1}, {"pages": True}, {"pages": "1"}, {"pages": 1, "page": 2}, {}, None],
)
def test_a_bulk_page_that_is_empty_before_the_end_or_is_another_is_no_answer(gateway: Gateway, pagination: Any) -> None:
    body = {"status": "Complete", "uuid": "u-1", "pagination": pagination, "results": []}
    gateway.spoiled, gateway.instead = "GET /api/patients_list", (200, json.dumps(body).encode())
    with pytest.raises(RemoteUnavailable):
        scanned("patients", bulk=True)(gateway)


def test_a_list_that_leads_to_itself_has_no_end(gateway: Gateway) -> None:
    body = json.dumps({"results": [], "next": "/api/problems?cursor=2"}).encode()
    gateway.spoiled, gateway.instead = "GET /api/problems?cursor", (200, body)
    with pytest.raises(RemoteUnavailable):
        scanned("problems")(gateway)
