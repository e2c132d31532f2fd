"""Connections beyond what there may be: who must go, and that whoever sends a request is answered all the same."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from careloom.store.database import Store
from careloom.web import connection_limit, server
from careloom.web.connection_limit import Crowd
from hang import HANG
from web.served import SECRET, Running, paper_project, serve

EVENT = (
    b"POST /webhooks/ehr HTTP/1.1\r\nHost: x\r\nX-Secret: " + SECRET.encode() + b"\r\nX-Id: e1\r\n"
    b"Content-Type: application/json\r\nContent-Length: 3\r\n\r\n"
)


class Sitter:
    """A connection that does nothing, or is busy."""

    def __init__(self, *, idle: bool = True) -> None:
        self.is_idle, self.gone = idle, False

    def idle(self) -> bool:
        return self.is_idle

    def send_off(self) -> None:
        self.gone = True


@pytest.fixture
def service(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    monkeypatch.setattr(server, "MOST", 40)
    monkeypatch.setattr(server, "MOST_OF_A_CLIENT", 20)
    with serve(store, paper_project(tmp_path), monkeypatch) as running:
        yield running


@contextlib.contextmanager
def held_open(service: Running, number: int, sent: bytes) -> Iterator[list[socket.socket]]:
    with contextlib.ExitStack() as stack:
        lines = []
        for _ in range(number):
            line = stack.enter_context(socket.create_connection(("127.0.0.1", service.port), timeout=HANG))
            line.sendall(sent)
            lines.append(line)
        yield lines


@pytest.mark.parametrize(
    "sent",
    [b"", b"POST /webhooks/ehr HTTP/1.1\r\nX: ", b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"],
    ids=["nothing", "half-a-head", "answered"],
)
def test_connections_that_only_wait_keep_no_event_out(service: Running, sent: bytes) -> None:
    with held_open(service, 60, sent):
        assert [service.post(b"[1]", f"e{number}").status for number in range(5)] == [200] * 5


def test_where_all_are_busy_the_next_is_told_when_to_come_again(service: Running) -> None:
    with held_open(service, 20, EVENT) as lines:
        # Its body is awaited, so none of them is idle.
        answer = service.post(b"[1]", "late")
        assert (answer.status, answer.json) == (503, {"error": "busy"})
        assert int(answer.headers["retry-after"]) > 0
        for line in lines:
            line.sendall(b"[1]")
            assert line.recv(4096).startswith(b"HTTP/1.1 200")
        assert service.post(b"[1]", "late").status == 200


def test_when_it_is_full_whoever_holds_most_loses_the_one_that_came_first() -> None:
    full = Crowd(of_a_client=0, capacity=5)
    flood, vendor = [Sitter() for _ in range(4)], Sitter()
    for guest in flood:
        assert full.enter("flood", guest)
    assert full.enter("vendor", vendor)
    assert full.enter("vendor", Sitter())
    assert [guest.gone for guest in [*flood, vendor]] == [True, False, False, False, False]


def test_a_client_that_is_shed_takes_nothing_from_others_and_only_so_many_wait_to_be_told() -> None:
    full = Crowd(of_a_client=2, capacity=5)
    assert all(full.enter("flood", Sitter(idle=False)) for _ in range(2))
    sitters = [Sitter() for _ in range(connection_limit.MOST_SHED + 1)]
    assert not any(full.enter("flood", guest) for guest in sitters)
    assert [guest.gone for guest in sitters] == [False] * connection_limit.MOST_SHED + [True]
    assert all(full.enter("vendor", Sitter(idle=False)) for _ in range(2))


def test_who_leaves_makes_room_once() -> None:
    full, guest = Crowd(of_a_client=1, capacity=1), Sitter(idle=False)
    assert full.enter("a", guest)
    full.leave("a", guest)
    full.leave("a", guest)
    assert full.enter("b", Sitter(idle=False))
    assert not full.enter("c", Sitter(idle=False))
