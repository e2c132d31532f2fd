"""How much the simulated portal lets in, from whom, and what goes wrong when a test asks for it."""

from __future__ import annotations

import http.client
import json
import urllib.error
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from careloom.core.errors import UsageFault
from careloom.systems.hubspot.simulator import RunningSimulator
from hang import HANG
from systems.hubspot.simulator.api import Api

CONTACTS = "/crm/v3/objects/contacts"


@pytest.fixture(scope="module")
def simulator() -> Iterator[RunningSimulator]:
    with RunningSimulator() as running:
        yield running


@pytest.fixture
def api(simulator: RunningSimulator) -> Api:
    return Api(simulator)


def settings(api: Api, **extra: object) -> None:
    api.simulator.control("POST", "settings", extra)


def faults(api: Api, *items: dict[str, object]) -> None:
    api.simulator.control("POST", "faults", list(items))


# ---------------------------------------------------------------- limits


def test_the_hundred_and_first_request_in_ten_seconds_is_refused(api: Api) -> None:
    settings(api, tier="free")
    for number in range(99, -1, -1):
        reply = api("GET", CONTACTS)
        assert reply.status == 200
        assert reply.headers["x-hubspot-ratelimit-remaining"] == str(number)
    assert reply.headers["x-hubspot-ratelimit-max"] == "100"
    assert reply.headers["x-hubspot-ratelimit-interval-milliseconds"] == "10000"
    answer = api("GET", CONTACTS)
    assert answer.status == 429
    assert answer.body["message"] == "You have reached your ten_secondly_rolling limit."
    assert (answer.body["errorType"], answer.body["policyName"]) == ("RATE_LIMIT", "TEN_SECONDLY_ROLLING")
    assert api.state()["rate_limited"] == 1
    api.simulator.control("POST", "advance", {"seconds": 10})
    assert api("GET", CONTACTS).status == 200


def test_each_token_has_ten_seconds_of_its_own(api: Api) -> None:
    settings(api, tier="free")
    for _ in range(100):
        api("GET", CONTACTS)
    api.token = "pat-other"
    assert api("GET", CONTACTS).status == 200


@pytest.mark.parametrize(("tier", "most"), [("pro", "190"), ("enterprise", "190"), ("limit-increase", "250")])
def test_every_tier_says_its_limit(api: Api, tier: str, most: str) -> None:
    settings(api, tier=tier)
    assert api("GET", CONTACTS).headers["x-hubspot-ratelimit-max"] == most


def test_searches_have_a_limit_of_their_own_and_no_headers_of_the_other(api: Api) -> None:
    replies = [api("POST", f"{CONTACTS}/search", {}) for _ in range(6)]
    assert [reply.status for reply in replies] == [200] * 5 + [429]
    assert replies[5].body["message"] == "You have reached your secondly limit."
    assert "x-hubspot-ratelimit-remaining" not in replies[0].headers
    assert "x-hubspot-ratelimit-daily-remaining" in replies[0].headers
    assert "retry-after" not in replies[5].headers
    assert api("GET", CONTACTS).headers["x-hubspot-ratelimit-remaining"] == "189"
    api.simulator.control("POST", "advance", {"seconds": 1})
    assert api("POST", f"{CONTACTS}/search", {}).status == 200


def test_a_429_can_have_the_shape_that_was_seen_on_the_wire(api: Api) -> None:
    settings(api, rate_limit_body="observed", retry_after=True)
    answer = [api("POST", f"{CONTACTS}/search", {}) for _ in range(6)][-1]
    assert answer.body["category"] == "RATE_LIMITS"
    assert "errorType" not in answer.body
    assert answer.headers["retry-after"] == "1"


def test_the_day_is_counted_and_ends_at_midnight_of_the_account(api: Api) -> None:
    before = int(api("GET", CONTACTS).headers["x-hubspot-ratelimit-daily-remaining"])
    assert int(api("GET", CONTACTS).headers["x-hubspot-ratelimit-daily-remaining"]) == before - 1
    usage = api("GET", "/account-info/v3/api-usage/daily/private-apps").body["results"][0]
    assert (usage["currentUsage"], usage["usageLimit"]) == (3, 1_000_000)
    api.simulator.control("POST", "advance", {"days": 1})
    assert api("GET", CONTACTS).headers["x-hubspot-ratelimit-daily-remaining"] == "999999"


def test_an_oauth_app_has_its_own_limit_and_no_daily_headers(api: Api) -> None:
    settings(api, oauth=True)
    headers = api("GET", CONTACTS).headers
    assert headers["x-hubspot-ratelimit-max"] == "110"
    assert "x-hubspot-ratelimit-daily" not in headers


# ---------------------------------------------------------------- tokens and scopes


def test_no_token_and_an_expired_one_are_401(api: Api) -> None:
    answer = api("GET", CONTACTS, authorization="")
    assert (answer.status, answer.body["category"]) == (401, "INVALID_AUTHENTICATION")
    assert answer.body["message"].startswith("Authentication credentials not found. This API supports OAuth 2.0")
    api.token = "pat-expired-1"
    assert api("GET", CONTACTS).body["category"] == "EXPIRED_AUTHENTICATION"


