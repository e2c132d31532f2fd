"""The practice in a box does what the vendor is known to do: access, limits, pages, lags and webhooks."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import urllib3

from careloom.systems.drchrono.simulator import RunningDrChrono
from hang import HANG

SECRET = b"sim-webhook-secret"


class Listener:
    """An address that takes webhooks as a good neighbour does; `refuse` counts down the answers that are 500."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], dict[str, Any]]] = []
        self.refuse = 0
        self.knows_secret = True
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *arguments: Any) -> None:
                pass

            def do_GET(self) -> None:
                message = parse_qs(urlsplit(self.path).query)["msg"][0].encode()
                key = SECRET if listener.knows_secret else b"other"
                proof = hmac.new(key, message, hashlib.sha256).hexdigest()
                self._answer(200, json.dumps({"secret_token": proof}).encode())

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if listener.refuse > 0:
                    listener.refuse -= 1
                    self._answer(500, b"")
                    return
                listener.got.append(({k.lower(): v for k, v in self.headers.items()}, json.loads(body)))
                self._answer(204, b"")

            def _answer(self, status: int, body: bytes) -> None:
                self.send_response(status)
                if status != 204:
                    self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/webhooks/drchrono"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    yield made
    made.server.shutdown()
    made.server.server_close()


def settled(simulator: RunningDrChrono) -> dict[str, int]:
    """The counts of webhooks once none is under way."""
    until = time.monotonic() + HANG
    while (counts := simulator.control("hooks"))["waiting"]:
        assert time.monotonic() < until, counts
        time.sleep(0.01)
    return counts


class Caller:
    """A program with a token."""

    def __init__(self, simulator: RunningDrChrono) -> None:
        self.url = simulator.url
        self.token = simulator.control("token")["access_token"]

    def __call__(self, method: str, path: str, body: Any = None, token: str | None = None) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self.token if token is None else token}"}
        raw = None if body is None else json.dumps(body)
        with urllib3.PoolManager(retries=False) as pool:
            answer = pool.request(method, self.url + path, headers=headers, body=raw, redirect=False)
        return answer.status, json.loads(answer.data) if answer.data else None


def test_calls_without_a_good_token_are_refused(simulator: RunningDrChrono) -> None:
    call = Caller(simulator)
    assert call("GET", "/api/patients", token="wrong") == (401, {"detail": "Invalid token"})
    assert call("GET", "/api/patients")[0] == 200
    simulator.control("settings", token_seconds=0)
    assert Caller(simulator)("GET", "/api/patients")[0] == 401


def test_paths_end_without_a_slash_and_appointments_want_a_time(simulator: RunningDrChrono) -> None:
    call = Caller(simulator)
    assert call("GET", "/api/patients/")[0] == 404
    assert call("GET", "/api/appointments")[0] == 400
    assert call("GET", "/api/appointments?date_range=2024-01-01/2024-12-31")[0] == 400
    assert call("GET", "/api/appointments?date_range=2024-01-01/2024-07-01")[0] == 200


def test_policies_are_shown_to_those_who_ask_for_everything(simulator: RunningDrChrono) -> None:
    call = Caller(simulator)
    plain = call("GET", "/api/patients?page_size=1")[1]["results"][0]
    whole = call("GET", "/api/patients?page_size=1&verbose=true")[1]["results"][0]
    assert "primary_insurance" in whole.keys() - plain.keys()


def test_the_tenth_call_in_a_second_and_those_beyond_the_hour_are_throttled(simulator: RunningDrChrono) -> None:
    call = Caller(simulator)
    simulator.control("settings", limited=True, secondly=1)
    assert call("GET", "/api/doctors")[0] == 429
    simulator.control("settings", secondly=1000, hourly=0)
    status, body = call("GET", "/api/doctors")
    assert status == 429
    assert "Expected available in" in body["detail"]
    simulator.control("settings", says_wait=False)
    assert call("GET", "/api/doctors")[1] == {"detail": "Request was throttled."}


