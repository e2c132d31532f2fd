"""Properties, custom objects, associations and what the account says about itself."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from careloom.systems.hubspot.simulator import RunningSimulator
from systems.hubspot.simulator.api import KEY, Api

PROPERTIES = "/crm/v3/properties/contacts"


@pytest.fixture(scope="module")
def simulator() -> Iterator[RunningSimulator]:
    with RunningSimulator() as running:
        yield running


@pytest.fixture
def api(simulator: RunningSimulator) -> Api:
    return Api(simulator)


def pets(api: Api, **extra: object) -> str:
    body = {
        "name": "pets",
        "labels": {"singular": "Pet", "plural": "Pets"},
        "primaryDisplayProperty": "pet_name",
        "requiredProperties": ["pet_name"],
        "searchableProperties": ["pet_name"],
        "secondaryDisplayProperties": [],
        "associatedObjects": ["CONTACT"],
        "properties": [
            {"name": "pet_name", "label": "Name", "type": "string", "fieldType": "text"},
            {"name": "chip", "label": "Chip", "type": "string", "fieldType": "text", "hasUniqueValue": True},
        ],
        **extra,
    }
    reply = api("POST", "/crm-object-schemas/v3/schemas", body)
    assert reply.status == 201, reply.body
    return reply.body["objectTypeId"]


# ---------------------------------------------------------------- properties


@pytest.mark.parametrize(
    ("name", "type_", "read_only"),
    [
        ("email", "string", False),
        ("hs_analytics_source", "enumeration", False),
        ("hs_analytics_source_data_1", "string", True),
        ("first_conversion_event_name", "string", True),
        ("hs_additional_emails", "enumeration", True),
        ("date_of_birth", "string", False),
        ("state", "string", False),
        ("createdate", "datetime", True),
        ("hs_email_optout", "bool", True),
    ],
)
def test_default_properties_are_what_the_vendor_says(api: Api, name: str, type_: str, read_only: bool) -> None:
    found = {result["name"]: result for result in api("GET", PROPERTIES).body["results"]}[name]
    assert found["type"] == type_
    assert found["modificationMetadata"]["readOnlyValue"] is read_only
    assert found["hubspotDefined"]


def test_a_label_is_not_a_name(api: Api) -> None:
    assert api("GET", f"{PROPERTIES}/original_source").status == 404


def test_a_property_is_created_once(api: Api) -> None:
    assert api("POST", PROPERTIES, KEY).status == 201
    assert api("POST", PROPERTIES, KEY).status == 409
    assert api("GET", f"{PROPERTIES}/clinic_key").body["hasUniqueValue"]


def test_a_batch_of_properties_makes_those_it_can(api: Api) -> None:
    other = KEY | {"name": "other", "hasUniqueValue": False}
    reply = api("POST", f"{PROPERTIES}/batch/create", {"inputs": [other, {**KEY, "name": "email"}]})
    assert reply.status == 207
    assert [result["name"] for result in reply.body["results"]] == ["other"]
    assert reply.body["numErrors"] == 1


def test_there_can_be_ten_unique_properties_and_no_more(api: Api) -> None:
    replies = [api("POST", PROPERTIES, KEY | {"name": f"key_{n}"}).status for n in range(11)]
    assert replies == [201] * 10 + [400]


def test_an_archived_property_cannot_be_written(api: Api) -> None:
    api.key()
    assert api("DELETE", f"{PROPERTIES}/clinic_key").status == 204
    assert api("POST", "/crm/v3/objects/contacts", {"properties": {"clinic_key": "1"}}).status == 400
    assert [result["name"] for result in api("GET", f"{PROPERTIES}?archived=true").body["results"]] == ["clinic_key"]
    assert api("DELETE", f"{PROPERTIES}/email").status == 400


def test_new_options_are_admitted_at_once(api: Api) -> None:
    values = {"label": "A", "value": "a"}
    value_list = {"name": "tier", "label": "T", "type": "enumeration", "fieldType": "select", "options": [values]}
    api("POST", PROPERTIES, value_list)
    assert api("POST", "/crm/v3/objects/contacts", {"properties": {"lastname": "x", "tier": "b"}}).status == 400
    api("PATCH", f"{PROPERTIES}/tier", {"options": [values, {"label": "B", "value": "b"}]})
    api.contact(lastname="x", tier="b")


def test_sensitive_properties_need_an_enterprise_account(api: Api) -> None:
    api.simulator.control("POST", "settings", {"tier": "pro"})
    assert api("POST", PROPERTIES, KEY | {"dataSensitivity": "sensitive"}).status == 400


def test_groups_come_and_go(api: Api) -> None:
    path = f"{PROPERTIES}/groups"
    assert api("POST", path, {"name": "clinic", "label": "Clinic"}).status == 201
    assert api("POST", PROPERTIES, KEY | {"groupName": "clinic"}).status == 201
    assert api("DELETE", f"{path}/clinic").status == 400
    api("DELETE", f"{PROPERTIES}/clinic_key")
    assert api("DELETE", f"{path}/clinic").status == 204
    assert api("POST", PROPERTIES, KEY | {"groupName": "clinic"}).status == 400


# ---------------------------------------------------------------- custom objects


def test_a_custom_object_answers_to_all_its_names(api: Api) -> None:
    type_id = pets(api)
    assert type_id.startswith("2-")
    record_id = api("POST", f"/crm/v3/objects/{type_id}", {"properties": {"pet_name": "Rex"}}).body["id"]
    for spelling in ("pets", "p_pets", "p4242424_pets", type_id):
        assert api("GET", f"/crm/v3/objects/{spelling}/{record_id}").status == 200
        assert api("GET", f"/crm/v3/schemas/{spelling}").body["fullyQualifiedName"] == "p4242424_pets"


def test_a_custom_object_demands_what_it_requires_and_upserts_by_its_key(api: Api) -> None:
    pets(api)
    assert api("POST", "/crm/v3/objects/pets", {"properties": {"chip": "1"}}).status == 400
    values = {"id": "c1", "idProperty": "chip", "properties": {"pet_name": "Rex"}}
    assert [api.batch("upsert", [values], "pets").body["results"][0]["new"] for _ in range(2)] == [True, False]


def test_a_custom_object_with_records_cannot_be_deleted(api: Api) -> None:
    pets(api)
    record_id = api("POST", "/crm/v3/objects/pets", {"properties": {"pet_name": "Rex"}}).body["id"]
    assert api("DELETE", "/crm-object-schemas/v3/schemas/pets").status == 400
    api("DELETE", f"/crm/v3/objects/pets/{record_id}")
    assert api("DELETE", "/crm-object-schemas/v3/schemas/pets").status == 204
    assert api("GET", "/crm/v3/objects/pets").status == 400


def test_custom_objects_need_an_enterprise_account(api: Api) -> None:
    api.simulator.control("POST", "settings", {"tier": "pro"})
    assert api("POST", "/crm/v3/schemas", {"name": "pets"}).status == 403


# ---------------------------------------------------------------- associations


def contact_and_company(api: Api) -> tuple[str, str]:
    return api.contact(lastname="A"), api("POST", "/crm/v3/objects/companies", {"properties": {"name": "C"}}).body["id"]


def labels(api: Api, contact: str) -> set[tuple[int, str | None]]:
    results = api("GET", f"/crm/v4/objects/contacts/{contact}/associations/companies").body["results"]
    return {
        (association_type_["typeId"], association_type_["label"])
        for result in results
        for association_type_ in result["associationTypes"]
    }


def test_the_primary_label_brings_the_unlabelled_tie_along(api: Api) -> None:
    contact, company = contact_and_company(api)
    path = f"/crm/v4/objects/contacts/{contact}/associations/companies/{company}"
    spec = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 1}]
    assert api("PUT", path, spec).status == 201
    assert labels(api, contact) == {(1, "Primary"), (279, None)}
    back = api("GET", f"/crm/v4/objects/companies/{company}/associations/contacts").body["results"]
    assert back[0]["toObjectId"] == int(contact)
    assert {association_type_["typeId"] for association_type_ in back[0]["associationTypes"]} == {2, 280}


def test_a_labelled_put_replaces_the_labels(api: Api) -> None:
    contact, company = contact_and_company(api)
    answer = api("POST", "/crm/v4/associations/contacts/companies/labels", {"label": "Patient", "name": "patient"})
    number = next(result["typeId"] for result in answer.body["results"] if result["label"] == "Patient")
    path = f"/crm/v4/objects/contacts/{contact}/associations/companies/{company}"
    api("PUT", path, [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 1}])
    api("PUT", path, [{"associationCategory": "USER_DEFINED", "associationTypeId": number}])
    assert labels(api, contact) == {(number, "Patient"), (279, None)}


def test_without_the_unlabelled_tie_nothing_remains(api: Api) -> None:
    contact, company = contact_and_company(api)
    path = f"/crm/v4/objects/contacts/{contact}/associations/companies/{company}"
    api("PUT", path, [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 1}])
    ends = {"from": {"id": contact}, "to": {"id": company}}
    body = {"inputs": [{**ends, "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 279}]}]}
    api("POST", "/crm/v4/associations/contacts/companies/batch/labels/archive", body)
    assert labels(api, contact) == set()


def test_a_batch_of_ties_is_made_read_and_removed(api: Api) -> None:
    contact, company = contact_and_company(api)
    path = "/crm/v4/associations/contacts/companies/batch"
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 279}]
    good = {"from": {"id": contact}, "to": {"id": company}, "types": types}
    reply = api("POST", f"{path}/create", {"inputs": [good, good | {"to": {"id": "99"}}]})
    assert (reply.status, reply.body["numErrors"], len(reply.body["results"])) == (207, 1, 1)
    read = api("POST", f"{path}/read", {"inputs": [{"id": contact}, {"id": "99"}]})
    assert read.status == 207
    assert read.body["results"][0]["to"][0]["toObjectId"] == int(company)
    values = {"inputs": [{"from": {"id": contact}, "to": [{"id": company}]}]}
    assert api("POST", f"{path}/archive", values).status == 204
    assert labels(api, contact) == set()


def test_the_newest_version_answers_200_where_v4_answered_204(api: Api) -> None:
    path = "/crm/associations/2026-09/contacts/companies/batch/archive"
    assert api("POST", path, {"inputs": []}).status == 200


def test_a_record_can_be_created_with_its_ties(api: Api) -> None:
    company = contact_and_company(api)[1]
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 279}]
    body = {"properties": {"lastname": "B"}, "associations": [{"to": {"id": company}, "types": types}]}
    record_id = api("POST", "/crm/v3/objects/contacts", body).body["id"]
    read = api("GET", f"/crm/v3/objects/contacts/{record_id}?associations=companies").body
    assert read["associations"]["companies"]["results"] == [{"id": company, "type": "contact_to_company_unlabeled"}]


def test_ties_follow_a_merge_and_go_with_the_record(api: Api) -> None:
    contact, company = contact_and_company(api)
    other_contact = api.contact(lastname="B")
    api("PUT", f"/crm/v4/objects/contacts/{other_contact}/associations/default/companies/{company}")
    body = {"primaryObjectId": contact, "objectIdToMerge": other_contact}
    survivor = api("POST", "/crm/v3/objects/contacts/merge", body).body["id"]
    assert labels(api, survivor) == {(279, None)}
    api("DELETE", f"/crm/v3/objects/companies/{company}")
    assert labels(api, survivor) == set()


@pytest.mark.parametrize(
    ("pair", "number"),
    [
        ("contacts/deals", 4),
        ("contacts/tickets", 15),
        ("meetings/contacts", 200),
        ("appointments/contacts", 906),
        ("services/companies", 792),
    ],
)
def test_default_types_have_the_vendors_numbers(api: Api, pair: str, number: int) -> None:
    results = api("GET", f"/crm/v4/associations/{pair}/labels").body["results"]
    assert number in {result["typeId"] for result in results if result["label"] is None}


# ---------------------------------------------------------------- the account


def test_the_account_tells_its_zone_owners_and_pipelines(api: Api) -> None:
    assert api("GET", "/account-info/2026-03/details").body["timeZone"] == "US/Eastern"
    owners = api("GET", "/crm/v3/owners/").body["results"]
    assert len(owners) == 3
    assert api("GET", f"/crm/v3/owners/{owners[0]['id']}").body["email"] == owners[0]["email"]
    stages = api("GET", "/crm/v3/pipelines/tickets").body["results"][0]["stages"]
    assert [stage["id"] for stage in stages] == ["1", "2", "3", "4"]


def test_a_new_pipeline_brings_its_stages(api: Api) -> None:
    body = {"label": "Intake", "displayOrder": 1, "stages": [{"label": "Called", "stageId": "called"}]}
    pipeline = api("POST", "/crm/v3/pipelines/tickets", body).body
    ticket = {"hs_pipeline": pipeline["id"], "hs_pipeline_stage": "called"}
    assert api("POST", "/crm/v3/objects/tickets", {"properties": ticket}).status == 201
    assert api("POST", "/crm/v3/objects/tickets", {"properties": ticket | {"hs_pipeline_stage": "1"}}).status == 400
