"""What the target's tests stand on: a simulated portal seen through the target, and a server that says what it is told."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from careloom.core.ports import Batch, Outcome, Write
from careloom.core.rooms import RoomContext
from careloom.core.schema import ObjectDeclaration, Property
from careloom.systems.hubspot.client.http import PATIENT
from careloom.systems.hubspot.options import Options
from careloom.systems.hubspot.target.target import HubSpotTarget
from hang import HANG

KEY = "careloom_id"
VERSIONS = ("v3", "2026-03", "2026-09")


@dataclass
class Waits:
    """Stands in for sleeping: nothing waits, everything is written down."""

    seconds: list[float] = field(default_factory=list)

    def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


def open_target(
    url: str, version: str = "2026-03", *, budget: Any = None, waits: Any = None, **extra: Any
) -> HubSpotTarget:
    return HubSpotTarget(
        Options(token="secret:portal", base_url=url, version=version, **extra),
        RoomContext(
            folder=Path(), timezone=ZoneInfo("America/New_York"), secret=lambda name: "pat-test", budget=budget
        ),
        policy=replace(PATIENT, read_timeout=HANG, first_wait=0.001),
        pause=waits or Waits(),
    )


class Portal:
    """A simulated portal, with contacts that carry our key, and the target that speaks to it."""

    def __init__(self, simulator: Any, version: str = "2026-03") -> None:
        self.simulator = simulator
        simulator.control("POST", "reset", {})
        simulator.control("POST", "settings", {"search_lag": 0, "tier": "unlimited"})
        self.waits = Waits()
        self.target = open_target(simulator.url, version, waits=self.waits)
        self.target.declare(
            ObjectDeclaration(
                name="contacts",
                properties=(
                    Property(name=KEY, type="string", unique=True, label="Key", group="Careloom"),
                    Property(name="member_no", type="string", unique=True, label="Member", group="Careloom"),
                    Property(name="plan", type="enumeration", options=("gold", "silver"), group="Careloom"),
                    Property(name="file_no", type="string", label="File", group="Careloom"),
                ),
            )
        )

    def faults(self, *faults: dict[str, Any]) -> None:
        self.simulator.control("POST", "faults", {"faults": list(faults)})

    def records(self, object_: str = "contacts") -> dict[str, dict[str, Any]]:
        results = self.simulator.control("GET", f"records/{object_}")["results"]
        return {result["id"]: result["properties"] for result in results}

    def calls(self) -> int:
        return self.simulator.control("GET", "state")["total_requests"]

    def deliver(
        self, kind: Any, writes: Sequence[Write], *, key: str = KEY, object_: str = "contacts"
    ) -> list[Outcome]:
        outcomes = list(self.target.deliver(Batch(object=object_, kind=kind, key_property=key, writes=list(writes))))
        assert [outcome.key for outcome in outcomes] == [write.key for write in writes]
        return outcomes

    def people(self, count: int, first: int = 0, **extra: str) -> list[str]:
        """Ids of so many new contacts, in order."""
        outcomes = self.deliver("create", [person(number, **extra) for number in range(first, first + count)])
        assert verdicts(outcomes) == {"ok"}
        return [str(outcome.remote_id) for outcome in outcomes]


def person(number: int, **extra: str) -> Write:
    values = {KEY: f"k{number}", "email": f"p{number}@clinic.example", "firstname": f"Name{number}", **extra}
    return Write(key=f"k{number}", values=values)


def change(key: str, remote_id: str, **values: str) -> Write:
    return Write(key=key, remote_id=remote_id, values=values)


def verdicts(outcomes: Sequence[Outcome]) -> set[str]:
    return {outcome.verdict for outcome in outcomes}


# ---------------------------------------------------------------- a server that says what it is told


@dataclass
class Told:
    """What a scripted server was asked. `script`: (status, body, headers) or "cut", one for each request; the last stays."""

    url: str
    script: list[Any]
    asked: list[tuple[str, str, Any]] = field(default_factory=list)

    def next(self) -> Any:
        return self.script.pop(0) if len(self.script) > 1 else self.script[0]


@contextmanager
def script_server(*script: Any) -> Any:
    told = Told("", list(script))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = 65_536

        def _answer(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            raw = self.rfile.read(length)
            told.asked.append((self.command, self.path, json.loads(raw) if raw else None))
            said = told.next()
            if callable(said):
                said = said(told.asked[-1])
            if said == "cut":
                self.close_connection = True
                return
            status, body, *headers = said
            data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
            self.send_response_only(status)
            for name, value in (headers[0] if headers else {}).items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815 - names of the standard library

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    told.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield told
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
