"""What the client does about refusals, limits, outages and old tokens."""

from __future__ import annotations

import threading
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from careloom.core.errors import Fix, NotPermitted, RemoteUnavailable
from careloom.core.ports import Lane, Limit
from careloom.core.tokens import Token
from careloom.systems.drchrono.client import Client, said_wait, to_the_hour
from careloom.systems.drchrono.oauth import authorize_url, exchange
from careloom.systems.drchrono.simulator import RunningDrChrono
from careloom.vendor_kit.retry import RetryPolicy
from systems.drchrono.fake_practice import CALM, MemoryTokens, context_of, options_of, source_of, token_of


class NotedBudget:
    """`core.ports.Budget` that notes what it is asked, and refuses the limit called `full`."""

    def __init__(self, full: str = "") -> None:
        self.full = full
        self.taken: list[Limit] = []
        self.given: list[int] = []
        self.pauses: list[tuple[str, float]] = []

    def take(self, limit: Limit, lane: Lane, timeout: float = 60.0) -> int:
        if limit.name == self.full:
            raise RemoteUnavailable("full", after=1234.0)
        self.taken.append(limit)
        return len(self.taken)

    def give_back(self, ticket: int) -> None:
        self.given.append(ticket)

    def pause(self, limit: Limit, seconds: float) -> None:
        self.pauses.append((limit.name, seconds))

    def learn(self, name: str, most: int | None, remaining: int | None, resets_at: datetime | None) -> None: ...

    def known(self, name: str) -> int | None:
        return None


def client_of(simulator: RunningDrChrono, tokens: MemoryTokens, pauses: list[float] | None = None, **values) -> Client:
    waits = pauses if pauses is not None else []
    context = context_of(tokens, **values)
    return Client(options_of(simulator.url), context, policy=CALM, pause=waits.append)


def test_two_threads_with_a_refused_token_refresh_it_once(simulator: RunningDrChrono) -> None:
    tokens = MemoryTokens(token_of(simulator))
    client = client_of(simulator, tokens)
    client.get("/api/doctors")
    simulator.control("revoke")
    gate = threading.Barrier(4)

    def ask(_: int) -> int:
        gate.wait()
        return client.get("/api/doctors").status

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(ask, range(4))) == [200] * 4
    assert tokens.refreshes == 1
    assert simulator.control("calls")["refreshed"] == 1


def test_two_workers_with_a_refused_token_refresh_it_once(simulator: RunningDrChrono) -> None:
    tokens = MemoryTokens(token_of(simulator))
    clients = [client_of(simulator, tokens) for _ in range(2)]
    for client in clients:
        client.get("/api/doctors")
    simulator.control("revoke")
    with ThreadPoolExecutor(2) as threads:
        assert list(threads.map(lambda client: client.get("/api/doctors").status, clients)) == [200, 200]
    assert simulator.control("calls")["refreshed"] == 1


def test_a_token_about_to_expire_is_refreshed_before_the_call(simulator: RunningDrChrono) -> None:
    tokens = MemoryTokens(token_of(simulator, lives=timedelta(minutes=4)))
    client = client_of(simulator, tokens)
    assert client.get("/api/doctors").status == 200
    assert tokens.refreshes == 1
    assert "401" not in simulator.control("calls")
    client.get("/api/doctors")
    assert tokens.refreshes == 1


def test_a_refresh_token_that_was_used_asks_for_a_new_connection(simulator: RunningDrChrono) -> None:
    used = token_of(simulator)
    client_of(simulator, MemoryTokens(Token(access="old", refresh=used.refresh, expires_at=used.expires_at))).get(
        "/api/doctors"
    )
    late = MemoryTokens(Token(access="old", refresh=used.refresh, expires_at=used.expires_at))
    with pytest.raises(NotPermitted, match="careloom connect SYSTEM") as refused:
        client_of(simulator, late).get("/api/doctors")
    assert used.refresh not in str(refused.value)


def test_without_a_connection_the_message_says_how_to_make_one(simulator: RunningDrChrono) -> None:
    with pytest.raises(NotPermitted, match="careloom connect"):
        client_of(simulator, MemoryTokens(None)).get("/api/doctors")


def test_outages_are_tried_again_and_then_left_for_later(simulator: RunningDrChrono) -> None:
    client = client_of(simulator, MemoryTokens(token_of(simulator)))
    simulator.control("fail", statuses=[503, 0])
    assert client.get("/api/doctors").status == 200
    simulator.control("fail", statuses=[500, 502, 0])
    with pytest.raises(RemoteUnavailable) as later:
        client.get("/api/doctors")
    assert later.value.after
    assert client.get("/api/doctors").status == 200


def test_a_hidden_permission_is_a_persons_to_give(simulator: RunningDrChrono) -> None:
    client = client_of(simulator, MemoryTokens(token_of(simulator)))
    simulator.control("fail", statuses=[403])
    with pytest.raises(NotPermitted, match=r"/api/patients/\{id\}"):
        client.get("/api/patients/12345")