def test_a_missing_scope_is_named(api: Api) -> None:
    settings(api, tokens={"pat-test": {"scopes": ["crm.objects.contacts.read"]}})
    assert api("GET", CONTACTS).status == 200
    reply = api("POST", CONTACTS, {"properties": {"lastname": "A"}})
    assert (reply.status, reply.body["category"]) == (403, "MISSING_SCOPES")
    assert reply.body["errors"][0]["context"]["requiredGranularScopes"] == ["crm.objects.contacts.write"]
    assert reply.body["links"] == {"scopes": "https://developers.hubspot.com/scopes"}


def test_a_sensitive_property_is_hidden_and_needs_its_own_scope(api: Api) -> None:
    definition = {"name": "diagnosis", "label": "D", "type": "string", "fieldType": "text"}
    path = "/crm/v3/properties/contacts"
    assert api("POST", path, definition | {"dataSensitivity": "sensitive"}).status == 201
    names = [result["name"] for result in api("GET", path).body["results"]]
    name_list = [result["name"] for result in api("GET", f"{path}?dataSensitivity=sensitive").body["results"]]
    assert "diagnosis" not in names
    assert name_list == ["diagnosis"]
    contact = api.contact(lastname="A", diagnosis="x")
    basic = ["crm.objects.contacts.read", "crm.objects.contacts.write"]
    settings(api, tokens={"pat-test": {"scopes": basic}})
    assert api("GET", f"{CONTACTS}/{contact}").status == 200
    for reply in (
        api("GET", f"{CONTACTS}/{contact}?properties=diagnosis"),
        api("PATCH", f"{CONTACTS}/{contact}", {"properties": {"diagnosis": "y"}}),
        api.batch("update", [{"id": contact, "properties": {"diagnosis": "y"}}]),
    ):
        assert (reply.status, reply.body["category"]) == (403, "MISSING_SCOPES")
    further_values = [*basic, "crm.objects.contacts.sensitive.read.v2", "crm.objects.contacts.sensitive.write.v2"]
    settings(api, tokens={"pat-test": {"scopes": further_values}})
    assert api("GET", f"{CONTACTS}/{contact}?properties=diagnosis").body["properties"]["diagnosis"] == "x"


# ---------------------------------------------------------------- faults


def test_a_status_fault_strikes_the_nth_request_that_fits(api: Api) -> None:
    faults(api, {"kind": "status", "status": 502, "nth": 2, "match": "/contacts", "method": "GET"})
    assert api("GET", "/crm/v3/owners").status == 200
    assert [api("GET", CONTACTS).status for _ in range(3)] == [200, 502, 200]


def test_a_fault_can_strike_every_second_request_but_only_twice(api: Api) -> None:
    fault = {"kind": "status", "status": 423, "every": 2, "times": 2, "retry_after": 2}
    faults(api, fault)
    replies = [api("GET", CONTACTS) for _ in range(7)]
    assert [reply.status for reply in replies] == [200, 423, 200, 423, 200, 200, 200]
    assert replies[1].headers["retry-after"] == "2"


def test_a_request_cut_after_its_write_was_done_and_one_cut_before_was_not(api: Api) -> None:
    for kind, done in (("cut_after_write", 1), ("cut_before_write", 1)):
        faults(api, {"kind": kind, "times": 1, "match": "batch/create"})
        with pytest.raises((http.client.HTTPException, ConnectionError)):
            api.batch("create", [{"properties": {"email": "a@x.example"}}])
        assert api.state()["objects"]["contacts"] == done
    assert api.state()["cut"] == 2
    assert api.state()["write_calls"] == 2


def test_a_storm_of_429_passes(api: Api) -> None:
    faults(api, {"kind": "storm_429", "seconds": 30})
    assert [api("GET", CONTACTS).status for _ in range(3)] == [429] * 3
    api.simulator.control("POST", "advance", {"seconds": 31})
    assert api("GET", CONTACTS).status == 200


def test_slow_requests_overlap(api: Api) -> None:
    faults(api, {"kind": "slow", "ms": 300, "match": "/contacts"})
    with ThreadPoolExecutor(20) as pool:
        assert {number.status for number in pool.map(lambda _n: api("GET", CONTACTS), range(20))} == {200}
    assert api.state()["most_at_once"] > 10


def test_an_unknown_fault_or_setting_is_refused(api: Api) -> None:
    for path, body in (("faults", [{"kind": "flood"}]), ("settings", {"speed": 1}), ("settings", {"tier": "gold"})):
        with pytest.raises(urllib.error.HTTPError) as error:
            api.simulator.control("POST", path, body)
        assert error.value.code == 400
        error.value.close()


# ---------------------------------------------------------------- control, starting, files


