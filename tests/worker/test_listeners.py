"""A system that connects to us is answered only once its message is on disk, whatever it or we do in between."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread

import pytest

from careloom.core.errors import Later
from careloom.services.landing.process import process_inbox
from careloom.services.landing.write import prepare
from careloom.services.session import sessions
from careloom.services.session.sessions import Session
from careloom.store.database import Store, open_store
from careloom.worker import listeners
from careloom.worker.listeners import ListenerServer, listener_servers, start_listeners
from hang import HANG
from services.fake_rooms import make_session, project, rows
from worker.line_room import LineListener, line_room


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    new_store = open_store(database)
    yield new_store
    new_store.close()


@pytest.fixture
def listener() -> LineListener:
    return LineListener()


@pytest.fixture
def session(store: Store, listener: LineListener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    monkeypatch.setattr(sessions, "rooms", lambda: {"lab": line_room(listener)})
    new_session = make_session(store, project(tmp_path, ["lab"]))
    yield new_session
    new_session.close()


@contextmanager
def listening(session: Session) -> Iterator[ListenerServer]:
    stop = Event()
    servers = listener_servers(session, stop)
    join = start_listeners(servers)
    try:
        wait_for(lambda: servers[0].port)
        yield servers[0]
    finally:
        stop.set()
        join()


def wait_for(reached) -> None:
    began = time.monotonic()
    while not reached():
        assert time.monotonic() < began + HANG
        time.sleep(0.01)


class Sender:
    """One that writes lines and waits for each answer."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=HANG)
        self.file = self.socket.makefile("rb")

    def tell(self, text: str) -> None:
        self.socket.sendall(text.encode())

    def answer(self) -> str:
        return self.file.readline().decode()

    def close(self) -> None:
        self.file.close()
        self.socket.close()


@contextmanager
def sender(port: int) -> Iterator[Sender]:
    lab = Sender(port)
    try:
        yield lab
    finally:
        lab.close()


def next_line(process: subprocess.Popen[str]) -> str:
    """The next line that is not a log line."""
    return next(line[2:].strip() for line in process.stdout or () if line.startswith("> "))


def stored_events(store: Store) -> list[tuple[str, bytes]]:
    return [(key, bytes(body)) for key, body in rows(store, "select event_id, body from inbox order by id")]


def test_an_answer_means_that_the_message_is_on_disk(session: Session, store: Store, listener: LineListener) -> None:
    seen: list[list[tuple[str, bytes]]] = []
    listener.before_reply = lambda _message: seen.append(stored_events(store))
    with listening(session) as server, sender(server.port) as lab:
        lab.tell("m1 first\nm2 sec")
        assert lab.answer() == "+m1\n"
        lab.tell("ond\n")
        assert lab.answer() == "+m2\n"
    assert [[key for key, _ in stage] for stage in seen] == [["m1"], ["m1", "m2"]]
    assert stored_events(store)[1] == ("m2", b"m2 second")
    prepare(session)
    assert process_inbox(session, "lab", stop=Event())["done"] == 2
    assert rows(store, "select room from clinical.paper_visits order by 1") == [("first",), ("second",)]


def test_a_message_that_was_answered_and_comes_again_is_the_same(session: Session, store: Store) -> None:
    with listening(session) as server, sender(server.port) as lab:
        lab.tell("m1 first\nm1 first\n")
        assert [lab.answer(), lab.answer()] == ["+m1\n", "+m1\n"]
    assert stored_events(store) == [("m1", b"m1 first")]


def test_what_is_no_message_is_refused_and_nothing_of_it_is_kept(session: Session, store: Store) -> None:
    with listening(session) as server, sender(server.port) as lab:
        lab.tell("rubbish\nm1 first\n")
        assert [lab.answer(), lab.answer()] == ["-rubbish\n", "+m1\n"]
    assert [key for key, _ in stored_events(store)] == ["m1"]


