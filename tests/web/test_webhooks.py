"""What comes to the webhooks' door: kept before it is answered, or refused in one form; never a 500 for rubbish."""

from __future__ import annotations

import gzip
import json
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from careloom.core.errors import Later
from careloom.services.landing import receive
from careloom.store.database import Store
from careloom.web import body as body_module
from careloom.web import connection, group_commit
from careloom.web.refusals import REFUSALS
from hang import HANG
from web.served import SECRET, Letterbox, Running, paper_project, serve

MEGABYTE = 1024 * 1024


def test_an_event_is_on_disk_when_its_sender_is_told_so(service: Running) -> None:
    answer = service.post(b'{"n": 1}')
    assert (answer.status, answer.json) == (200, {"status": "ok"})
    assert service.kept() == [("e1", b'{"n": 1}', "new")]


def test_a_repetition_is_thanked_for_and_kept_once_and_another_body_is_held(service: Running) -> None:
    assert [service.post(body).status for body in (b"[1]", b"[1]", b"[2]", b"[2]")] == [200] * 4
    assert [(body, state) for _, body, state in service.kept()] == [(b"[1]", "new"), (b"[2]", "held")]


def test_what_is_not_kept_is_thanked_for_only_where_its_room_says_what_it_is(service: Running) -> None:
    assert refusal(service.post(b""), 400) == "nothing-to-keep"
    assert service.post(b"", X_Event="PING").status == 200
    assert service.kept() == []


def test_two_hundred_events_at_once_are_all_kept(service: Running) -> None:
    with ThreadPoolExecutor(16) as threads:
        statuses = list(threads.map(lambda n: service.post(b"[%d]" % n, f"e{n}").status, range(200)))
    assert statuses == [200] * 200
    assert {body for _, body, _ in service.kept()} == {b"[%d]" % n for n in range(200)}


def test_a_handshake_is_answered_by_the_room_and_nothing_is_kept(service: Running) -> None:
    answer = service.ask("GET", "/webhooks/ehr?msg=one&msg=two")
    assert (answer.status, answer.json) == (200, {"proof": "two"})
    assert service.kept() == []


RUBBISH: dict[str, bytes] = {
    "no JSON": b"{",
    "nested ten thousand deep": b"[" * 10_000 + b"]" * 10_000,
    "a number of five thousand digits": b"[" + b"9" * 5_000 + b"]",
    "a NUL": b'{"name": "\\u0000"}',
    "a NUL as it is": b'{"name": "\x00"}',
    "a key twice": b'{"a": 1, "a": 2}',
    "no UTF-8": b"\xff\xfe\xfa",
    "half a character": b'"\\ud800"',
}


@pytest.mark.parametrize("what", RUBBISH)
def test_a_verified_body_is_kept_byte_for_byte_whatever_it_says(service: Running, what: str) -> None:
    assert service.post(RUBBISH[what]).status == 200
    assert service.kept() == [("e1", RUBBISH[what], "new")]


@pytest.mark.parametrize("what", RUBBISH)
def test_nothing_of_who_does_not_know_the_secret_is_kept(service: Running, what: str) -> None:
    answer = service.post(RUBBISH[what], X_Secret="guess")
    assert (answer.status, answer.json) == (401, {"error": "bad-signature"})
    assert service.post(RUBBISH[what], X_Secret="").status == 401
    assert service.kept() == []


@pytest.mark.parametrize("id_", ["", "x" * 5000, "caf\xe9\x80"])
def test_an_id_that_cannot_be_indexed_is_kept_as_its_digest(service: Running, id_: str) -> None:
    assert [service.post(b"[1]", id_).status, service.post(b"[1]", id_).status] == [200, 200]
    ((kept, _, _),) = service.kept()
    assert kept.startswith("sha256:")


