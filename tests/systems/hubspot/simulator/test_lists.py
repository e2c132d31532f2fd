"""Lists: definitions, members by hand and by filters, and what happens to members whose records go."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from careloom.systems.hubspot.simulator import RunningSimulator
from systems.hubspot.simulator.api import Api, Reply


@pytest.fixture(scope="module")
def simulator() -> Iterator[RunningSimulator]:
    with RunningSimulator("--tier", "unlimited") as running:
        yield running


@pytest.fixture
def api(simulator: RunningSimulator) -> Api:
    return Api(simulator)


def create_list(api: Api, name: str = "Seen today", **extra: Any) -> str:
    values = {"name": name, "objectTypeId": "0-1", "processingType": "MANUAL", **extra}
    reply = api("POST", "/crm/v3/lists", values)
    assert reply.status == 200, reply.body
    return reply.body["list"]["listId"]


def branch(*filters: tuple[str, str, list[str]]) -> dict[str, Any]:
    inner = [
        {
            "filterType": "PROPERTY",
            "property": name,
            "operation": {"operationType": "MULTISTRING", "operator": operator, "values": values},
        }
        for name, operator, values in filters
    ]
    return {"filterBranchType": "OR", "filterBranches": [{"filterBranchType": "AND", "filters": inner}], "filters": []}


def in_list(api: Api, list_id: str, query: str = "") -> list[str]:
    return [row["recordId"] for row in api("GET", f"/crm/v3/lists/{list_id}/memberships{query}").body["results"]]


def refusal(reply: Reply, status: int = 400) -> Any:
    assert reply.status == status, reply.body
    return reply.body


def test_a_list_is_found_by_id_by_name_and_by_search(api: Api) -> None:
    one, other = create_list(api), create_list(api, "Due")
    assert api("GET", f"/crm/v3/lists/{one}").body["list"]["name"] == "Seen today"
    assert api("GET", "/crm/v3/lists/object-type-id/0-1/name/Due").body["list"]["listId"] == other
    both = api("GET", f"/crm/v3/lists?listIds={one}&listIds={other}&listIds=99").body["lists"]
    assert [row["listId"] for row in both] == [one, other]
    page = api("POST", "/crm/v3/lists/search", {"query": "se", "count": 1, "offset": 0}).body
    assert (page["total"], page["hasMore"], page["lists"][0]["listId"]) == (1, False, one)
    assert page["lists"][0]["additionalProperties"]["hs_list_size"] == "0"
    assert api("POST", "/crm/v3/lists/search", {"count": 1}).body["hasMore"]


def test_members_are_added_and_removed_and_what_is_nowhere_is_named(api: Api) -> None:
    kept, contact, there = create_list(api), api.contact(lastname="A"), api.contact(lastname="B")
    body = api("PUT", f"/crm/v3/lists/{kept}/memberships/add", [contact, "99", contact]).body
    assert body == {"recordsIdsAdded": [contact], "recordIdsRemoved": [], "recordIdsMissing": ["99"]}
    change = {"recordIdsToAdd": [there], "recordIdsToRemove": [contact]}
    assert api("PUT", f"/crm/v3/lists/{kept}/memberships/add-and-remove", change).body["recordIdsRemoved"] == [contact]
    assert in_list(api, kept) == [there]
    rows = api("GET", f"/crm/v3/lists/records/0-1/{there}/memberships").body
    assert [row["listId"] for row in rows["results"]] == [kept]
    assert api("PUT", f"/crm/v3/lists/{kept}/memberships/remove", [there]).body["recordIdsRemoved"] == [there]
    assert api("GET", f"/crm/v3/lists/{kept}").body["list"]["size"] == 0


def test_members_come_in_pages(api: Api) -> None:
    kept, ids = create_list(api), [api.contact(lastname=f"L{number}") for number in range(5)]
    api("PUT", f"/crm/v3/lists/{kept}/memberships/add", ids[::-1])
    assert in_list(api, kept, "?limit=3") == ids[:3]
    first = api("GET", f"/crm/v3/lists/{kept}/memberships/join-order?limit=3").body
    assert [row["recordId"] for row in first["results"]] == ids[:1:-1]
    after = first["paging"]["next"]["after"]
    other_body = api("GET", f"/crm/v3/lists/{kept}/memberships/join-order?limit=3&after={after}").body
    assert [row["recordId"] for row in other_body["results"]] == ids[1::-1]
    assert "paging" not in other_body
    refusal(api("GET", f"/crm/v3/lists/{kept}/memberships?limit=251"))


def test_a_dynamic_list_chooses_its_members_itself(api: Api) -> None:
    contact, there = api.contact(lastname="A", city="Troy"), api.contact(lastname="B", city="Albany")
    kept = create_list(api, processingType="DYNAMIC", filterBranch=branch(("city", "IS_EQUAL_TO", ["Troy"])))
    assert in_list(api, kept) == [contact]
    api("PATCH", f"/crm/v3/objects/contacts/{there}", {"properties": {"city": "troy"}})
    assert in_list(api, kept) == [contact, there]
    refusal(api("PUT", f"/crm/v3/lists/{kept}/memberships/add", [contact]))
    other_values = {"filterBranch": branch(("lastname", "IS_NONE_OF", ["A"]), ("city", "STARTS_WITH", ["Tr"]))}
    updated_list = api("PUT", f"/crm/v3/lists/{kept}/update-list-filters", other_values).body["updatedList"]
    assert (updated_list["listVersion"], updated_list["size"]) == (2, 1)
    assert "filterBranch" not in api("GET", f"/crm/v3/lists/{kept}").body["list"]
    assert (
        api("GET", f"/crm/v3/lists/{kept}?includeFilters=true").body["list"]["filterBranch"]
        == other_values["filterBranch"]
    )


def test_a_filter_that_is_not_evaluated_is_refused_and_makes_no_list(api: Api) -> None:
    values = {"filterBranchType": "AND", "filters": [{"filterType": "FORM_SUBMISSION", "operation": {}}]}
    body = {"name": "F", "objectTypeId": "0-1", "processingType": "DYNAMIC", "filterBranch": values}
    assert "simulator" in refusal(api("POST", "/crm/v3/lists", body))["message"]
    assert api("POST", "/crm/v3/lists/search", {}).body["total"] == 0


def test_members_follow_merges_and_leave_with_their_records(api: Api, simulator: RunningSimulator) -> None:
    kept = create_list(api)
    ids = [api.contact(email=f"p{number}@x.example") for number in range(3)]
    api("PUT", f"/crm/v3/lists/{kept}/memberships/add", ids)
    merged = simulator.control("POST", "merge", {"object": "contacts", "primary": ids[0], "other": ids[1]})["id"]
    api("DELETE", f"/crm/v3/objects/contacts/{ids[2]}")
    assert in_list(api, kept) == [merged]


def test_a_deleted_list_is_gone_until_it_is_restored(api: Api) -> None:
    kept, contact = create_list(api), api.contact(lastname="A")
    api("PUT", f"/crm/v3/lists/{kept}/memberships/add", [contact])
    assert api("DELETE", f"/crm/v3/lists/{kept}").status == 204
    assert refusal(api("GET", f"/crm/v3/lists/{kept}"), 404)["category"] == "OBJECT_NOT_FOUND"
    assert api("GET", f"/crm/v3/lists/records/0-1/{contact}/memberships").body["results"] == []
    assert api("PUT", f"/crm/v3/lists/{kept}/restore").status == 204
    assert in_list(api, kept) == [contact]


def test_one_list_is_filled_from_another_and_emptied(api: Api) -> None:
    source, target, contact = create_list(api), create_list(api, "Copy"), api.contact(lastname="A")
    api("PUT", f"/crm/v3/lists/{source}/memberships/add", [contact])
    assert api("PUT", f"/crm/v3/lists/{target}/memberships/add-from/{source}").status == 204
    assert in_list(api, target) == [contact]
    assert api("DELETE", f"/crm/v3/lists/{target}/memberships").status == 204
    assert (in_list(api, target), in_list(api, source)) == ([], [contact])


def test_a_name_that_is_taken_and_fields_that_lack_are_refused_in_the_vendors_words(api: Api) -> None:
    kept = create_list(api)
    body = refusal(
        api("POST", "/crm/v3/lists", {"name": "SEEN today", "objectTypeId": "0-1", "processingType": "MANUAL"})
    )
    assert (body["category"], body["subCategory"]) == ("VALIDATION_ERROR", "ILS.DUPLICATE_LIST_NAMES")
    create_list(api, "Other")
    assert refusal(api("PUT", f"/crm/v3/lists/{kept}/update-list-name?listName=other"))["subCategory"]
    assert api("PUT", f"/crm/v3/lists/{kept}/update-list-name?listName=New").body["updatedList"]["name"] == "New"
    lacking = refusal(api("POST", "/crm/v3/lists", {}))["message"]
    assert lacking.endswith("Some required fields were not set: [name, objectTypeId, processingType]")
    refusal(api("PUT", f"/crm/v3/lists/{kept}/memberships/add", {"ids": []}))


def test_lists_have_scopes_of_their_own(api: Api, simulator: RunningSimulator) -> None:
    simulator.control("POST", "settings", {"tokens": {"pat-test": {"scopes": ["crm.objects.contacts.write"]}}})
    body = refusal(api("POST", "/crm/v3/lists/search", {}), 403)
    assert body["errors"][0]["context"]["requiredGranularScopes"] == ["crm.lists.read"]