def test_staff_may_change_what_the_api_may_not(api: Api) -> None:
    contact = api.contact(email="a@x.example", lifecyclestage="customer")
    edit = {
        "object": "contacts",
        "id": contact,
        "properties": {"lifecyclestage": "lead", "hs_additional_emails": "b@x.example"},
    }
    api.simulator.control("POST", "edit", edit)
    read = api("GET", f"{CONTACTS}/b@x.example?idProperty=email&properties=lifecyclestage")
    assert (read.body["id"], read.body["properties"]["lifecyclestage"]) == (contact, "lead")


def test_staff_may_archive_and_restore(api: Api) -> None:
    contact = api.contact(email="a@x.example")
    api.simulator.control("POST", "archive", {"object": "contacts", "id": contact})
    assert api("GET", f"{CONTACTS}/{contact}").status == 404
    api.simulator.control("POST", "restore", {"object": "contacts", "id": contact})
    assert api("GET", f"{CONTACTS}/a@x.example?idProperty=email").body["id"] == contact


def test_the_state_counts_what_came(api: Api) -> None:
    api.contact(lastname="A")
    api("GET", f"{CONTACTS}/30001")
    api("GET", "/crm/objects/2026-09/0-1/30001")
    state = api.state()
    assert state["requests"]["GET /crm/objects/contacts/{id}"] == 2
    assert state["write_calls"] == 1
    assert state["total_requests"] == 3
    records = api.simulator.control("GET", "records/contacts")["results"]
    assert [record["properties"]["lastname"] for record in records] == ["A"]


def test_the_control_endpoints_answer_on_the_loopback_only() -> None:
    with RunningSimulator("--host", "0.0.0.0") as running:
        connection = http.client.HTTPConnection(running.url.removeprefix("http://"), timeout=HANG)
        connection.request("GET", "/__sim/state")
        assert connection.getresponse().status == 403
        connection.close()


def test_an_unknown_path_is_an_html_404(api: Api) -> None:
    reply = api("GET", "/crm/v3/nothing")
    assert reply.status == 404
    assert reply.headers["content-type"].startswith("text/html")


def test_every_answer_can_be_traced(api: Api) -> None:
    headers = api("GET", CONTACTS).headers
    assert headers["x-hubspot-correlation-id"]
    assert headers["x-trace"]


def test_a_file_fills_the_portal_and_reset_fills_it_again(tmp_path: Path) -> None:
    file = tmp_path / "contacts.jsonl"
    rows = [
        {"properties": [{"name": "clinic_key", "hasUniqueValue": True}]},
        {"id": 555, "email": "Ada@x.example", "clinic_key": "k1", "hs_additional_emails": "ada2@x.example"},
        {"firstname": "Ben", "shoe_size": 43},
    ]
    file.write_text("\n".join(json.dumps(row) for row in rows))
    with RunningSimulator("--contacts", str(file)) as running:
        for _ in range(2):
            api = Api(running, lag=60)
            assert api.search(("clinic_key", "EQ", "k1")).values["555"]["email"] == "ada@x.example"
            assert api("GET", f"{CONTACTS}/ada2@x.example?idProperty=email").body["id"] == "555"
            assert api.search(("shoe_size", "EQ", "43")).body["total"] == 1
            api("DELETE", f"{CONTACTS}/555")


def test_records_as_the_api_gives_them_are_read_and_what_is_not_known_is_told(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "contacts.jsonl"
    rows = [
        {"id": "555", "properties": {"firstname": "Ada", "email": "Ada@x.example", "lastname": None}},
        {"properties": {"firstname": "Ben", "shoe_size": "43"}},
        {"firstname": "Cara", "shoe_size": "40"},
    ]
    file.write_text("\n".join(json.dumps(row) for row in rows))
    with RunningSimulator("--contacts", str(file)) as running:
        held_results = running.control("GET", "records/contacts")["results"]
    assert [held_result["properties"]["firstname"] for held_result in held_results] == ["Ada", "Ben", "Cara"]
    assert (held_results[0]["id"], held_results[0]["properties"]["email"]) == ("555", "ada@x.example")
    assert capfd.readouterr().err.count("contacts.jsonl:2: the property 'shoe_size' was not declared") == 1


@pytest.mark.parametrize("row", [{"firstname": ["Ben"]}, {"properties": {"firstname": {"value": "Ben"}}}])
def test_a_value_that_is_no_text_is_told_with_its_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], row: dict[str, object]
) -> None:
    file = tmp_path / "contacts.jsonl"
    file.write_text('{"firstname": "Ada"}\n' + json.dumps(row))
    with pytest.raises(UsageFault):
        RunningSimulator("--contacts", str(file))
    assert "contacts.jsonl:2: the value of 'firstname' is not a text" in capfd.readouterr().err


def test_a_bad_file_stops_the_start(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "contacts.jsonl"
    file.write_text('{"firstname": "Ben"}\n[]\n')
    with pytest.raises(UsageFault):
        RunningSimulator("--contacts", str(file))
    assert "contacts.jsonl:2" in capfd.readouterr().err


def test_a_simulator_ends_when_whoever_started_it_is_gone() -> None:
    running = RunningSimulator()
    process = running._process
    process.stdin.close()
    assert process.wait(20) is not None
    running.close()
