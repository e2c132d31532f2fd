"""A body with another kind of value than its field holds is refused as wrong, never answered as an internal error."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from careloom.systems.hubspot.simulator import RunningSimulator
from systems.hubspot.simulator.api import Api

VALUES: tuple[Any, ...] = (None, "x", -1, 1.5, [], {}, ["a"], [{}], {"a": 1}, True)
LIST = {"name": "L", "objectTypeId": "0-1", "processingType": "DYNAMIC", "filterBranch": {"filterBranchType": "AND"}}
FILTER = {"filterType": "PROPERTY", "property": "city", "operation": {"operator": "IS_EQUAL_TO", "values": ["a"]}}
CONTACT = {"properties": {"lastname": "A"}}
SEARCH = "POST /crm/v3/objects/contacts/search"
TIES = "POST /crm/v4/associations/contacts/deals/batch/create"
TIES_V3 = "POST /crm/v3/associations/contacts/deals/batch/create"
BOUND = {"from": {"id": "1"}, "to": {"id": "1"}, "type": "contact_to_deal"}


def list_filter(value: dict[str, Any]) -> dict[str, Any]:
    return {**LIST, "filterBranch": {"filterBranchType": "AND", **value}}


BODIES: dict[str, list[Any]] = {
    "POST /crm/v3/lists": [
        *(lambda value, name=name: {**LIST, name: value} for name in LIST),
        *(lambda value, name=name: list_filter({name: value}) for name in ("filters", "filterBranches")),
        *(lambda value, name=name: list_filter({"filters": [{**FILTER, name: value}]}) for name in FILTER),
    ],
    "POST /crm/v3/lists/search": [
        lambda value, name=name: {name: value} for name in ("count", "offset", "query", "listIds", "processingTypes")
    ],
    "PUT /crm/v3/lists/1/memberships/add": [lambda value: value],
    "PUT /crm/v3/lists/1/memberships/add-and-remove": [
        lambda value: {"recordIdsToAdd": value, "recordIdsToRemove": []},
        lambda value: {"recordIdsToAdd": [], "recordIdsToRemove": value},
    ],
    "POST /crm/v3/objects/contacts": [
        lambda value: {"properties": value},
        lambda value: {"properties": {"closedate": value}},
        lambda value: {**CONTACT, "associations": value},
    ],
    "POST /crm/v3/objects/contacts/batch/create": [lambda value: {"inputs": [{**CONTACT, "associations": value}]}],
    "POST /crm/v3/objects/contacts/batch/read": [
        lambda value, name=name: {"inputs": [{"id": "1"}], name: value}
        for name in ("properties", "propertiesWithHistory", "idProperty")
    ],
    "POST /crm/v3/objects/contacts/batch/upsert": [
        lambda value: {"inputs": [{"id": value, "idProperty": value, "properties": value}]}
    ],
    SEARCH: [
        *(
            lambda value, name=name: {name: value}
            for name in ("filterGroups", "sorts", "properties", "query", "limit", "after")
        ),
        lambda value: {"filterGroups": [{"filters": value}]},
    ],
    TIES: [lambda value, name=name: {"inputs": [{**BOUND, name: value}]} for name in ("from", "to", "types")],
    TIES_V3: [lambda value, name=name: {"inputs": [{**BOUND, name: value}]} for name in ("from", "to", "type")],
    "POST /crm/v3/pipelines/deals": [lambda value: {"label": value, "stages": value}],
    "POST /crm/v3/properties/contacts": [
        lambda value: {"name": "zz", "type": "enumeration", "fieldType": "select", "options": value},
        lambda value: {"name": value, "type": value, "fieldType": value, "groupName": value},
    ],
    "POST /crm-object-schemas/v3/schemas": [
        lambda value: {"name": "aa", "labels": value, "properties": value, "associatedObjects": value}
    ],
}


@pytest.fixture(scope="module")
def api() -> Iterator[Api]:
    with RunningSimulator("--tier", "unlimited") as running:
        yield Api(running)


@pytest.mark.parametrize("place", BODIES)
def test_a_wrong_body_is_no_internal_error(api: Api, place: str) -> None:
    method, path = place.split(" ")
    bodies = [made(value) for made in BODIES[place] for value in VALUES]
    assert [body for body in bodies if api(method, path, body).status >= 500] == []


def test_the_field_that_is_wrong_is_named(api: Api) -> None:
    answer = api("POST", "/crm/v3/objects/contacts/search", {"filterGroups": "x"})
    assert (answer.status, answer.body["category"]) == (400, "VALIDATION_ERROR")
    assert answer.body["message"].endswith("Cannot deserialize value of field filterGroups")
