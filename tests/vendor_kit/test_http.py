"""What the client of all REST rooms repeats, waits for, refuses, and never says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from careloom.core.errors import Fix, Later, NotPermitted, RemoteUnavailable
from careloom.core.ports import Limit
from careloom.vendor_kit.api import Api
from careloom.vendor_kit.call import AnswerLost, Call, NotAnAnswer, holds_nul, path_template
from careloom.vendor_kit.http import HttpClient
from careloom.vendor_kit.limits import RateLimiter
from careloom.vendor_kit.retry import RetryPolicy
from careloom.vendor_kit.testing.gateway import HTML, Gateway, Reply, Step
from hang import HANG

READ = Call(method="GET", path="/v1/people/7")
WRITE = Call(method="POST", path="/v1/people", body={"name": "x"})
DONE = Reply(200, {"id": 7})
PERSON = "jordan.abernathy"


def client_of(server: Gateway, waits: list[float] | None = None, *, api: dict[str, Any] | None = None, **policy: Any):
    seconds = waits if waits is not None else []
    return HttpClient(
        Api(name="Vendor", base_url=server.url, **(api or {})),
        policy=RetryPolicy(read_timeout=HANG, **policy),
        pause=seconds.append,
    )


@pytest.mark.parametrize("step", [Reply(500), Reply(503), HTML, Reply(200, [1]), Reply(204), "cut"])
def test_a_read_is_repeated_until_the_api_itself_answers(step: Step) -> None:
    with Gateway("", step, step, DONE) as server:
        assert client_of(server).send(READ).body == {"id": 7}
        assert len(server.requests) == 3


@pytest.mark.parametrize("step", [Reply(500), Reply(502), Reply(503), HTML, Reply(200, [1]), "cut"])
def test_a_write_whose_answer_was_lost_is_sent_once(step: Step) -> None:
    with Gateway("", step, DONE) as server:
        with pytest.raises(AnswerLost):
            client_of(server).send(WRITE)
        assert len(server.requests) == 1


def test_a_write_that_was_surely_not_done_is_repeated() -> None:
    with Gateway("", Reply(503), Reply(429), DONE) as server:
        assert client_of(server, api={"not_done": frozenset({503})}).send(WRITE).ok
    with pytest.raises(RemoteUnavailable):  # nobody listens there any more: no request was sent
        client_of(server, attempts=2).send(WRITE)


def test_attempts_end_and_their_waits_grow_under_full_jitter() -> None:
    waits: list[float] = []
    with Gateway("", Reply(500)) as server:
        with pytest.raises(RemoteUnavailable) as later:
            client_of(server, waits, attempts=5, first_wait=1.0, longest_backoff=2.0).send(READ)
        assert len(server.requests) == 5
    assert len(set(waits)) == 4
    assert [RetryPolicy(first_wait=1.0, longest_backoff=3.0).ceiling(failures) for failures in (1, 2, 3)] == [1, 2, 3]
    assert all(0 <= wait <= ceiling for wait, ceiling in zip(waits, (1, 2, 2, 2), strict=True))
    assert "GET /v1/people/{id} failed 5 times (500)" in str(later.value)


def test_a_429_pauses_everyone_for_as_long_as_it_says() -> None:
    waits: list[float] = []
    limit = Limit(name="hourly", most=5, window=3600.0)
    with Gateway(
        "", Reply(429, headers={"Retry-After": "7"}), DONE, Reply(429, headers={"Retry-After": "99"})
    ) as server:
        client = client_of(server, waits, api={"limits": lambda _: (limit,)})
        assert client.send(READ).ok
        assert waits[0] == 7.0
        assert 6.0 < waits[1] <= 7.0  # the pause stands, since nobody slept
        with pytest.raises(RemoteUnavailable) as later:
            client.send(READ)
    assert later.value.after == 99.0


def test_a_pause_longer_than_a_call_waits_is_for_later() -> None:
    slept: list[float] = []
    limiter = RateLimiter(pause=slept.append, clock=lambda: 100.0)
    limit = Limit(name="daily", most=5, window=86400.0)
    limiter.pause(limit, 30.0)
    with limiter.place((limit,)):
        assert slept == [30.0]
    limiter.pause(limit, 900.0)
    with pytest.raises(RemoteUnavailable), limiter.place((limit,)):
        raise AssertionError


def test_refusals_are_told_apart_by_what_a_person_must_do() -> None:
    with Gateway("", Reply(401), Reply(403), Reply(404, {"detail": "no"}), Reply(302), Reply(302)) as server:
        client = client_of(server)
        for kind in (NotPermitted, NotPermitted):
            with pytest.raises(kind):
                client.send(READ)
        assert client.send(READ).status == 404
        with pytest.raises(Fix, match="redirects"):
            client.send(READ)
        with pytest.raises(Fix, match="redirects"):
            client.send(WRITE)


def test_a_redirect_is_followed_on_the_same_host_only() -> None:
    away = Reply(302, headers={"Location": "http://elsewhere.example/v1"})
    with Gateway("", Reply(301, headers={"Location": "/v2/people?page=2"}), DONE, away) as server:
        client = client_of(server)
        assert client.send(READ).ok
        assert server.requests[1].path == "/v2/people?page=2"
        with pytest.raises(Fix, match="another host"):
            client.send(READ)


def test_after_failures_in_a_row_nobody_asks_for_a_while() -> None:
    with Gateway("", Reply(500)) as server:
        client = client_of(server, failures_in_a_row=4, attempts=3)
        for _ in range(3):
            with pytest.raises(RemoteUnavailable):
                client.send(READ)
        assert len(server.requests) == 4


def test_a_body_is_read_as_it_comes_and_a_page_in_its_place_is_an_outage() -> None:
    def first_bytes(chunks: Iterator[bytes]) -> bytes:
        content = b"".join(chunks)
        if not content.startswith(b"%PDF"):
            raise NotAnAnswer
        return content[:4]

    call = Call(method="GET", path="/file", reader=first_bytes)
    with Gateway("", HTML, Reply(204), Reply(200, b"%PDF-1.7"), Reply(404)) as server:
        client = client_of(server)
        assert client.send(call).content == b"%PDF"
        assert len(server.requests) == 3
        assert client.send(call).status == 404


def test_no_log_line_and_no_message_holds_more_than_a_template() -> None:
    call = Call(method="GET", path=f"/v1/people/{PERSON}", template="/v1/people/{id}", query={"name": PERSON})
    answers = [Reply(500, PERSON), Reply(200, PERSON), "cut", Reply(403, {"detail": PERSON})]
    with (
        structlog.testing.capture_logs() as logs,
        Gateway("", *answers) as server,
        pytest.raises(NotPermitted) as refused,
    ):
        client_of(server).send(call)
    assert len(logs) >= 4
    assert PERSON not in str(logs) + str(refused.value)
    assert path_template("/v1/people/7?x=1") == "/v1/people/{id}"


def test_a_budget_that_fails_after_the_call_does_not_lose_the_answer() -> None:
    class Away:
        def take(self, limit: Limit, lane: str, timeout: float = 60.0) -> int:
            return 1

        def give_back(self, ticket: int) -> None:
            raise Later("the database is away")

    limit = Limit(name="hourly", most=5, window=3600.0)
    with Gateway("", DONE) as server:
        api = Api(name="Vendor", base_url=server.url, limits=lambda _: (limit,))
        assert HttpClient(api, limiter=RateLimiter(Away())).send(READ).ok  # type: ignore[arg-type]


def test_nul_is_seen_wherever_it_hides() -> None:
    assert holds_nul({"a": [{"b\0": 1}]})
    assert not holds_nul({"a": ["\\0", 1, None]})
    with Gateway("", Reply(200, {"a": "x\0y"})) as server:
        assert client_of(server).send(READ).escapes
