"""What the client repeats, what it waits for, and what it leaves to whoever asked."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import structlog

from careloom.core.errors import Later, NotPermitted, RemoteUnavailable
from careloom.core.ports import Limit
from careloom.systems.hubspot.client import bodies
from careloom.systems.hubspot.client.http import PATIENT, Client
from careloom.systems.hubspot.client.rate_limits import Ceilings, PortalLimits
from careloom.vendor_kit.call import AnswerLost, Call
from careloom.vendor_kit.limits import RateLimiter
from hang import HANG
from systems.hubspot.target.portals import Waits, script_server

READ = Call(method="GET", path="/crm/objects/2026-03/contacts", gives=bodies.batch)
SEARCH = Call(
    method="POST",
    path="/crm/objects/2026-03/contacts/search",
    repeatable=True,
    body={},
    limit="search",
    gives=bodies.batch,
)
WRITE = Call(
    method="POST",
    path="/crm/objects/2026-03/contacts/batch/update",
    body={"inputs": []},
    repeatable=False,
    gives=bodies.batch,
)
DONE = (200, {"status": "COMPLETE", "results": []})
DOCUMENTED_429 = {
    "status": "error",
    "message": "You have reached your ten_secondly_rolling limit.",
    "errorType": "RATE_LIMIT",
    "correlationId": "0",
    "policyName": "TEN_SECONDLY_ROLLING",
    "requestId": "0",
}
OBSERVED_429 = {"status": "error", "message": "You have reached your secondly limit.", "category": "RATE_LIMITS"}


class Budgeted:
    """A budget that writes down what it is told."""

    def __init__(self) -> None:
        self.open: dict[int, str] = {}
        self.taken: list[Limit] = []
        self.paused: list[tuple[str, float]] = []
        self.learned: list[tuple[str, int | None, int | None, datetime | None]] = []

    def take(self, limit: Limit, lane: str, timeout: float = 60.0) -> int:
        self.taken.append(limit)
        self.open[len(self.taken)] = limit.name
        return len(self.taken)

    def give_back(self, ticket: int) -> None:
        del self.open[ticket]

    def pause(self, limit: Limit, seconds: float) -> None:
        self.paused.append((limit.name, seconds))

    def learn(self, name: str, most: int | None, remaining: int | None, resets_at: datetime | None) -> None:
        self.learned.append((name, most, remaining, resets_at))

    def known(self, name: str) -> int | None:
        return None


def client_of(url: str, waits: Waits, budget: Any = None, ceilings: Ceilings | None = None, **policy: Any) -> Client:
    limiter = RateLimiter(budget, pause=waits)
    limits = PortalLimits(limiter, ceilings or Ceilings(), ZoneInfo("America/New_York"))
    return Client(url, "pat-secret", limits, policy=replace(PATIENT, read_timeout=HANG, **policy), pause=waits)


@pytest.mark.parametrize(
    ("call", "body", "headers", "limit", "seconds"),
    [
        (READ, DOCUMENTED_429, {}, "ten_secondly", 10.0),
        (WRITE, DOCUMENTED_429, {"retry-after": "3"}, "ten_secondly", 3.0),
        (SEARCH, OBSERVED_429, {}, "search", 1.0),
        (READ, {}, {}, "ten_secondly", 10.0),
        (READ, "<html>too many</html>", {}, "ten_secondly", 10.0),
    ],
)
def test_a_429_of_any_shape_pauses_everyone_and_is_asked_again(
    call: Call, body: Any, headers: dict[str, str], limit: str, seconds: float
) -> None:
    budget, waits = Budgeted(), Waits()
    with script_server((429, body, headers), DONE) as server:
        answer = client_of(server.url, waits, budget).send(call)
    assert answer.status == 200
    assert budget.paused == [(limit, seconds)]
    assert waits.seconds == [seconds]
    assert not budget.open


def test_a_used_up_day_stops_the_run_instead_of_waiting_for_it() -> None:
    budget, waits = Budgeted(), Waits()
    body = {"status": "error", "message": "You have reached your daily limit.", "policyName": "DAILY"}
    with script_server((429, body)) as server, pytest.raises(RemoteUnavailable) as error:
        client_of(server.url, waits, budget).send(READ)
    assert error.value.after is not None
    assert error.value.after > 60
    assert budget.paused[0][0] == "daily"
    assert len(server.asked) == 1


def test_a_lock_is_waited_out_for_two_seconds_at_least() -> None:
    waits = Waits()
    with script_server((423, {"status": "error"}), (423, {}), DONE) as server:
        assert client_of(server.url, waits).send(WRITE).ok
    assert len(waits.seconds) == 2
    assert min(waits.seconds) >= 2.0


def test_a_short_move_to_another_data_centre_is_waited_out() -> None:
    waits = Waits()
    with script_server((477, {}, {"retry-after": "7"}), DONE) as server:
        assert client_of(server.url, waits).send(WRITE).ok
    assert waits.seconds == [7.0]


def test_a_long_move_to_another_data_centre_ends_the_run_with_its_time() -> None:
    waits = Waits()
    with script_server((477, {}, {"retry-after": "86400"})) as server, pytest.raises(RemoteUnavailable) as error:
        client_of(server.url, waits).send(READ)
    assert error.value.after == 86400
    assert not waits.seconds


@pytest.mark.parametrize("status", [500, 502, 503, 504, 521, 524, 526])
def test_a_read_is_repeated_after_a_server_error(status: int) -> None:
    with script_server((status, "<html>gateway</html>"), (status, {}), DONE) as server:
        assert client_of(server.url, Waits()).send(READ).ok
        assert len(server.asked) == 3


@pytest.mark.parametrize("status", [503, 521, 523, 525, 526])
def test_a_write_that_never_reached_the_portal_is_repeated(status: int) -> None:
    with script_server((status, {}), DONE) as server:
        assert client_of(server.url, Waits()).send(WRITE).ok


@pytest.mark.parametrize("ending", ["cut", (500, {}), (502, {}), (504, {}), (520, {}), (524, {})])
def test_a_write_without_a_clear_answer_is_never_repeated_blindly(ending: Any) -> None:
    with script_server(ending, DONE) as server:
        with pytest.raises(AnswerLost):
            client_of(server.url, Waits()).send(WRITE)
        assert len(server.asked) == 1


def test_a_read_that_was_cut_is_repeated() -> None:
    with script_server("cut", "cut", DONE) as server:
        assert client_of(server.url, Waits()).send(READ).ok


def test_attempts_end_and_their_waits_grow_under_full_jitter() -> None:
    waits = Waits()
    with script_server((503, {})) as server:
        with pytest.raises(RemoteUnavailable):
            client_of(server.url, waits, attempts=6, first_wait=1.0, longest_backoff=4.0).send(WRITE)
        assert len(server.asked) == 6
    assert len(waits.seconds) == 5
    assert all(wait <= ceiling for wait, ceiling in zip(waits.seconds, (1, 2, 4, 4, 4), strict=True))
    assert len(set(waits.seconds)) == 5


def test_nobody_asks_a_dead_portal_for_ever() -> None:
    with script_server((503, {})) as server:
        client = client_of(server.url, Waits(), failures_in_a_row=8, rest=30.0)
        for _ in range(10):
            with pytest.raises(RemoteUnavailable):
                client.send(READ)
        assert len(server.asked) == 8
        with pytest.raises(RemoteUnavailable) as error:
            client.send(WRITE)
        assert 0 < (error.value.after or 0) <= 30


def test_one_success_after_the_rest_lets_everyone_in_again() -> None:
    with script_server((503, {}), (503, {}), DONE) as server:
        client = client_of(server.url, Waits(), failures_in_a_row=2, rest=0.0)
        assert client.send(READ).ok
        assert client.send(READ).ok
        assert len(server.asked) == 4


def test_a_refused_token_says_what_to_do_and_not_what_it_is() -> None:
    with script_server((401, {"status": "error", "category": "INVALID_AUTHENTICATION", "message": "no"})) as server:
        client = client_of(server.url, Waits())
        with pytest.raises(NotPermitted, match="service key") as error:
            client.send(READ)
    assert error.value.exit_code == 5
    assert "pat-secret" not in str(error.value) + repr(client)


def test_a_missing_scope_is_named() -> None:
    body = {
        "status": "error",
        "category": "MISSING_SCOPES",
        "errors": [{"message": "…", "context": {"requiredGranularScopes": ["crm.objects.contacts.write"]}}],
    }
    with script_server((403, body)) as server, pytest.raises(NotPermitted, match=r"crm\.objects\.contacts\.write"):
        client_of(server.url, Waits()).send(WRITE)


@pytest.mark.parametrize("status", [400, 404, 409, 415])
def test_what_speaks_of_the_records_is_left_to_whoever_sent_them(status: int) -> None:
    with script_server((status, {"status": "error"})) as server:
        assert client_of(server.url, Waits()).send(WRITE).status == status
        assert len(server.asked) == 1


def test_headers_teach_the_budget_and_every_place_is_given_back() -> None:
    budget = Budgeted()
    headers = {
        "X-HubSpot-RateLimit-Max": "190",
        "X-HubSpot-RateLimit-Remaining": "0",
        "X-HubSpot-RateLimit-Daily": "625000",
        "X-HubSpot-RateLimit-Daily-Remaining": "17",
    }
    with script_server((*DONE, headers)) as server:
        client = client_of(server.url, Waits(), budget)
        for _ in range(3):
            client.send(READ)
    assert ("ten_secondly", 190, None, None) in budget.learned
    assert [row[:3] for row in budget.learned if row[0] == "daily"] == [("daily", 625000, 17)]
    assert not budget.open
    assert [limit.most for limit in budget.taken if limit.name == "ten_secondly"] == [100, 190, 190]


def test_a_budget_that_fails_after_the_request_does_not_lose_its_answer() -> None:
    class Failing(Budgeted):
        def give_back(self, ticket: int) -> None:
            raise Later("the database is away")

        def learn(self, name: str, most: int | None, remaining: int | None, resets_at: datetime | None) -> None:
            raise Later("the database is away")

    with script_server((*DONE, {"X-HubSpot-RateLimit-Max": "190"})) as server:
        assert client_of(server.url, Waits(), Failing()).send(WRITE).body == {"status": "COMPLETE", "results": []}
        assert len(server.asked) == 1


def test_the_end_of_the_day_is_midnight_where_the_account_is() -> None:
    budget = Budgeted()
    headers = {"X-HubSpot-RateLimit-Daily": "10", "X-HubSpot-RateLimit-Daily-Remaining": "0"}
    with script_server((*DONE, headers | {"Date": "Tue, 03 Mar 2026 04:30:00 GMT"})) as server:
        client_of(server.url, Waits(), budget).send(READ)
    name, most, remaining, resets = budget.learned[-1]
    assert (name, most, remaining) == ("daily", 10, 0)
    assert resets is not None
    assert resets.isoformat() == "2026-03-03T05:00:00+00:00"


def test_a_search_takes_its_own_limit_and_not_the_ten_second_one() -> None:
    budget = Budgeted()
    with script_server(DONE) as server:
        client_of(server.url, Waits(), budget).send(SEARCH)
    assert [limit.name for limit in budget.taken] == ["daily", "search"]


def test_a_project_may_lower_the_limits_but_not_raise_them() -> None:
    budget = Budgeted()
    with script_server(DONE) as server:
        client_of(server.url, Waits(), budget, Ceilings(ten_secondly=40, daily=1000)).send(READ)
        client_of(server.url, Waits(), budget, Ceilings(ten_secondly=4000)).send(READ)
    assert [(limit.name, limit.most, limit.window) for limit in budget.taken] == [
        ("daily", 1000, 86_400.0),
        ("ten_secondly", 40, 10.0),
        ("daily", 250_000, 10.0),
        ("ten_secondly", 100, 10.0),
    ]


def test_the_log_of_a_request_holds_no_value_and_no_id() -> None:
    person = "jordan.abernathy@clinic.example"
    path = "/crm/objects/2026-03/contacts"
    calls = (
        Call(
            method="GET",
            path=f"{path}/{person}",
            template=f"{path}/{{id}}",
            query={"idProperty": person},
            gives=bodies.single,
        ),
        Call(
            method="POST",
            repeatable=True,
            path=f"{path}/batch/read",
            body={"inputs": [{"id": person}]},
            records=1,
            gives=bodies.batch,
        ),
    )
    with (
        structlog.testing.capture_logs() as logs,
        script_server((500, {}), (400, {"status": "error", "message": person}), "cut", DONE) as server,
    ):
        client = client_of(server.url, Waits())
        for call in calls:
            client.send(call)
    assert len(logs) >= 4
    assert person not in str(logs)
    assert {log["path"] for log in logs} == {f"{path}/{{id}}", f"{path}/batch/read"}


def test_every_request_is_counted_repeated_ones_too() -> None:
    with script_server((503, {}), (503, {}), DONE) as server:
        client = client_of(server.url, Waits())
        client.send(READ)
        assert client.requests() == len(server.asked) == 3
