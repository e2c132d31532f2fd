"""A service as its senders see it: a real server on a real port, over a system that exists only here."""

from __future__ import annotations

import contextlib
import hmac
import http.client
import json
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from careloom import systems as systems_package
from careloom.core.ports import Finding
from careloom.core.rooms import Room
from careloom.core.streams import Column, LinkRule, Stream
from careloom.core.webhooks import Accepted, Reading, StoredEvent, WebhookAnswer, WebhookRequest
from careloom.project.model import Landing, Project, Service
from careloom.services.session import sessions
from careloom.services.session.sessions import Session
from careloom.store.database import Store
from careloom.web import app as app_module
from careloom.web import webhooks
from careloom.web.app import make_app
from careloom.web.server import listener, server_of
from hang import HANG
from services.fake_rooms import NoOptions, Paper, make_session, project

SECRET = "invented-secret"
NOTES = Stream(
    name="session_notes",
    table="paper_notes",
    key="id",
    key_column="note_key",
    key_type="text",
    columns=(Column(name="room", paths=("room",)),),
    links=(LinkRule(column="visit_id", to="paper_visits", tiers=((("room", "room"),),)),),
)


@dataclass
class Letterbox(Paper):
    """A paper system that lets in who knows its secret; a body that says {"boom": true} makes it stumble."""

    bodies: list[bytes] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)

    def receive(self, request: WebhookRequest) -> Accepted | WebhookAnswer:
        self.addresses.append(request.url)
        if request.method == "GET":
            return WebhookAnswer(status=200, body=json.dumps({"proof": request.query.get("msg", "")}).encode())
        if not hmac.compare_digest(request.headers.get("x-secret", "").encode("latin-1"), SECRET.encode()):
            return WebhookAnswer(status=401, body=b'{"error":"bad-signature"}', reason="bad-signature")
        if request.body == b'{"boom": true}':
            raise ZeroDivisionError("Zzyzx")
        if not request.body:
            ping = "ping" if request.headers.get("x-event") == "PING" else ""
            return WebhookAnswer(status=200, body=b'{"status":"ok"}', thanks_for=ping)
        return Accepted(event_id=request.headers.get("x-id", ""), event=request.headers.get("x-event", "VISIT"))

    def read(self, event: StoredEvent) -> Reading:
        return Reading()

    def check(self) -> Sequence[Finding]:
        return ()


@dataclass(frozen=True, slots=True)
class Said:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Running:
    """A running service; `ready` is what it stands on."""

    session: Session
    port: int
    app: Any

    def ask(self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> Said:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=HANG)
        try:
            connection.request(method, path, body, dict(headers or {}))
            answer = connection.getresponse()
            return Said(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def post(self, body: bytes, id_: str = "e1", **headers: str) -> Said:
        header_values = {name.replace("_", "-"): value for name, value in headers.items()}
        values = {"X-Secret": SECRET, "X-Id": id_, "Content-Type": "application/json", **header_values}
        return self.ask("POST", "/webhooks/ehr", body, {name: value for name, value in values.items() if value})

    def raw(self, sent: bytes, patience: float = HANG) -> bytes:
        """What comes back for these bytes, until the other side ends it."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=patience) as connection:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.sendall(sent)
            content = b""
            with contextlib.suppress(ConnectionResetError):
                while more := connection.recv(65536):
                    content += more
            return content

    def kept(self) -> list[tuple[Any, ...]]:
        with self.session.store.transaction() as connection:
            return connection.execute("select event_id, body, state from inbox order by id").fetchall()


def paper_project(folder: Path, callers: tuple[str, ...] = (), audience: str | None = None) -> Project:
    made = project(folder, ["ehr"])
    notes = Landing(name="session_notes", system="ehr", stream=NOTES, file="streams/notes")
    service = Service(audience=audience, callers=callers)
    return replace(made, landings={**made.landings, "session_notes": notes}, service=service)


@contextlib.contextmanager
def serve(
    store: Store,
    made: Project,
    monkeypatch: pytest.MonkeyPatch,
    letterbox: Paper | None = None,
    environment: Mapping[str, str] | None = None,
    **extra: Any,
) -> Iterator[Running]:
    box = letterbox or Letterbox()
    values = {
        "ehr": Room(
            kind="ehr",
            options=NoOptions,
            stream_source=lambda _options, _context: box,
            webhooks=lambda _options, _context: box,
        ),
        "quiet": Room(kind="quiet", options=NoOptions),
    }
    for module in (sessions, webhooks, app_module, systems_package):
        if hasattr(module, "rooms"):
            monkeypatch.setattr(module, "rooms", lambda: values)
    session = make_session(store, made, environment)
    app = make_app(session, **extra)
    listening = listener("127.0.0.1", 0)
    up = threading.Event()
    server = server_of(app, app.state.stop, up.set)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        assert up.wait(20)
        yield Running(session, listening.getsockname()[1], app)
    finally:
        server.should_exit = True
        thread.join()
        listening.close()
