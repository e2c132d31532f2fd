"""What is done about inputs that the portal refuses, and about answers that do not say what became of them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest

from careloom.core.ports import Batch, Write
from careloom.systems.hubspot.simulator import RunningSimulator
from systems.hubspot.target.portals import KEY, VERSIONS, Portal, open_target, person, script_server, verdicts


@pytest.fixture(scope="module")
def simulator() -> Iterator[RunningSimulator]:
    with RunningSimulator("--seed", "5") as running:
        yield running


@pytest.fixture(params=VERSIONS)
def portal(simulator: RunningSimulator, request: pytest.FixtureRequest) -> Iterator[Portal]:
    portal = Portal(simulator, request.param)
    yield portal
    portal.target.close()


@pytest.fixture
def dated_portal(simulator: RunningSimulator) -> Iterator[Portal]:
    portal = Portal(simulator)
    yield portal
    portal.target.close()


def test_bad_rows_are_held_with_their_own_reason_and_good_ones_land(portal: Portal) -> None:
    portal.people(1, first=900)
    writes = [person(number) for number in range(100)]
    writes[3] = person(3, email="nonsense")
    writes[40] = person(40, plan="bronze")
    former_calls = portal.calls()
    outcomes = portal.deliver("create", writes)
    assert portal.calls() - former_calls == 1
    held_keys = {outcome.key: (outcome.code, outcome.property) for outcome in outcomes if outcome.verdict == "held"}
    assert held_keys == {"k3": ("INVALID_EMAIL", "email"), "k40": ("INVALID_OPTION", "plan")}
    assert sum(outcome.verdict == "ok" for outcome in outcomes) == 98
    assert len(portal.records()) == 99


def test_a_property_that_the_portal_lacks_is_named_for_each_row_that_has_it(portal: Portal) -> None:
    outcomes = portal.deliver("create", [person(1), person(2, shoe_size="42"), person(3)])
    assert [outcome.verdict for outcome in outcomes] == ["ok", "held", "ok"]
    assert (outcomes[1].code, outcomes[1].property) == ("PROPERTY_DOESNT_EXIST", "shoe_size")


def batch_server(refuse: Any) -> Any:
    """A portal that refuses a whole batch where `refuse` says why, and otherwise writes it, permuted."""

    def answer(asked: tuple[str, str, Any]) -> Any:
        _, path, body = asked
        if "/properties/" in path:
            return 200, {"results": [{"name": KEY, "type": "string", "hasUniqueValue": True}]}
        refusal = refuse(body["inputs"])
        if refusal is not None:
            return refusal
        results = [
            {"id": f"9{input_['id']}", "properties": input_["properties"], "new": True} for input_ in body["inputs"]
        ]
        return 200, {"status": "COMPLETE", "results": results[::-1]}

    return script_server(answer)


@pytest.mark.parametrize("bad", [{0}, {99}, {50}, {7, 8}, {1, 33, 98}, set(range(20)), set(range(100))])
def test_a_batch_refused_as_a_whole_is_sifted_in_few_requests(bad: set[int]) -> None:
    def refuse(inputs: list[Any]) -> Any:
        if any(int(input_["id"]) in bad for input_ in inputs):
            return 400, {"status": "error", "category": "VALIDATION_ERROR", "message": "One of the inputs is wrong"}
        return None

    with batch_server(refuse) as server:
        target = open_target(server.url)
        target.shape("contacts")
        former_requests = target.requests()
        writes = [Write(key=str(n), values={KEY: str(n), "firstname": "A"}) for n in range(100)]
        outcomes = target.deliver(Batch(object="contacts", kind="create", key_property=KEY, writes=writes))
        requests = target.requests() - former_requests
    assert {int(outcome.key) for outcome in outcomes if outcome.verdict == "held"} == bad
    assert sum(outcome.verdict == "ok" for outcome in outcomes) == 100 - len(bad)
    assert all(outcome.code == "VALIDATION_ERROR" for outcome in outcomes if outcome.verdict == "held")
    assert requests <= len(bad) * (1 + 2 * math.log2(100))


def test_a_whole_refusal_that_quotes_a_value_needs_no_sifting() -> None:
    def refuse(inputs: list[Any]) -> Any:
        wrong = [input_ for input_ in inputs if input_["properties"].get("plan") == "bronze"]
        if not wrong:
            return None
        complaint = '[{"isValid":false,"message":"bronze was not one of the allowed options: [GOLD]","error":"INVALID_OPTION","name":"plan"}]'
        return 400, {
            "status": "error",
            "message": f"Property values were not valid: {complaint}",
            "category": "VALIDATION_ERROR",
        }

    with batch_server(refuse) as server:
        target = open_target(server.url)
        target.shape("contacts")
        former_requests = target.requests()
        writes = [
            Write(key=str(n), values={KEY: str(n), "plan": "bronze" if n in (4, 77) else "gold"}) for n in range(100)
        ]
        outcomes = target.deliver(Batch(object="contacts", kind="create", key_property=KEY, writes=writes))
        assert target.requests() - former_requests == 2
    assert [outcome.key for outcome in outcomes if outcome.verdict == "held"] == ["4", "77"]
    assert {outcome.property for outcome in outcomes if outcome.verdict == "held"} == {"plan"}


def test_a_whole_conflict_that_names_only_the_holder_is_traced_to_its_input() -> None:
    def answer(asked: tuple[str, str, Any]) -> Any:
        _, path, body = asked
        if "/properties/" in path:
            return 200, {"results": [{"name": "email", "type": "string"}]}
        if path.partition("?")[0].endswith("batch/read"):
            return 200, {"results": [{"id": "3401", "properties": {"email": "b@clinic.example"}}]}
        if any(input_["properties"]["email"] == "B@clinic.example" for input_ in body["inputs"]):
            return 409, {
                "status": "error",
                "message": "Contact already exists. Existing ID: 3401",
                "category": "CONFLICT",
            }
        results = [{"id": f"9{n}", "properties": one["properties"]} for n, one in enumerate(body["inputs"])]
        return 201, {"status": "COMPLETE", "results": results}

    with script_server(answer) as server:
        target = open_target(server.url)
        writes = [Write(key=mail, values={"email": f"{mail}@clinic.example"}) for mail in ("a", "B", "c", "d")]
        outcomes = target.deliver(Batch(object="contacts", kind="create", key_property="email", writes=writes))
    assert [outcome.verdict for outcome in outcomes] == ["ok", "taken", "ok", "ok"]
    assert (outcomes[1].remote_id, outcomes[1].property) == ("3401", "email")


def test_a_2xx_that_writes_nothing_is_not_believed() -> None:
    empty = {"status": "COMPLETE", "results": [], "errors": []}

    def answer(asked: tuple[str, str, Any]) -> Any:
        _, path, _ = asked
        if "/properties/" in path:
            return 200, {"results": [{"name": KEY, "type": "string", "hasUniqueValue": True}]}
        return 200, empty

    with script_server(answer) as server:
        writes = [person(number) for number in range(5)]
        batch = Batch(object="contacts", kind="create", key_property=KEY, writes=writes)
        outcomes = open_target(server.url).deliver(batch)
    assert [(outcome.verdict, outcome.code) for outcome in outcomes] == [("later", "NOT_WRITTEN")] * 5


def test_our_own_write_that_shows_late_is_not_taken_for_a_strangers() -> None:
    own_values = {"email": "a@clinic.example", "firstname": "Kim"}
    state = {"creates": 0}

    def answer(asked: tuple[str, str, Any]) -> Any:
        _, path, body = asked
        if "/properties/" in path:
            return 200, {"results": [{"name": "email", "type": "string"}]}
        if path.partition("?")[0].endswith("batch/read"):
            shown = body.get("idProperty") is None  # by id at once, by mail address too late
            return 200, {"results": [{"id": "5", "properties": own_values}] if shown else []}
        state["creates"] += 1
        if state["creates"] == 1:
            return "cut"
        return 409, {"message": "Contact already exists. Existing ID: 5", "category": "CONFLICT"}

    with script_server(answer) as server:
        writes = [Write(key="a", values=own_values)]
        (outcome,) = open_target(server.url).deliver(
            Batch(object="contacts", kind="create", key_property="email", writes=writes)
        )
    assert (outcome.verdict, outcome.remote_id, outcome.is_new) == ("ok", "5", True)


def test_an_empty_2xx_once_is_looked_up_and_sent_again(dated_portal: Portal) -> None:
    dated_portal.people(1, first=900)
    dated_portal.faults(
        {"kind": "status", "status": 200, "body": {"status": "COMPLETE", "results": []}, "match": "upsert", "times": 1}
    )
    outcomes = dated_portal.deliver("create", [person(number) for number in range(10)])
    assert verdicts(outcomes) == {"ok"}
    assert len(dated_portal.records()) == 11
