"""A person lets us into a system once; the pair is sealed, and an answer to somebody else's request is refused."""

from __future__ import annotations

import io
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from careloom.cli import connect as door
from careloom.core.errors import Fix, UsageFault
from careloom.core.rooms import Authorization
from careloom.core.tokens import Token
from careloom.services.operate import connect as operate_connect
from careloom.services.operate.connect import code_in, connect, invite, keep_given
from careloom.services.session import sessions
from careloom.services.session.sessions import Session
from careloom.store.database import Store, open_store
from hang import HANG
from services.fake_rooms import NOON, Paper, make_session, project, room

KEY = {"CARELOOM_SEAL_KEY": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="}


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    store = open_store(database)
    yield store
    store.close()


@pytest.fixture
def exchanges() -> list[tuple[str, str]]:
    return []


@pytest.fixture
def session(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exchanges: list[tuple[str, str]]) -> Session:
    def url(_options: Any, _context: Any, redirect: str, state: str) -> str:
        return "https://ehr.example/authorize?" + urlencode({"redirect_uri": redirect, "state": state})

    def exchange(_options: Any, _context: Any, redirect: str, code: str) -> Token:
        exchanges.append((redirect, code))
        return Token(access="access-1", refresh="refresh-1", expires_at=NOON)

    rooms = {
        "ehr": replace(room("ehr", Paper()), authorization=Authorization(url=url, exchange=exchange)),
        "bus": room("bus", Paper()),
    }
    monkeypatch.setattr(sessions, "rooms", lambda: rooms)
    monkeypatch.setattr(operate_connect, "rooms", lambda: rooms)
    return make_session(store, project(tmp_path, ["ehr", "bus"]), KEY)


def stored_token(session: Session) -> Token | None:
    tokens = session.room_context("ehr").tokens
    assert tokens is not None
    return tokens.current()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def test_a_code_becomes_a_sealed_pair(session: Session, exchanges: list[tuple[str, str]]) -> None:
    invitation = invite(session, "ehr", "http://127.0.0.1:8912/connected")
    connect(session, "ehr", invitation, "code-1")
    assert exchanges == [("http://127.0.0.1:8912/connected", "code-1")]
    assert stored_token(session) == Token(access="access-1", refresh="refresh-1", expires_at=NOON)


def test_without_a_key_no_code_is_used_up(session: Session, exchanges: list[tuple[str, str]]) -> None:
    invitation = invite(session, "ehr", "http://127.0.0.1:8912/connected")
    session.settings = replace(session.settings, environment={})
    with pytest.raises(Fix, match="CARELOOM_SEAL_KEY"):
        connect(session, "ehr", invitation, "code-1")
    assert exchanges == []


def test_every_invitation_has_a_state_of_its_own_that_does_not_show(session: Session) -> None:
    first, second = (invite(session, "ehr", "http://127.0.0.1:1/x") for _ in range(2))
    assert first.state != second.state
    assert len(first.state) >= 43
    assert parse_qs(urlsplit(first.url).query)["state"] == [first.state]


def test_the_code_is_found_in_an_address_that_carries_our_state() -> None:
    assert code_in("http://127.0.0.1:1/x?code=abc&state=mine", "mine") == "abc"
    assert code_in("  abc\n", "mine") == "abc"
    assert code_in("http://127.0.0.1:1/x?code=abc&state=theirs", None) == "abc"


@pytest.mark.parametrize("state", ["&state=theirs", "&state=", "", "&state=mine&state=theirs", "&state=%C3%BC"])
def test_an_answer_to_anothers_request_is_refused(state: str) -> None:
    with pytest.raises(Fix, match="its state differs") as error:
        code_in(f"/connected?code=abc{state}", "mine")
    assert "abc" not in str(error.value)


def test_a_refusal_is_told_in_its_own_word_and_nothing_else_is_repeated() -> None:
    with pytest.raises(Fix, match="access_denied"):
        code_in("/connected?error=access_denied&state=mine", "mine")
    with pytest.raises(Fix, match="does not name") as error:
        code_in("/connected?error=Ada+Abel+1931", "mine")
    assert "Abel" not in str(error.value)


@pytest.mark.parametrize("answer", ["", " \n", "/connected?code=&state=mine", "/connected?state=mine"])
def test_an_answer_without_a_code_is_told_so(answer: str) -> None:
    with pytest.raises(UsageFault, match="code"):
        code_in(answer, "mine")


def test_a_pair_made_elsewhere_is_kept(session: Session) -> None:
    session.clock = lambda: NOON
    keep_given(session, "ehr", b'{"access_token": "a", "refresh_token": "r", "expires_in": 3600, "scope": "all"}')
    assert stored_token(session) == Token(access="a", refresh="r", expires_at=NOON + timedelta(hours=1))


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b'"hush"',
        b"{}",
        b'{"access_token": "hush", "refresh_token": 1, "expires_in": 3600}',
        b'{"access_token": "hush", "refresh_token": "r", "expires_in": "soon"}',
        b'{"access_token": "hush", "refresh_token": "r", "expires_in": 1e300}',
    ],
)
def test_what_is_no_pair_is_refused_without_being_repeated(session: Session, text: bytes) -> None:
    with pytest.raises(UsageFault, match="no token pair") as error:
        keep_given(session, "ehr", text)
    assert "hush" not in str(error.value)
    assert stored_token(session) is None


def test_a_system_that_is_not_connected_this_way_says_so(session: Session) -> None:
    with pytest.raises(Fix, match="not connected this way"):
        invite(session, "bus", "http://127.0.0.1:1/x")
    with pytest.raises(UsageFault, match="there are: ehr, bus"):
        invite(session, "crm", "http://127.0.0.1:1/x")


# ---------------------------------------------------------------- the door


def test_the_answer_is_heard_once_on_this_machine_past_whatever_else_browsers_ask(
    session: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    invitation = invite(session, "ehr", f"http://127.0.0.1:{free_port()}/connected")
    answers: list[str] = []
    ready_to_hear = threading.Event()

    def listen() -> None:
        with door._listening(invitation) as server:
            ready_to_hear.set()
            while not server.answers:
                server.handle_request()
            answers.extend(server.answers)

    thread = threading.Thread(target=listen)
    thread.start()
    assert ready_to_hear.wait(HANG)
    base = invitation.redirect.removesuffix("/connected")
    for path in ("/favicon.ico", "/other?code=x", "/connected"):
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(base + path, timeout=HANG)
    with urllib.request.urlopen(f"{invitation.redirect}?code=abc&state={invitation.state}", timeout=HANG) as answer:
        assert b"close this page" in answer.read()
    thread.join(HANG)
    assert code_in(answers[0], invitation.state) == "abc"
    output = capsys.readouterr()
    assert "abc" not in output.out + output.err


def test_where_the_answer_cannot_be_heard_it_is_pasted(
    session: Session, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    far = invite(session, "ehr", "https://clinic.example/connected")
    assert far.loopback is None
    monkeypatch.setattr("sys.stdin", io.StringIO(f"https://clinic.example/connected?code=abc&state={far.state}\n"))
    assert door._code(far, None, paste=False) == "abc"
    assert far.url in capsys.readouterr().out


def test_a_port_that_is_taken_is_told_with_what_to_do(session: Session) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        invitation = invite(session, "ehr", f"http://127.0.0.1:{listener.getsockname()[1]}/connected")
        with pytest.raises(Fix, match="--port"), door._listening(invitation):
            pass
