"""HubSpot's client for the dated versions (`hubspot_sdk`) finds in the simulated portal what it expects of the real one.

It checks every answer against the vendor's types. Those say that property values are never null, which the real portal does
not keep to: a read that asks for an empty property goes by a client that does not check (`lenient`), every other by one that
does (`new`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import hubspot_sdk
import pytest

from careloom.systems.hubspot.simulator import RunningSimulator
from systems.hubspot.simulator.api import KEY, Api

WHEN = "2026-03-01T10:00:00Z"


@pytest.fixture(scope="module")
def simulator() -> Iterator[RunningSimulator]:
    with RunningSimulator("--tier", "unlimited") as running:
        yield running


@pytest.fixture
def api(simulator: RunningSimulator) -> Api:
    return Api(simulator)


@pytest.fixture
def new(api: Api) -> Iterator[hubspot_sdk.HubSpot]:
    with hubspot_sdk.HubSpot(
        access_token="pat-new", base_url=api.simulator.url, max_retries=0, _strict_response_validation=True
    ) as client:
        yield client


@pytest.fixture
def lenient(api: Api) -> Iterator[hubspot_sdk.HubSpot]:
    with hubspot_sdk.HubSpot(access_token="pat-new", base_url=api.simulator.url, max_retries=0) as client:
        yield client


def test_the_new_client_writes_and_reads_a_contact(new: hubspot_sdk.HubSpot) -> None:
    contacts = new.crm.objects.contacts
    record = contacts.create(properties={"email": "a@x.example", "firstname": "Ada", "lastname": "B"}, associations=[])
    assert record.properties["email"] == "a@x.example"
    changed = contacts.update(record.id, properties={"city": "Here"})
    assert changed.properties["city"] == "Here"
    read = contacts.get("a@x.example", id_property="email", properties=["city", "email"])
    assert read.properties["city"] == "Here"
    listed = contacts.list(properties=["email"])
    assert [result.id for result in listed.results] == [record.id]
    contacts.delete(record.id)
    with pytest.raises(hubspot_sdk.NotFoundError):
        contacts.get(record.id)


def test_the_new_client_is_told_of_a_duplicate_once(new: hubspot_sdk.HubSpot, api: Api) -> None:
    api.contact(email="a@x.example")
    with pytest.raises(hubspot_sdk.ConflictError):
        new.crm.objects.contacts.create(properties={"email": "a@x.example"}, associations=[])
    assert api.state()["requests"]["POST /crm/objects/contacts"] == 2


def test_the_new_client_sends_batches(new: hubspot_sdk.HubSpot, api: Api) -> None:
    api.key()
    batch = new.crm.objects.contacts.batch
    record = batch.create(inputs=[{"properties": {"email": f"p{n}@x.example"}, "associations": []} for n in range(3)])
    assert len(record.results) == 3
    assert batch.update(inputs=[{"id": result.id, "properties": {"city": "H"}} for result in record.results]).results
    key = {"id": "k1", "id_property": "clinic_key", "properties": {"lastname": "K"}}
    assert [batch.upsert(inputs=[key]).results[0].new for _ in range(2)] == [True, False]
    ids = [{"id": result.id} for result in record.results]
    read = batch.get(inputs=[*ids, {"id": "99"}], properties=["city"], properties_with_history=["city"])
    assert {result.properties["city"] for result in read.results} == {"H"}
    batch.delete(inputs=ids)
    assert api.state()["objects"]["contacts"] == 1


def test_the_new_client_searches_and_merges(new: hubspot_sdk.HubSpot, api: Api) -> None:
    first, second = api.contact(email="a@x.example"), api.contact(email="b@x.example")
    filters: Any = [{"propertyName": "email", "operator": "EQ", "value": "b@x.example"}]
    match = new.crm.objects.contacts.search(
        filter_groups=[{"filters": filters}], properties=["email"], limit=10, after="0", sorts=["email"]
    )
    assert (match.total, match.results[0].id) == (1, second)
    merged = new.crm.objects.contacts.merge(primary_object_id=first, object_id_to_merge=second)
    assert merged.properties["hs_merged_object_ids"] == f"{first};{second}"


def test_the_new_client_defines_properties_and_objects(new: hubspot_sdk.HubSpot) -> None:
    record = new.crm.properties.create(
        "contacts",
        name="clinic_key",
        label="K",
        type="string",
        field_type="text",
        group_name="contactinformation",
        has_unique_value=True,
    )
    assert record.has_unique_value
    assert {"clinic_key", "email"} <= {result.name for result in new.crm.properties.list("contacts").results}
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
    values: Any = {"from": {"id": contact}, "to": {"id": meeting}, "types": types}
    record = batch.create("meetings", from_object_type="contacts", inputs=[values])
    assert record.status == "COMPLETE"
    read = batch.get("meetings", from_object_type="contacts", inputs=[{"id": contact}])
    assert read.results[0].to[0].to_object_id == meeting
    listed_text = new.crm.associations.list("meetings", object_type="contacts", object_id=contact)
    assert listed_text.results[0].association_types[0].type_id == 199
    labels = new.crm.associations_schema.labels.list_labels("meetings", from_object_type="contacts")
    assert [result.type_id for result in labels.results] == [199]


def test_the_new_client_reads_the_account(new: hubspot_sdk.HubSpot) -> None:
    assert new.crm.owners.list().results[0].type == "PERSON"
    assert new.crm.pipelines.list("tickets").results[0].stages[0].id == "1"
    assert new.account.get().portal_id == 4242424
    assert new.account.get_daily_private_apps_usage().results[0].usage_limit == 100_000_000


def test_property_definitions_keep_to_the_vendors_own_type(new: hubspot_sdk.HubSpot) -> None:
    for name in ("contacts", "companies", "deals", "tickets", "products", "meetings", "0-162", "0-421"):
        results = new.crm.properties.list(name).results
        assert len(results) > 10
        assert KEY["name"] not in {result.name for result in results}


def test_an_empty_property_is_null_which_the_strict_client_refuses(
    new: hubspot_sdk.HubSpot, lenient: hubspot_sdk.HubSpot, api: Api
) -> None:
    person = api.contact(lastname="A")
    read = lenient.crm.objects.contacts.get(person, properties=["lastname", "phone"])
    assert (read.properties["lastname"], read.properties["phone"]) == ("A", None)
    with pytest.raises(hubspot_sdk.APIResponseValidationError):
        new.crm.objects.contacts.get(person, properties=["lastname", "phone"])


def test_the_new_client_reads_a_refusal_by_its_own_exception(new: hubspot_sdk.HubSpot, api: Api) -> None:
    api.simulator.control("POST", "settings", {"tier": "enterprise"})
    with pytest.raises(hubspot_sdk.BadRequestError) as error:
        new.crm.objects.calls.create(properties={"hs_call_title": "C"}, associations=[])
    body: Any = error.value.body
    headers = error.value.response.headers
    assert (body["status"], body["category"]) == ("error", "VALIDATION_ERROR")
    assert headers["x-hubspot-correlation-id"] == body["correlationId"]
    assert int(headers["x-hubspot-ratelimit-remaining"]) < int(headers["x-hubspot-ratelimit-max"]) == 190


def test_the_new_client_knows_activities_and_line_items(new: hubspot_sdk.HubSpot) -> None:
    objects = new.crm.objects
    values = {"hs_timestamp": WHEN}
    for made in (
        objects.notes.create(properties={**values, "hs_note_body": "N"}, associations=[]),
        objects.calls.create(properties={**values, "hs_call_title": "C"}, associations=[]),
        objects.emails.create(properties={**values, "hs_email_subject": "E"}, associations=[]),
        objects.tasks.create(properties={**values, "hs_task_subject": "T"}, associations=[]),
        objects.communications.create(properties={**values, "hs_communication_body": "M"}, associations=[]),
        objects.postal_mail.create(properties={**values, "hs_postal_mail_body": "P"}, associations=[]),
    ):
        assert made.properties["hs_timestamp"] == WHEN
    item = objects.line_items.create(properties={"name": "Visit"}, associations=[])
    assert objects.line_items.get(item.id, properties=["name"]).properties["name"] == "Visit"


def test_the_new_client_keeps_lists(new: hubspot_sdk.HubSpot, api: Api) -> None:
    lists = new.crm.lists
    person = api.contact(lastname="A")
    kept = lists.create(name="People", object_type_id="0-1", processing_type="MANUAL").list
    assert lists.add_memberships(kept.list_id, body=[person, "99"]).record_ids_missing == ["99"]
    assert [result.record_id for result in lists.list_memberships(kept.list_id).results] == [person]
    inputs = [{"object_type_id": "0-1", "record_id": person}]
    held_result = lists.batch_read_memberships(inputs=inputs).results[0]
    assert [record_list_membership.list_id for record_list_membership in held_result.record_list_memberships] == [
        kept.list_id
    ]
    assert [list_.size for list_ in lists.list(list_ids=[kept.list_id]).lists] == [1]
    assert lists.remove_memberships(kept.list_id, body=[person]).record_ids_removed == [person]
    lists.delete(kept.list_id)


def test_the_new_client_imports_a_file(new: hubspot_sdk.HubSpot, api: Api) -> None:
    mapped_values = [
        {"columnObjectTypeId": "0-1", "columnName": name, "propertyName": name} for name in ("email", "firstname")
    ]
    page = {"hasHeader": True, "columnMappings": mapped_values}
    request = {"name": "P", "files": [{"fileName": "p.csv", "fileFormat": "CSV", "fileImportPage": page}]}
    file = ("p.csv", b"email,firstname\na@x.example,Ada\nbad,Bo\n", "text/csv")
    record = new.crm.imports.create(files=file, import_request=json.dumps(request))
    api.simulator.control("POST", "advance", {"seconds": 5})
    answer = new.crm.imports.get(int(record.id))
    assert (record.state, answer.state, answer.metadata.counters["TOTAL_ROWS"]) == ("STARTED", "DONE", 2)
    errors = list(new.crm.imports.list_errors(int(record.id)))
    assert [error.error_type for error in errors] == ["INVALID_EMAIL"]
    with pytest.raises(hubspot_sdk.BadRequestError):
        new.crm.imports.cancel(int(record.id))