def refusal(said: Any, status: int) -> str:
    assert said.status == status
    assert said.headers["content-type"] == "application/json"
    assert said.headers["x-content-type-options"] == "nosniff"
    assert said.headers["cache-control"] == "no-store"
    assert b"Traceback" not in said.body
    return str(said.json["error"])


def test_addresses_and_methods_that_there_are_not_are_refused(service: Running) -> None:
    assert refusal(service.ask("POST", "/webhooks/quiet", b"{}"), 404)
    assert refusal(service.ask("POST", "/webhooks/%00%ff", b"{}"), 404)
    assert refusal(service.ask("GET", "/nothing"), 404)
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS"):
        answer = service.ask(method, "/webhooks/ehr", b"{}", {"X-Secret": SECRET, "X-Id": "1"})
        assert refusal(answer, 405)
        assert "POST" in answer.headers["allow"]
    assert service.ask("HEAD", "/webhooks/ehr", headers={"X-Secret": SECRET, "X-Id": "1"}).status == 405
    assert service.kept() == []


@pytest.mark.parametrize("kind", ["text/html", "application/xml", "multipart/form-data; boundary=x", "json", "a" * 999])
def test_a_kind_of_content_that_no_event_has_is_refused(service: Running, kind: str) -> None:
    assert refusal(service.post(b"{}", Content_Type=kind), 415) == "wrong-content-type"
    assert service.kept() == []


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "Application/JSON", "application/fhir+json", ""])
def test_json_by_any_of_its_names_or_none_is_taken(service: Running, kind: str) -> None:
    assert service.post(b"{}", Content_Type=kind).status == 200


def test_eleven_megabytes_are_refused_however_they_come(service: Running) -> None:
    large = b"x" * (11 * MEGABYTE)
    head = f"POST /webhooks/ehr HTTP/1.1\r\nHost: x\r\nX-Secret: {SECRET}\r\nX-Id: 1\r\n".encode()
    stated = service.raw(head + b"Content-Length: 11534336\r\n\r\n")
    assert stated.startswith(b"HTTP/1.1 413")
    chunked = head + b"Transfer-Encoding: chunked\r\n\r\n" + b"b00000\r\n" + large + b"\r\n0\r\n\r\n"
    assert service.raw(chunked).startswith(b"HTTP/1.1 413") or service.kept() == []
    assert service.kept() == []
    assert service.app.state.door.memory.size == 0


def test_ten_megabytes_are_taken(service: Running) -> None:
    assert service.post(b"x" * (10 * MEGABYTE)).status == 200
    assert len(service.kept()[0][1]) == 10 * MEGABYTE


def test_a_chunked_body_is_taken(service: Running) -> None:
    head = f"POST /webhooks/ehr HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Secret: {SECRET}\r\nX-Id: 1\r\n".encode()
    answer = service.raw(head + b"Transfer-Encoding: chunked\r\n\r\n2\r\n[1\r\n1\r\n]\r\n0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200")
    assert service.kept()[0][1] == b"[1]"


def test_a_packed_body_is_unpacked_within_the_limit_only(service: Running) -> None:
    assert service.post(gzip.compress(b'{"n": 1}'), "small", Content_Encoding="gzip").status == 200
    assert service.kept() == [("small", b'{"n": 1}', "new")]
    bomb = gzip.compress(b"0" * (128 * MEGABYTE))
    assert refusal(service.post(bomb, "bomb", Content_Encoding="gzip"), 413) == "too-large"
    for bad in (b"{}", gzip.compress(b"{}")[:-4], gzip.compress(b"{}") + b"more"):
        assert refusal(service.post(bad, "bad", Content_Encoding="gzip"), 400) == "bad-gzip"
    for text in ("br", "deflate", "zstd", "gzip, gzip"):
        assert refusal(service.post(b"{}", "other", Content_Encoding=text), 415) == "content-encoding"
    assert len(service.kept()) == 1


