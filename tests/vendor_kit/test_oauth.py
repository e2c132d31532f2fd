"""Tokens: refreshed once by whoever needs it first, stored before use, and asked for again where that is safe."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import pytest

from careloom.core.errors import NotPermitted, RemoteUnavailable
from careloom.core.tokens import Token
from careloom.vendor_kit.oauth import Application, Grants, TokenKeeper
from careloom.vendor_kit.testing.gateway import HTML, Gateway, GatewayRequest, Reply

NOW = datetime(2026, 3, 1, tzinfo=UTC)


class Rotating:
    """A vendor whose refresh tokens work once."""

    def __init__(self) -> None:
        self.valid, self.count, self.lock = "r0", 0, threading.Lock()

    def __call__(self, request: GatewayRequest) -> Reply:
        form = {name: value[0] for name, value in parse_qs(request.body.decode()).items()}
        with self.lock:
            if form.get("refresh_token", self.valid) != self.valid:
                return Reply(400, {"error": "invalid_grant"})
            self.count += 1
            self.valid = f"r{self.count}"
            return Reply(200, {"access_token": f"a{self.count}", "refresh_token": self.valid, "expires_in": 3600})


class Kept:
    """`core.tokens.Tokens` that writes down in which order things were done."""

    def __init__(self, token: Token | None) -> None:
        self.token, self.lock, self.stored = token, threading.Lock(), []

    def current(self) -> Token | None:
        return self.token

    def refreshed(self, stale: Token, refresh: Callable[[Token], Token]) -> Token:
        with self.lock:
            newest = self.token or stale
            if newest.access == stale.access:
                self.store(refresh(newest))
            return self.token or newest

    def store(self, token: Token) -> None:
        self.token = token
        self.stored.append(token.access)


def token(access: str = "a0", refresh: str = "r0", lives: timedelta = timedelta(hours=1)) -> Token:
    return Token(access=access, refresh=refresh, expires_at=NOW + lives)


def grants_of(server: Gateway, **values: object) -> Grants:
    application = Application(
        name="Vendor", token_url=f"{server.url}/token", client_id="c:1", client_secret="s", **values
    )
    return Grants(application, lambda: NOW, pause=lambda _: None)


def test_threads_and_workers_with_one_stale_token_refresh_it_once() -> None:
    vendor, tokens = Rotating(), Kept(token())
    with Gateway() as server, ThreadPoolExecutor(8) as threads:
        server.always(vendor)
        keepers = [TokenKeeper(tokens, grants_of(server), lambda: NOW, name="Vendor") for _ in range(2)]
        answers = [threads.submit(keepers[n % 2].renew, token()) for n in range(8)]
        assert {answer.result().access for answer in answers} == {"a1"}
    assert tokens.stored == ["a1"]


def test_a_token_about_to_expire_is_made_fresh_before_the_call() -> None:
    with Gateway() as server:
        server.always(Rotating())
        keeper = TokenKeeper(Kept(token(lives=timedelta(minutes=4))), grants_of(server), lambda: NOW, name="Vendor")
        assert keeper.fresh().access == "a1"
        assert keeper.fresh().access == "a1"
        assert len(server.requests) == 1


def test_a_lost_answer_is_asked_for_again_but_a_code_is_not() -> None:
    with Gateway("", "cut", HTML, Reply(200, {"access_token": "a", "refresh_token": "b"})) as server:
        assert grants_of(server).refresh(token()).access == "a"
    with Gateway("", "cut") as server:
        with pytest.raises(RemoteUnavailable):
            grants_of(server).exchange("code", "http://127.0.0.1/back")
        assert len(server.requests) == 1


@pytest.mark.parametrize(("error", "word"), [("invalid_client", "client_id"), ("invalid_grant", "careloom connect")])
def test_a_refusal_says_who_must_do_what_and_shows_no_token(error: str, word: str) -> None:
    with Gateway("", Reply(400, {"error": error})) as server, pytest.raises(NotPermitted, match=word) as refused:
        grants_of(server).refresh(token(refresh="sealed-thing"))
    assert "sealed-thing" not in str(refused.value)


def test_a_pair_without_a_refresh_token_is_no_answer_where_they_rotate() -> None:
    alone = Reply(200, {"access_token": "a", "expires_in": 60})
    with Gateway("", alone) as server:
        with pytest.raises(RemoteUnavailable):
            grants_of(server).refresh(token())
        assert grants_of(server, rotates=False).refresh(token()).refresh == "r0"


def test_an_applications_own_credentials_need_no_person_and_no_store() -> None:
    with Gateway() as server, ThreadPoolExecutor(4) as threads:
        server.always(Rotating())
        grants = grants_of(server, basic=True, rotates=False)
        keeper = TokenKeeper(
            None, grants, lambda: NOW, name="Vendor", first=lambda: grants.ask({"grant_type": "client_credentials"})
        )
        assert {answer.access for answer in threads.map(lambda _: keeper.fresh(), range(8))} == {"a1"}
        assert server.requests[0].headers["Authorization"] == "Basic YyUzQTE6cw=="
        assert b"client_secret" not in server.requests[0].body


def test_without_a_store_or_a_connection_the_message_says_what_to_do() -> None:
    with Gateway() as server:
        for tokens, word in ((None, "not open"), (Kept(None), "nobody has connected")):
            with pytest.raises(NotPermitted, match=word):
                TokenKeeper(tokens, grants_of(server), lambda: NOW, name="Vendor").fresh()