def test_every_call_takes_and_gives_back_a_place_in_the_hour_and_in_the_second(simulator: RunningDrChrono) -> None:
    budget = NotedBudget()
    client = client_of(simulator, MemoryTokens(token_of(simulator)), budget=budget)
    client.get("/api/doctors")
    assert budget.taken == [Limit(name="hourly", most=500, window=3600.0), Limit(name="secondly", most=9, window=1.0)]
    assert budget.given == [1, 2]


def test_a_full_budget_gives_back_what_was_taken_and_is_for_later(simulator: RunningDrChrono) -> None:
    budget = NotedBudget(full="secondly")
    client = client_of(simulator, MemoryTokens(token_of(simulator)), budget=budget)
    with pytest.raises(RemoteUnavailable):
        client.get("/api/doctors")
    assert budget.given == [1]
    assert client.requests() == 0


def test_a_used_up_hour_closes_the_budget_until_its_end(simulator: RunningDrChrono) -> None:
    budget = NotedBudget()
    impatient = RetryPolicy(longest_wait=0.0)
    simulator.control("settings", limited=True, hourly=0)
    source = source_of(simulator, budget=budget, patience=impatient)
    with pytest.raises(RemoteUnavailable) as later:
        source.fetch("patients", "1")
    ((name, seconds),) = budget.pauses
    assert name == "hourly"
    assert later.value.after == seconds
    assert 1 < seconds <= 3602


def test_a_throttled_second_is_waited_out(simulator: RunningDrChrono) -> None:
    budget, pauses = NotedBudget(), []
    client = client_of(simulator, MemoryTokens(token_of(simulator)), pauses, budget=budget)
    simulator.control("fail", statuses=[429])
    assert client.get("/api/doctors").status == 200
    assert budget.pauses == [("secondly", 1.5)]
    assert pauses == [1.5]


def test_a_429_without_seconds_twice_in_a_row_means_the_hour(simulator: RunningDrChrono) -> None:
    budget = NotedBudget()
    client = client_of(
        simulator,
        MemoryTokens(token_of(simulator)),
        budget=budget,
        clock=lambda: datetime(2026, 3, 1, 10, 40, tzinfo=UTC),
    )
    simulator.control("fail", statuses=[429, 429])
    with pytest.raises(RemoteUnavailable) as later:
        client.get("/api/doctors")
    assert later.value.after == 1202.0
    assert budget.pauses[-1] == ("hourly", 1202.0)


def test_a_scan_stopped_by_the_limit_loses_nothing(simulator: RunningDrChrono) -> None:
    values = {"bulk": False, "pages": {"patients": 9}, "patience": RetryPolicy(longest_wait=0.0)}
    scan = source_of(simulator, **values).scan("patients", None)
    pages = [next(scan), next(scan)]
    simulator.control("settings", limited=True, hourly=0)
    with pytest.raises(RemoteUnavailable):
        next(scan)
    simulator.control("settings", limited=False)
    rest = list(source_of(simulator, **values).scan("patients", None, pages[-1].checkpoint))
    read = [record.key for page in [*pages, *rest] for record in page.records if record.stream == "patients"]
    assert sorted(read) == sorted(simulator.control("truth")["patients"])


def test_addresses_on_other_hosts_are_not_followed(simulator: RunningDrChrono) -> None:
    client = client_of(simulator, MemoryTokens(token_of(simulator)))
    assert client.own_path(f"{simulator.url}/api/patients?cursor=x") == "/api/patients?cursor=x"
    for foreign in (
        "https://elsewhere.example/api/patients",
        "//elsewhere.example/api",
        simulator.url + ".evil.example/",
    ):
        with pytest.raises(Fix, match="another host"):
            client.own_path(foreign)
    assert client.get("/api/users/current").body["username"] == "sim"


def test_waits_are_read_from_bodies_and_clocks() -> None:
    assert said_wait({"detail": "Request was throttled. Expected available in 17 seconds."}) == 18.0
    assert said_wait({"detail": "Request was throttled. Expected available in 1 second."}) == 2.0
    assert said_wait({"detail": None}) is None
    assert to_the_hour(datetime(2026, 3, 1, 10, 59, 59, tzinfo=UTC)) == 3.0


def test_a_person_connects_once_with_a_code_that_works_once(simulator: RunningDrChrono) -> None:
    context, back = context_of(None), "http://127.0.0.1:1/callback"
    url = authorize_url(options_of(simulator.url), context, back, "state-1")

    class NoFollow(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *arguments):
            return None

    with pytest.raises(urllib.request.HTTPError) as redirected:
        urllib.request.build_opener(NoFollow).open(url)
    location = redirected.value.headers["location"]
    redirected.value.close()
    said = parse_qs(urlsplit(location).query)
    assert said["state"] == ["state-1"]
    token = exchange(options_of(simulator.url), context, back, said["code"][0])
    lives = token.expires_at - datetime.now(UTC)
    assert timedelta(hours=47) < lives <= timedelta(hours=48)
    assert token.access not in repr(token)
    with pytest.raises(NotPermitted, match="careloom connect"):
        exchange(options_of(simulator.url), context, back, said["code"][0])
    with pytest.raises(NotPermitted, match="client_id"):
        exchange(options_of(simulator.url, client_secret="wrong"), context, back, "x")