def test_a_body_that_does_not_come_is_not_waited_for(service: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    defaults = {**(body_module.read_body.__kwdefaults__ or {}), "seconds": 0.2}
    monkeypatch.setattr(body_module.read_body, "__kwdefaults__", defaults)
    head = f"POST /webhooks/ehr HTTP/1.1\r\nHost: x\r\nX-Secret: {SECRET}\r\nX-Id: 1\r\nContent-Length: 9\r\n\r\n"
    answer = service.raw(head.encode() + b"{")
    assert answer.startswith(b"HTTP/1.1 408")
    assert service.kept() == []


def test_a_head_that_does_not_come_is_not_waited_for(service: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "HEAD_SECONDS", 0.2)
    assert service.raw(b"POST /webhooks/ehr HTTP/1.1\r\nHost:") == b""
    assert service.raw(b"") == b""


def test_a_sender_that_leaves_in_the_middle_leaves_nothing_behind(service: Running) -> None:
    head = f"POST /webhooks/ehr HTTP/1.1\r\nHost: x\r\nX-Secret: {SECRET}\r\nX-Id: 1\r\nContent-Length: 9\r\n\r\n"
    with socket.create_connection(("127.0.0.1", service.port)) as sender:
        sender.sendall(head.encode() + b"{")
    assert service.post(b"[1]").status == 200
    assert [id_ for id_, _, _ in service.kept()] == ["e1"]


@pytest.mark.parametrize(
    "flood",
    [
        b"".join(b"X-%d: y\r\n" % n for n in range(100_000)),
        b"X: " + b"y" * MEGABYTE + b"\r\n",
        b"y" * MEGABYTE,
        b"".join(b"X-%d: y\r\n" % n for n in range(300)),
    ],
    ids=["a-hundred-thousand", "a-long-value", "a-long-name", "three-hundred"],
)
def test_floods_of_headers_are_refused(service: Running, flood: bytes) -> None:
    answer = service.raw(b"POST /webhooks/ehr HTTP/1.1\r\nHost: x\r\n" + flood + b"\r\n")
    assert answer == b"" or answer.startswith((b"HTTP/1.1 431", b"HTTP/1.1 400"))
    assert service.post(b"[1]").status == 200


def test_a_head_without_end_is_refused_as_it_comes(service: Running) -> None:
    answer = service.raw(b"POST /webhooks/ehr HTTP/1.1\r\nX: " + b"y" * (connection.HEAD_BYTES + 100))
    assert answer.startswith(b"HTTP/1.1 431")


@pytest.mark.parametrize("line", [b"rubbish\r\n\r\n", b"GET \xff\xfe HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00\x01"])
def test_what_is_no_http_is_refused(service: Running, line: bytes) -> None:
    answer = service.raw(line + b"\r\n\r\n")
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400")
    assert b"Traceback" not in answer


def test_a_room_that_stumbles_is_told_of_without_its_words(
    service: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = service.post(b'{"boom": true}')
    assert refusal(answer, 503) == "not-ready"
    assert answer.headers["retry-after"]
    output = capsys.readouterr()
    assert "ZeroDivisionError" in output.out + output.err
    assert "Zzyzx" not in output.out + output.err


def test_an_event_that_could_not_be_kept_is_not_thanked_for(service: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise Later("the database did not answer")

    with monkeypatch.context() as patch:
        patch.setattr(receive, "keep_events", away)
        answer = service.post(b"[1]")
        assert refusal(answer, 503) == "try-later"
        assert int(answer.headers["retry-after"]) > 0
    assert service.kept() == []
    assert service.post(b"[1]").status == 200


def test_one_event_that_the_store_chokes_on_does_not_take_its_neighbours_with_it(
    service: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, entries, go = receive.keep_events, threading.Semaphore(0), threading.Event()

    def choking(store: Store, arrivals: Any) -> Any:
        if any(arrival.event_id == "first" for arrival in arrivals):
            entries.release()
            assert go.wait(20)
        if any(arrival.event_id == "bad" for arrival in arrivals):
            raise ValueError("Zzyzx")
        return real(store, arrivals)

    monkeypatch.setattr(receive, "keep_events", choking)
    monkeypatch.setattr(group_commit, "WRITERS", 1)
    with ThreadPoolExecutor(8) as threads:
        first = threads.submit(service.post, b"[0]", "first")
        assert entries.acquire(timeout=HANG)
        others = [threads.submit(service.post, b"[1]", id_) for id_ in ("a", "bad", "b")]
        queue = service.app.state.door.group_commit._queue
        while len(queue) < 3:
            threading.Event().wait(0.01)
        go.set()
        assert [one.result().status for one in (first, *others)] == [200, 200, 503, 200]
    # Which of those that come at once is kept first is nobody's promise.
    assert sorted(id_ for id_, _, _ in service.kept()) == ["a", "b", "first"]


def test_who_is_refused_again_and_again_must_wait_and_whoever_knows_the_secret_never(service: Running) -> None:
    statuses = [service.post(b"{}", X_Secret=f"guess{n}").status for n in range(REFUSALS + 1)]
    assert statuses == [401] * REFUSALS + [429]
    answer = service.post(b"{}", X_Secret="guess")
    assert refusal(answer, 429) == "too-many-refusals"
    assert 0 < int(answer.headers["retry-after"]) <= 61
    assert service.ask("GET", "/health").status == 200
    assert service.post(b"{}").status == 200
    assert [id_ for id_, _, _ in service.kept()] == ["e1"]


def test_behind_a_proxy_only_the_one_who_fails_must_wait(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(store, paper_project(tmp_path), monkeypatch, environment={"CARELOOM_PROXIES": "1"}) as service:
        for number in range(REFUSALS):
            # What stands before the proxy's own word is the sender's invention.
            service.post(b"{}", X_Secret="guess", X_Forwarded_For=f"203.0.113.{number}, 198.51.100.7")
        assert service.post(b"{}", X_Secret="guess", X_Forwarded_For="198.51.100.7").status == 429
        assert service.post(b"{}", X_Forwarded_For="198.51.100.7").status == 200
        assert service.post(b"{}", X_Secret="guess", X_Forwarded_For="198.51.100.7, 198.51.100.8").status == 401


def test_bodies_share_one_memory_of_which_nobody_takes_more_than_half(service: Running) -> None:
    memory = service.app.state.door.memory
    memory.limit = 1000
    assert refusal(service.post(b"x" * 501), 503) == "busy"
    assert service.post(b"x" * 500).status == 200
    assert (memory.size, dict(memory.by_client)) == (0, {})
    with memory.share("another") as first, memory.share("a third") as second:
        first.take(500)
        second.take(100)
        assert refusal(service.post(b"x" * 401, "e2"), 503) == "busy"
        assert service.post(b"x" * 400, "e2").status == 200


def test_log_lines_hold_no_address_and_nothing_of_an_event(
    service: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    service.post(b'{"name": "Zzyzx"}', "Zzyzx-1", X_Event="ZZYZX")
    service.ask("GET", "/webhooks/ehr?name=Zzyzx")
    service.ask("GET", "/Zzyzx")
    service.post(b'{"name": "Zzyzx"}', X_Secret="Zzyzx")
    output = capsys.readouterr()
    assert "Zzyzx" not in output.out + output.err
    assert "/webhooks/{system}" in output.out
    assert json.dumps("ehr")[1:-1] in output.out


def test_the_room_is_told_the_address_that_was_called(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    box, environment = Letterbox(), {"CARELOOM_PUBLIC_URL": "https://hooks.clinic.example"}
    with serve(store, paper_project(tmp_path), monkeypatch, letterbox=box, environment=environment) as service:
        service.ask("GET", "/webhooks/ehr?msg=a%20b")
    assert box.addresses == ["https://hooks.clinic.example/webhooks/ehr?msg=a%20b"]