def test_without_a_store_nothing_is_acknowledged(
    session: Session, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise Later("the database is away")

    with listening(session) as server, sender(server.port) as lab:
        with monkeypatch.context() as patch:
            patch.setattr("careloom.services.landing.receive.keep_events", away)
            lab.tell("m1 first\n")
            assert lab.answer() == "-m1\n"
        lab.tell("m1 first\n")
        assert lab.answer() == "+m1\n"
    assert len(stored_events(store)) == 1


def test_two_senders_are_heard_at_once_and_a_slow_one_holds_up_nobody(session: Session, store: Store) -> None:
    with listening(session) as server, sender(server.port) as slow, sender(server.port) as quick:
        slow.tell("s1 begins and does not ")
        for number in range(20):
            quick.tell(f"q{number} x\n")
            assert quick.answer() == f"+q{number}\n"
        slow.tell("end\n")
        assert slow.answer() == "+s1\n"
    assert len(stored_events(store)) == 21


def test_a_frame_that_never_ends_or_is_too_large_ends_its_connection(
    session: Session, store: Store, listener: LineListener
) -> None:
    listener.seconds = 0.3
    with listening(session) as server:
        for text in ("m1 begins", "m2 " + "x" * 2000, "m3 " + "x" * 2000 + "\n", "m4 \0\n"):
            with sender(server.port) as lab:
                lab.tell(text)
                assert lab.answer() == ""
        with sender(server.port) as lab:
            time.sleep(0.6)  # quiet is no fault: nothing has begun
            lab.tell("m5 x\n")
            assert lab.answer() == "+m5\n"
    assert [key for key, _ in stored_events(store)] == ["m5"]


def test_strangers_and_one_connection_too_many_are_not_listened_to(
    session: Session, listener: LineListener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listeners, "MOST_CONNECTIONS", 1)
    with listening(session) as server:
        with sender(server.port) as first:
            first.tell("m1 x\n")
            assert first.answer() == "+m1\n"
            with sender(server.port) as second:
                assert second.answer() == ""
        listener.admitted = lambda address: address != "127.0.0.1"
        with sender(server.port) as stranger:
            assert stranger.answer() == ""


def test_a_room_that_fails_ends_its_connection_and_not_the_worker(session: Session, listener: LineListener) -> None:
    with listening(session) as server:
        listener.before_keeping = lambda _message: 1 / 0
        with sender(server.port) as lab:
            lab.tell("m1 x\n")
            assert lab.answer() == ""
        listener.before_keeping = lambda _message: None
        with sender(server.port) as lab:
            lab.tell("m1 x\n")
            assert lab.answer() == "+m1\n"


def test_a_second_worker_takes_over_when_the_first_ends(
    session: Session, listener: LineListener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listeners, "_TRY_AGAIN", 0.05)
    with listening(session) as first:
        listener.port = first.port
        stop = Event()
        second = ListenerServer(session=session, system="lab", listener=listener, stop=stop)
        waiting = Thread(target=second.serve)
        waiting.start()
        time.sleep(0.2)
        assert not second.port
    try:
        wait_for(lambda: second.port)
        with sender(second.port) as lab:
            lab.tell("m1 x\n")
            assert lab.answer() == "+m1\n"
    finally:
        stop.set()
        waiting.join()


@pytest.mark.parametrize(("stop_at", "on_disk"), [("keeping", []), ("reply", ["m1"])])
def test_a_worker_killed_in_between_has_answered_nothing_and_the_message_comes_again_once(
    session: Session, database: str, store: Store, tmp_path: Path, stop_at: str, on_disk: list[str]
) -> None:
    command = [sys.executable, str(Path(__file__).with_name("a_listener.py")), database, str(tmp_path), stop_at]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as killed:
        port = int(next_line(killed))
        with sender(port) as lab:
            lab.tell("m1 first\n")
            assert next_line(killed) == "stopped"
            killed.kill()
            with suppress(ConnectionResetError):
                assert lab.answer() == ""
    assert [key for key, _ in stored_events(store)] == on_disk
    with listening(session) as server, sender(server.port) as lab:
        lab.tell("m1 first\n")
        assert lab.answer() == "+m1\n"
    assert [key for key, _ in stored_events(store)] == ["m1"]
