"""What the simulated portal finds, in which order, and how soon."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from careloom.systems.hubspot.simulator import RunningSimulator
from systems.hubspot.simulator.api import Api

PATH = "/crm/v3/objects/contacts/search"


@pytest.fixture(scope="module")
def simulator() -> Iterator[RunningSimulator]:
    with RunningSimulator("--tier", "unlimited") as running:
        yield running


@pytest.fixture
def api(simulator: RunningSimulator) -> Api:
    return Api(simulator)


@pytest.fixture
def people(api: Api) -> dict[str, str]:
    """Ids by first name."""
    rows = [
        {"firstname": "Ada", "lastname": "Byron", "email": "ada@north.example", "hs_lead_status": "NEW"},
        {"firstname": "Ben", "lastname": "Stone", "email": "ben@south.example", "associatedcompanyid": "9"},
        {"firstname": "Cyd", "lastname": "stone", "email": "cyd@north.example", "associatedcompanyid": "10"},
        {"firstname": "Dee", "closedate": "2026-03-01T10:00:00Z"},
    ]
    return {row["firstname"]: api.contact(**row) for row in rows}


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ([("lastname", "EQ", "STONE")], "Ben Cyd"),
        ([("lastname", "NEQ", "stone")], "Ada"),
        ([("lastname", "IN", "stone", "byron")], "Ada Ben Cyd"),
        ([("lastname", "IN", "Stone")], ""),
        ([("lastname", "NOT_IN", "stone")], "Ada Dee"),
        ([("lastname", "HAS_PROPERTY")], "Ada Ben Cyd"),
        ([("lastname", "NOT_HAS_PROPERTY")], "Dee"),
        ([("email", "CONTAINS_TOKEN", "*@north.example")], "Ada Cyd"),
        ([("email", "NOT_CONTAINS_TOKEN", "*north*")], "Ben Dee"),
        ([("associatedcompanyid", "GT", "9")], "Cyd"),
        ([("associatedcompanyid", "GTE", "9")], "Ben Cyd"),
        ([("associatedcompanyid", "LT", "10")], "Ben"),
        ([("associatedcompanyid", "BETWEEN", "9", "10")], "Ben Cyd"),
        ([("hs_lead_status", "EQ", "NEW")], "Ada"),
        ([("hs_lead_status", "EQ", "new")], ""),
        ([("closedate", "EQ", "1772359200000")], "Dee"),
        ([("lastname", "EQ", "stone"), ("email", "EQ", "CYD@north.example")], "Cyd"),
        ([("email", "IN", "ada@north.example", "ben@south.example")], "Ada Ben"),
    ],
)
def test_every_operator_finds_what_it_says(
    api: Api, people: dict[str, str], filters: list[tuple[str, ...]], names: str
) -> None:
    reply = api.search(*filters)
    assert reply.status == 200
    firstnames = {result["properties"]["firstname"] for result in reply.body["results"]}
    assert firstnames == set(names.split())
    assert reply.body["total"] == len(firstnames)


def test_groups_are_alternatives(api: Api, people: dict[str, str]) -> None:
    groups = [
        {"filters": [{"propertyName": "firstname", "operator": "EQ", "value": "ada"}]},
        {"filters": [{"propertyName": "hs_object_id", "operator": "EQ", "value": people["Dee"]}]},
    ]
    reply = api("POST", PATH, {"filterGroups": groups})
    assert set(reply.values) == {people["Ada"], people["Dee"]}


def test_free_text_looks_at_the_searchable_properties(api: Api, people: dict[str, str]) -> None:
    assert set(api("POST", PATH, {"query": "sto"}).values) == {people["Ben"], people["Cyd"]}


@pytest.mark.parametrize("direction", ["ASCENDING", "DESCENDING"])
def test_records_without_the_sorting_property_come_last(api: Api, people: dict[str, str], direction: str) -> None:
    body = {"sorts": [{"propertyName": "lastname", "direction": direction}], "properties": ["lastname"]}
    reply = api("POST", PATH, body)
    names = [(result["properties"]["lastname"] or "").lower() for result in reply.body["results"]]
    assert names[-1] == ""
    assert names[:3] == sorted(names[:3], reverse=direction == "DESCENDING")


def test_a_changed_record_moves_to_the_end_of_what_was_modified(api: Api, people: dict[str, str]) -> None:
    before = api.search(("lastmodifieddate", "GT", "0"), sorts=["lastmodifieddate"])
    assert before.body["total"] == 4
    api("PATCH", f"/crm/v3/objects/contacts/{people['Ada']}", {"properties": {"city": "Here"}})
    after = api.search(("lastmodifieddate", "GT", "0"), sorts=["lastmodifieddate"])
    assert [result["id"] for result in after.body["results"]][-1] == people["Ada"]
    newest = after.body["results"][-1]["properties"]["lastmodifieddate"]
    assert list(api.search(("lastmodifieddate", "GTE", newest)).values) == [people["Ada"]]
    assert api.search(("lastmodifieddate", "GT", newest)).body["total"] == 0


def test_pages_hold_every_record_once(api: Api) -> None:
    for first in range(0, 700, 100):
        api.batch("create", [{"properties": {"lastname": f"L{first + n}"}} for n in range(100)])
    seen: list[str] = []
    after = "0"
    while True:
        reply = api.search(("hs_object_id", "GT", "0"), sorts=["hs_object_id"], limit=200, after=after)
        assert reply.body["total"] == 700
        seen += reply.values
        if "paging" not in reply.body:
            break
        after = reply.body["paging"]["next"]["after"]
    assert len(seen) == len(set(seen)) == 700


def test_pages_stay_right_while_other_records_change(api: Api) -> None:
    values = api.batch("create", [{"properties": {"lastname": f"L{n}", "city": "Here"}} for n in range(100)]).values
    seen: list[str] = []
    low = "0"
    while True:
        reply = api.search(("hs_object_id", "GT", low), ("city", "EQ", "here"), sorts=["hs_object_id"], limit=30)
        if not reply.body["results"]:
            break
        seen += reply.values
        low = seen[-1]
        api("PATCH", f"/crm/v3/objects/contacts/{seen[0]}", {"properties": {"zip": low}})
    assert sorted(seen) == sorted(values)


def test_only_new_records_are_missing_for_a_while(simulator: RunningSimulator) -> None:
    api = Api(simulator, lag=60)
    contact = api.contact(email="a@x.example", city="Old")
    assert api.search(("email", "EQ", "a@x.example")).body["total"] == 0
    assert api.search(("lastmodifieddate", "GT", "0")).body["total"] == 0
    simulator.control("POST", "advance", {"seconds": 61})
    assert api.search(("email", "EQ", "a@x.example")).body["total"] == 1
    api("PATCH", f"/crm/v3/objects/contacts/{contact}", {"properties": {"city": "New"}})
    assert api.search(("city", "EQ", "new")).body["total"] == 1
    api("DELETE", f"/crm/v3/objects/contacts/{contact}")
    assert api.search(("lastmodifieddate", "GT", "0")).body["total"] == 0


@pytest.mark.parametrize(
    "body",
    [
        {"filterGroups": [{"filters": []}] * 6},
        {"filterGroups": [{"filters": [{"propertyName": "city", "operator": "HAS_PROPERTY"}] * 7}]},
        {"filterGroups": [{"filters": [{"propertyName": "city", "operator": "HAS_PROPERTY"}] * 5}] * 4},
        {"filterGroups": [{"filters": [{"propertyName": "nope", "operator": "HAS_PROPERTY"}]}]},
        {"filterGroups": [{"filters": [{"propertyName": "city", "operator": "LIKE", "value": "x"}]}]},
        {"filterGroups": [{"filters": [{"propertyName": "closedate", "operator": "GT", "value": "soon"}]}]},
        {"sorts": ["city", "zip"]},
        {"limit": 201},
        {"limit": 200, "after": "9801"},
        {"query": "x" * 3_001},
    ],
)
def test_what_a_search_may_not_ask_is_refused(api: Api, body: dict[str, object]) -> None:
    reply = api("POST", PATH, body)
    assert (reply.status, reply.body["category"]) == (400, "VALIDATION_ERROR")


def test_records_are_found_by_what_they_are_tied_to(api: Api, people: dict[str, str]) -> None:
    deal = api("POST", "/crm/v3/objects/deals", {"properties": {"dealname": "D"}}).body["id"]
    api("PUT", f"/crm/v4/objects/contacts/{people['Ada']}/associations/default/deals/{deal}")
    assert list(api.search(("associations.deal", "EQ", deal)).values) == [people["Ada"]]


def test_a_choice_of_several_equals_each_of_them(api: Api) -> None:
    values = {"hs_pipeline_stage": "1", "hs_ticket_category": "PRODUCT_ISSUE;BILLING_ISSUE"}
    record_id = api("POST", "/crm/v3/objects/tickets", {"properties": values}).body["id"]
    for operator in ("EQ", "IN"):
        match = api.search(("hs_ticket_category", operator, "BILLING_ISSUE"), object_="tickets")
        assert list(match.values) == [record_id]
    assert api.search(("hs_ticket_category", "NEQ", "BILLING_ISSUE"), object_="tickets").body["total"] == 0


def test_the_same_search_sees_what_changed_since(api: Api, people: dict[str, str]) -> None:
    asked = ("city", "NOT_HAS_PROPERTY")
    assert api.search(asked).body["total"] == 4
    api("PATCH", f"/crm/v3/objects/contacts/{people['Ada']}", {"properties": {"city": "Here"}})
    assert set(api.search(asked).values) == {people["Ben"], people["Cyd"], people["Dee"]}
    api("DELETE", f"/crm/v3/objects/contacts/{people['Ben']}")
    assert set(api.search(asked).values) == {people["Cyd"], people["Dee"]}


def test_the_same_search_sees_ties_that_went(api: Api, people: dict[str, str]) -> None:
    deal = api("POST", "/crm/v3/objects/deals", {"properties": {"dealname": "D"}}).body["id"]
    path = f"/crm/v4/objects/contacts/{people['Ada']}/associations"
    api("PUT", f"{path}/default/deals/{deal}")
    assert api.search(("associations.deal", "EQ", deal)).body["total"] == 1
    api("DELETE", f"{path}/deals/{deal}")
    assert api.search(("associations.deal", "EQ", deal)).body["total"] == 0