def test_a_write_is_seen_after_a_while(simulator: RunningDrChrono) -> None:
    call = Caller(simulator)
    key = call("GET", "/api/patients?page_size=1")[1]["results"][0]["id"]
    simulator.control("settings", lag_seconds=3600.0)
    assert call("PATCH", f"/api/patients/{key}", {"city": "Elsewhere"}) == (204, None)
    assert call("GET", f"/api/patients/{key}")[1]["city"] != "Elsewhere"
    assert simulator.control("truth")["patients"][str(key)]["city"] == "Elsewhere"


def test_the_same_seed_invents_the_same_people() -> None:
    def names(seed: str) -> list[str]:
        with RunningDrChrono("--seed", seed, "--patients", "5") as one:
            return [p["first_name"] + p["date_of_birth"] for p in one.control("truth")["patients"].values()]

    assert names("1") == names("1") != names("2")


def test_changes_are_told_signed_and_whole(simulator: RunningDrChrono, listener: Listener) -> None:
    truth = simulator.control("truth")
    simulator.control("settings", hooks_url=listener.url)
    patient, visit, note = (next(iter(truth[table])) for table in ("patients", "appointments", "clinical_notes"))
    simulator.control("change", table="patients", key=patient, values={"city": "Elsewhere"})
    simulator.control("create", table="allergies", values={"patient": int(patient), "description": "Latex"})
    simulator.control("lock", key=note)
    simulator.control("delete", table="appointments", key=visit)
    assert settled(simulator)["delivered"] == 4
    events = {headers["x-drchrono-event"]: (headers, body) for headers, body in listener.got}
    assert set(events) == {"PATIENT_MODIFY", "PATIENT_ALLERGY_CREATE", "CLINICAL_NOTE_LOCK", "APPOINTMENT_DELETE"}
    headers, body = events["PATIENT_MODIFY"]
    assert headers["x-drchrono-signature"] == SECRET.decode()
    assert body["object"]["city"] == "Elsewhere"
    assert body["receiver"]
    assert len({headers["x-drchrono-delivery"] for headers, _ in listener.got}) == 4


def test_what_failed_is_sent_again_under_the_same_delivery(simulator: RunningDrChrono, listener: Listener) -> None:
    simulator.control("settings", hooks_url=listener.url, hour_seconds=0.02)
    listener.refuse = 3
    simulator.control("send", event="PING", body="{}", delivery="d-1")
    counts = settled(simulator)
    assert (counts["failed"], counts["delivered"]) == (3, 1)
    assert [headers["x-drchrono-delivery"] for headers, _ in listener.got] == ["d-1"]
    listener.refuse = 4
    simulator.control("send", event="PING", body="{}", delivery="d-2")
    assert settled(simulator)["given up"] == 1
    assert simulator.control("redeliver") == {"sent": 1}
    settled(simulator)
    assert listener.got[-1][0]["x-drchrono-delivery"] == "d-2"


def test_events_are_lost_repeated_and_shuffled_as_it_is_set(simulator: RunningDrChrono, listener: Listener) -> None:
    simulator.control(
        "settings", hooks_url=listener.url, drop_percent=30, repeat_percent=30, shuffle_seconds=0.3, hour_seconds=0.01
    )
    patient = next(iter(simulator.control("truth")["patients"]))
    for number in range(40):
        simulator.control("change", table="patients", key=patient, values={"nick_name": str(number)})
    counts = settled(simulator)
    assert 0 < counts["dropped"] < 40
    assert counts["repeated"] > 0
    assert len(listener.got) == 40 - counts["dropped"] + counts["repeated"]
    seen = [int(body["object"]["nick_name"]) for _, body in listener.got]
    assert seen != sorted(seen)
    assert max(Counter(headers["x-drchrono-delivery"] for headers, _ in listener.got).values()) == 2


def test_an_address_that_does_not_know_the_secret_is_told_nothing(
    simulator: RunningDrChrono, listener: Listener
) -> None:
    listener.knows_secret = False
    simulator.control("settings", hooks_url=listener.url, hour_seconds=0.01)
    assert simulator.control("handshake") == {"verified": False}
    simulator.control("send", event="PING", body="{}")
    assert settled(simulator)["given up"] == 1
    assert listener.got == []
