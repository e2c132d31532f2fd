"""The contract: the vendor's own two clients must find in the simulated portal what they expect of the real one.

The new client checks every answer against the vendor's types. Those say that property values are never null, which the
real portal does not keep to; reads here therefore ask for properties that have values.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import hubspot_sdk
import pytest
from hubspot import HubSpot
from hubspot.crm.associations.v4 import AssociationSpec, BatchInputPublicAssociationMultiPost
from hubspot.crm.contacts import (
    ApiException,
    BatchInputSimplePublicObjectBatchInput,
    BatchInputSimplePublicObjectBatchInputForCreate,
    BatchInputSimplePublicObjectBatchInputUpsert,
    BatchInputSimplePublicObjectId,
    BatchReadInputSimplePublicObjectId,
    PublicMergeInput,
    PublicObjectSearchRequest,
    SimplePublicObjectInput,
    SimplePublicObjectInputForCreate,
)
from hubspot.crm.properties import PropertyCreate

from careloom.systems.hubspot.simulator import RunningSimulator
from systems.hubspot.simulator_api import KEY, Api


@pytest.fixture(scope="module")
def simulator() -> Iterator[RunningSimulator]:
    with RunningSimulator("--tier", "unlimited") as running:
        yield running


@pytest.fixture
def api(simulator: RunningSimulator) -> Api:
    return Api(simulator)


@pytest.fixture
def old(api: Api) -> HubSpot:
    return HubSpot(access_token="pat-old", host=api.simulator.url, base_url=api.simulator.url)


@pytest.fixture
def new(api: Api) -> Iterator[hubspot_sdk.HubSpot]:
    with hubspot_sdk.HubSpot(
        access_token="pat-new", base_url=api.simulator.url, max_retries=0, _strict_response_validation=True
    ) as client:
        yield client


# ---------------------------------------------------------------- hubspot-api-client, v3 and v4


def created(client: HubSpot, **properties: str) -> Any:
    return client.crm.contacts.basic_api.create(SimplePublicObjectInputForCreate(properties=properties))


def test_the_old_client_writes_and_reads_a_contact(old: HubSpot) -> None:
    contacts = old.crm.contacts.basic_api
    made = created(old, email="a@x.example", firstname="Ada")
    contacts.update(made.id, SimplePublicObjectInput(properties={"city": "Here"}))
    read = contacts.get_by_id("a@x.example", id_property="email", properties=["city", "zip"])
    assert (read.id, read.properties["city"], read.properties["zip"]) == (made.id, "Here", None)
    contacts.archive(made.id)
    with pytest.raises(ApiException) as gone:
        contacts.get_by_id(made.id)
    assert gone.value.status == 404
    assert contacts.get_by_id(made.id, archived=True).archived


def test_the_old_client_is_told_of_a_duplicate(old: HubSpot) -> None:
    made = created(old, email="a@x.example")
    with pytest.raises(ApiException) as refused:
        created(old, email="a@x.example")
    assert refused.value.status == 409
    assert f"Existing ID: {made.id}" in refused.value.body


def test_the_old_client_reads_all_pages(old: HubSpot, api: Api) -> None:
    for _ in range(3):
        api.batch("create", [{"properties": {"lastname": "A"}} for _ in range(100)])
    assert len(old.crm.contacts.get_all()) == 300


def test_the_old_client_sends_batches(old: HubSpot, api: Api) -> None:
    api.key()
    batch = old.crm.contacts.batch_api
    inputs: list[Any] = [{"properties": {"email": f"p{n}@x.example"}} for n in range(3)]
    made = batch.create(BatchInputSimplePublicObjectBatchInputForCreate(inputs=inputs)).results
    assert len(made) == 3
    changes: Any = [{"id": one.id, "properties": {"city": "Here"}} for one in made]
    assert batch.update(BatchInputSimplePublicObjectBatchInput(inputs=changes)).status == "COMPLETE"
    upserts: Any = [{"id": "k1", "idProperty": "clinic_key", "properties": {"lastname": "K"}}]
    assert batch.upsert(BatchInputSimplePublicObjectBatchInputUpsert(inputs=upserts)).results[0].new
    ids: Any = [{"id": made[0].id}, {"id": "99"}]
    read = batch.read(BatchReadInputSimplePublicObjectId(inputs=ids, properties=["city"], properties_with_history=[]))
    assert type(read).__name__ == "BatchResponseSimplePublicObjectWithErrors"
    assert (read.num_errors, read.errors[0].context) == (1, {"ids": ["99"]})
    batch.archive(BatchInputSimplePublicObjectId(inputs=ids))
    assert api.state()["objects"]["contacts"] == 3


def test_the_old_client_searches_and_merges(old: HubSpot) -> None:
    first, second = created(old, email="a@x.example"), created(old, email="b@x.example")
    filters = [{"propertyName": "email", "operator": "EQ", "value": "b@x.example"}]
    request = PublicObjectSearchRequest(filter_groups=[{"filters": filters}], properties=["email"], limit=10)
    found = old.crm.contacts.search_api.do_search(request)
    assert [one.id for one in found.results] == [second.id]
    merging = PublicMergeInput(primary_object_id=first.id, object_id_to_merge=second.id)
    merged = old.crm.contacts.basic_api.merge(merging)
    assert merged.id not in {first.id, second.id}


def test_the_old_client_defines_properties_and_reads_them(old: HubSpot) -> None:
    made = PropertyCreate(
        name="clinic_key", label="K", type="string", field_type="text", group_name="contactinformation"
    )
    old.crm.properties.core_api.create("contacts", made)
    names = {one.name for one in old.crm.properties.core_api.get_all("contacts").results}
    assert {"clinic_key", "email"} <= names
    assert old.crm.properties.core_api.get_by_name("contacts", "email").field_type == "text"


def test_the_old_client_ties_records(old: HubSpot, api: Api) -> None:
    contact = created(old, lastname="A").id
    deal = api("POST", "/crm/v3/objects/deals", {"properties": {"dealname": "D"}}).body["id"]
    spec = AssociationSpec(association_category="HUBSPOT_DEFINED", association_type_id=4)
    one: Any = {"from": {"id": contact}, "to": {"id": deal}, "types": [spec]}
    made = old.crm.associations.v4.batch_api.create("contacts", "deals", BatchInputPublicAssociationMultiPost([one]))
    assert made.status == "COMPLETE"
    found = old.crm.associations.v4.basic_api.get_page("contacts", contact, "deals").results
    assert found[0].association_types[0].type_id == 4
    assert {
        one.type_id for one in old.crm.associations.v4.schema.definitions_api.get_all("deals", "contacts").results
    } == {3}


def test_the_old_client_reads_owners_pipelines_and_schemas(old: HubSpot) -> None:
    assert len(old.crm.owners.owners_api.get_page().results) == 3
    assert old.crm.pipelines.pipelines_api.get_all("deals").results[0].id == "default"
    assert old.crm.schemas.core_api.get_all().results == []
    assert old.crm.schemas.core_api.get_by_id("contacts").object_type_id == "0-1"


# ---------------------------------------------------------------- hubspot_sdk, 2026-03, every answer checked


def test_the_new_client_writes_and_reads_a_contact(new: hubspot_sdk.HubSpot) -> None:
    contacts = new.crm.objects.contacts
    made = contacts.create(properties={"email": "a@x.example", "firstname": "Ada", "lastname": "B"}, associations=[])
    assert made.properties["email"] == "a@x.example"
    changed = contacts.update(made.id, properties={"city": "Here"})
    assert changed.properties["city"] == "Here"
    read = contacts.get("a@x.example", id_property="email", properties=["city", "email"])
    assert read.properties["city"] == "Here"
    listed = contacts.list(properties=["email"])
    assert [one.id for one in listed.results] == [made.id]
    contacts.delete(made.id)
    with pytest.raises(hubspot_sdk.NotFoundError):
        contacts.get(made.id)


def test_the_new_client_is_told_of_a_duplicate_once(new: hubspot_sdk.HubSpot, api: Api) -> None:
    api.contact(email="a@x.example")
    with pytest.raises(hubspot_sdk.ConflictError):
        new.crm.objects.contacts.create(properties={"email": "a@x.example"}, associations=[])
    assert api.state()["requests"]["POST /crm/objects/contacts"] == 2


def test_the_new_client_sends_batches(new: hubspot_sdk.HubSpot, api: Api) -> None:
    api.key()
    batch = new.crm.objects.contacts.batch
    made = batch.create(inputs=[{"properties": {"email": f"p{n}@x.example"}, "associations": []} for n in range(3)])
    assert len(made.results) == 3
    assert batch.update(inputs=[{"id": one.id, "properties": {"city": "H"}} for one in made.results]).results
    key = {"id": "k1", "id_property": "clinic_key", "properties": {"lastname": "K"}}
    assert [batch.upsert(inputs=[key]).results[0].new for _ in range(2)] == [True, False]
    ids = [{"id": one.id} for one in made.results]
    read = batch.get(inputs=[*ids, {"id": "99"}], properties=["city"], properties_with_history=["city"])
    assert {one.properties["city"] for one in read.results} == {"H"}
    batch.delete(inputs=ids)
    assert api.state()["objects"]["contacts"] == 1


def test_the_new_client_searches_and_merges(new: hubspot_sdk.HubSpot, api: Api) -> None:
    first, second = api.contact(email="a@x.example"), api.contact(email="b@x.example")
    filters: Any = [{"propertyName": "email", "operator": "EQ", "value": "b@x.example"}]
    found = new.crm.objects.contacts.search(
        filter_groups=[{"filters": filters}], properties=["email"], limit=10, after="0", sorts=["email"]
    )
    assert (found.total, found.results[0].id) == (1, second)
    merged = new.crm.objects.contacts.merge(primary_object_id=first, object_id_to_merge=second)
    assert merged.properties["hs_merged_object_ids"] == f"{first};{second}"


def test_the_new_client_defines_properties_and_objects(new: hubspot_sdk.HubSpot) -> None:
    made = new.crm.properties.create(
        "contacts",
        name="clinic_key",
        label="K",
        type="string",
        field_type="text",
        group_name="contactinformation",
        has_unique_value=True,
    )
    assert made.has_unique_value
    assert {"clinic_key", "email"} <= {one.name for one in new.crm.properties.list("contacts").results}
    assert new.crm.properties.groups.list("contacts").results[0].name == "contactinformation"
    schema = new.crm.object_schemas.create(
        name="pets",
        labels={"singular": "Pet", "plural": "Pets"},
        primary_display_property="pet_name",
        required_properties=["pet_name"],
        searchable_properties=[],
        secondary_display_properties=[],
        associated_objects=["CONTACT"],
        allows_sensitive_properties=False,
        properties=[{"name": "pet_name", "label": "N", "type": "string", "field_type": "text"}],
    )
    assert new.crm.object_schemas.list().results[0].id == schema.id
    pet = new.crm.objects.custom.create("p_pets", properties={"pet_name": "Rex"}, associations=[])
    assert new.crm.objects.custom.get(pet.id, object_type=schema.object_type_id, properties=["pet_name"]).id == pet.id


def test_the_new_client_ties_records(new: hubspot_sdk.HubSpot, api: Api) -> None:
    contact = api.contact(lastname="A")
    meeting = api("POST", "/crm/v3/objects/0-47", {"properties": {"hs_timestamp": "2026-03-01T10:00:00Z"}}).body["id"]
    types: Any = [{"association_category": "HUBSPOT_DEFINED", "association_type_id": 199}]
    batch = new.crm.associations.batch
    one: Any = {"from": {"id": contact}, "to": {"id": meeting}, "types": types}
    made = batch.create("meetings", from_object_type="contacts", inputs=[one])
    assert made.status == "COMPLETE"
    read = batch.get("meetings", from_object_type="contacts", inputs=[{"id": contact}])
    assert read.results[0].to[0].to_object_id == meeting
    listed = new.crm.associations.list("meetings", object_type="contacts", object_id=contact)
    assert listed.results[0].association_types[0].type_id == 199
    labels = new.crm.associations_schema.labels.list_labels("meetings", from_object_type="contacts")
    assert [each.type_id for each in labels.results] == [199]


def test_the_new_client_reads_the_account(new: hubspot_sdk.HubSpot) -> None:
    assert new.crm.owners.list().results[0].type == "PERSON"
    assert new.crm.pipelines.list("tickets").results[0].stages[0].id == "1"
    assert new.account.get().portal_id == 4242424
    assert new.account.get_daily_private_apps_usage().results[0].usage_limit == 100_000_000


def test_property_definitions_keep_to_the_vendors_own_type(new: hubspot_sdk.HubSpot) -> None:
    for name in ("contacts", "companies", "deals", "tickets", "products", "meetings", "0-162", "0-421"):
        found = new.crm.properties.list(name).results
        assert len(found) > 10
        assert KEY["name"] not in {one.name for one in found}
