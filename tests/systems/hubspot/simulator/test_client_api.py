"""HubSpot's client for v3 and v4 (`hubspot-api-client`) finds in the simulated portal what it expects of the real one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hubspot import HubSpot
from hubspot.crm import associations, imports, lists, pipelines
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
from hubspot.crm.objects import calls, notes
from hubspot.crm.properties import PropertyCreate

from careloom.systems.hubspot.simulator import RunningSimulator
from systems.hubspot.simulator.api import Api


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


def create_contact(client: HubSpot, **properties: str) -> Any:
    return client.crm.contacts.basic_api.create(SimplePublicObjectInputForCreate(properties=properties))


def test_the_old_client_writes_and_reads_a_contact(old: HubSpot) -> None:
    contacts = old.crm.contacts.basic_api
    record = create_contact(old, email="a@x.example", firstname="Ada")
    contacts.update(record.id, SimplePublicObjectInput(properties={"city": "Here"}))
    read = contacts.get_by_id("a@x.example", id_property="email", properties=["city", "zip"])
    assert (read.id, read.properties["city"], read.properties["zip"]) == (record.id, "Here", None)
    contacts.archive(record.id)
    with pytest.raises(ApiException) as error:
        contacts.get_by_id(record.id)
    assert error.value.status == 404
    assert contacts.get_by_id(record.id, archived=True).archived


def test_the_old_client_is_told_of_a_duplicate(old: HubSpot) -> None:
    record = create_contact(old, email="a@x.example")
    with pytest.raises(ApiException) as error:
        create_contact(old, email="a@x.example")
    assert error.value.status == 409
    assert f"Existing ID: {record.id}" in error.value.body


def test_the_old_client_reads_all_pages(old: HubSpot, api: Api) -> None:
    for _ in range(3):
        api.batch("create", [{"properties": {"lastname": "A"}} for _ in range(100)])
    assert len(old.crm.contacts.get_all()) == 300


def test_the_old_client_sends_batches(old: HubSpot, api: Api) -> None:
    api.key()
    batch = old.crm.contacts.batch_api
    inputs: list[Any] = [{"properties": {"email": f"p{n}@x.example"}} for n in range(3)]
    results = batch.create(BatchInputSimplePublicObjectBatchInputForCreate(inputs=inputs)).results
    assert len(results) == 3
    changes: Any = [{"id": result.id, "properties": {"city": "Here"}} for result in results]
    assert batch.update(BatchInputSimplePublicObjectBatchInput(inputs=changes)).status == "COMPLETE"
    upserts: Any = [{"id": "k1", "idProperty": "clinic_key", "properties": {"lastname": "K"}}]
    assert batch.upsert(BatchInputSimplePublicObjectBatchInputUpsert(inputs=upserts)).results[0].new
    ids: Any = [{"id": results[0].id}, {"id": "99"}]
    read = batch.read(BatchReadInputSimplePublicObjectId(inputs=ids, properties=["city"], properties_with_history=[]))
    assert type(read).__name__ == "BatchResponseSimplePublicObjectWithErrors"
    assert (read.num_errors, read.errors[0].context) == (1, {"ids": ["99"]})
    batch.archive(BatchInputSimplePublicObjectId(inputs=ids))
    assert api.state()["objects"]["contacts"] == 3


def test_the_old_client_searches_and_merges(old: HubSpot) -> None:
    first, second = create_contact(old, email="a@x.example"), create_contact(old, email="b@x.example")
    filters = [{"propertyName": "email", "operator": "EQ", "value": "b@x.example"}]
    request = PublicObjectSearchRequest(filter_groups=[{"filters": filters}], properties=["email"], limit=10)
    answer = old.crm.contacts.search_api.do_search(request)
    assert [result.id for result in answer.results] == [second.id]
    merging = PublicMergeInput(primary_object_id=first.id, object_id_to_merge=second.id)
    merged = old.crm.contacts.basic_api.merge(merging)
    assert merged.id not in {first.id, second.id}


def test_the_old_client_defines_properties_and_reads_them(old: HubSpot) -> None:
    prop = PropertyCreate(
        name="clinic_key", label="K", type="string", field_type="text", group_name="contactinformation"
    )
    old.crm.properties.core_api.create("contacts", prop)
    names = {result.name for result in old.crm.properties.core_api.get_all("contacts").results}
    assert {"clinic_key", "email"} <= names
    assert old.crm.properties.core_api.get_by_name("contacts", "email").field_type == "text"


def test_the_old_client_ties_records(old: HubSpot, api: Api) -> None:
    contact = create_contact(old, lastname="A").id
    deal = api("POST", "/crm/v3/objects/deals", {"properties": {"dealname": "D"}}).body["id"]
    spec = AssociationSpec(association_category="HUBSPOT_DEFINED", association_type_id=4)
    values: Any = {"from": {"id": contact}, "to": {"id": deal}, "types": [spec]}
    record = old.crm.associations.v4.batch_api.create(
        "contacts", "deals", BatchInputPublicAssociationMultiPost([values])
    )
    assert record.status == "COMPLETE"
    results = old.crm.associations.v4.basic_api.get_page("contacts", contact, "deals").results
    assert results[0].association_types[0].type_id == 4
    assert {
        values.type_id for values in old.crm.associations.v4.schema.definitions_api.get_all("deals", "contacts").results
    } == {3}


def test_the_old_client_reads_owners_pipelines_and_schemas(old: HubSpot) -> None:
    assert len(old.crm.owners.owners_api.get_page().results) == 3
    assert old.crm.pipelines.pipelines_api.get_all("deals").results[0].id == "default"
    assert old.crm.schemas.core_api.get_all().results == []
    assert old.crm.schemas.core_api.get_by_id("contacts").object_type_id == "0-1"


def test_the_old_client_reads_a_refusal_by_its_own_exception(old: HubSpot, api: Api) -> None:
    api.simulator.control("POST", "settings", {"tier": "enterprise"})
    with pytest.raises(calls.ApiException) as error:
        old.crm.objects.calls.basic_api.create(
            calls.SimplePublicObjectInputForCreate(properties={"hs_call_title": "C"})
        )
    body, headers = json.loads(error.value.body), error.value.headers
    assert (error.value.status, body["status"], body["category"]) == (400, "error", "VALIDATION_ERROR")
    assert headers["x-hubspot-correlation-id"] == body["correlationId"]
    assert int(headers["x-hubspot-ratelimit-remaining"]) < int(headers["x-hubspot-ratelimit-max"]) == 190


def test_the_old_client_reads_which_traced_inputs_failed(old: HubSpot) -> None:
    inputs: list[Any] = [
        {"properties": {"email": "a@x.example"}, "objectWriteTraceId": "good"},
        {"properties": {"email": "no mail"}, "objectWriteTraceId": "bad"},
    ]
    answer = old.crm.contacts.batch_api.create(BatchInputSimplePublicObjectBatchInputForCreate(inputs=inputs))
    assert type(answer).__name__ == "BatchResponseSimplePublicObjectWithErrors"
    assert [result.object_write_trace_id for result in answer.results] == ["good"]
    assert answer.errors[0].context == {"objectWriteTraceId": ["bad"]}


def test_the_old_client_knows_notes_and_line_items(old: HubSpot) -> None:
    values = {"hs_note_body": "N", "hs_timestamp": "2026-03-01T10:00:00Z"}
    basic = old.crm.objects.notes.basic_api
    note = basic.create(notes.SimplePublicObjectInputForCreate(properties=values))
    read = basic.get_by_id(note.id, properties=["hs_note_body", "hubspot_owner_id"])
    assert (read.properties["hs_note_body"], read.properties["hubspot_owner_id"]) == ("N", None)
    item = old.crm.objects.basic_api.create(
        "line_items", SimplePublicObjectInputForCreate(properties={"name": "Visit"})
    )
    assert old.crm.line_items.basic_api.get_by_id(item.id, properties=["name"]).properties["name"] == "Visit"


def test_the_old_client_keeps_lists(old: HubSpot) -> None:
    api_of, members = old.crm.lists.lists_api, old.crm.lists.memberships_api
    request = lists.ListCreateRequest(object_type_id="0-1", processing_type="MANUAL", name="People")
    kept = api_of.create(request).list
    person = create_contact(old, lastname="A").id
    assert members.add(kept.list_id, [person, "99"]).record_ids_missing == ["99"]
    assert [result.record_id for result in members.get_page(kept.list_id).results] == [person]
    assert members.get_lists("0-1", person).results[0].list_id == kept.list_id
    assert api_of.get_by_name("People", "0-1").list.size == 1
    assert api_of.do_search(lists.ListSearchRequest(query="peo", offset=0, count=10)).lists[0].name == "People"
    assert api_of.update_name(kept.list_id, list_name="Others").updated_list.name == "Others"
    assert members.remove(kept.list_id, [person]).record_ids_removed == [person]
    api_of.remove(kept.list_id)
    with pytest.raises(lists.ApiException) as error:
        api_of.get_by_id(kept.list_id)
    assert error.value.status == 404


def test_the_old_client_imports_a_file(old: HubSpot, api: Api, tmp_path: Path) -> None:
    file = tmp_path / "p.csv"
    file.write_text("email,firstname\na@x.example,Ada\nbad,Bo\n", encoding="utf-8")
    mapped_values = [
        {"columnObjectTypeId": "0-1", "columnName": name, "propertyName": name} for name in ("email", "firstname")
    ]
    page = {"hasHeader": True, "columnMappings": mapped_values}
    request = {"name": "P", "files": [{"fileName": "p.csv", "fileFormat": "CSV", "fileImportPage": page}]}
    core = old.crm.imports.core_api
    record = core.create(files=str(file), import_request=json.dumps(request))
    api.simulator.control("POST", "advance", {"seconds": 5})
    done = core.get_by_id(record.id)
    assert (record.state, done.state, done.metadata.counters["TOTAL_ROWS"]) == ("STARTED", "DONE", 2)
    errors = old.crm.imports.public_imports_api.get_errors(record.id).results
    assert [error.error_type for error in errors] == ["INVALID_EMAIL"]
    with pytest.raises(imports.ApiException):
        core.cancel(record.id)


def test_the_old_client_ties_records_by_the_words_of_v3(old: HubSpot, api: Api) -> None:
    person = create_contact(old, lastname="A").id
    deal = api("POST", "/crm/v3/objects/deals", {"properties": {"dealname": "D"}}).body["id"]
    batch = old.crm.associations.batch_api
    pair: Any = {"_from": {"id": person}, "to": {"id": deal}, "type": "contact_to_deal"}
    tie = associations.PublicAssociation(**pair)
    record = batch.create("contacts", "deals", associations.BatchInputPublicAssociation(inputs=[tie]))
    assert (record.status, record.results[0].type) == ("COMPLETE", "contact_to_deal")
    asked = associations.BatchInputPublicObjectId(inputs=[associations.PublicObjectId(id=deal)])
    read = batch.read("deals", "contacts", asked).results[0]
    assert (read._from.id, [(one.id, one.type) for one in read.to]) == (deal, [(person, "deal_to_contact")])
    batch.archive("contacts", "deals", associations.BatchInputPublicAssociation(inputs=[tie]))
    assert batch.read("deals", "contacts", asked).results == []
    wrong = associations.PublicAssociation(**{**pair, "type": "contact_to_nothing"})
    part = batch.create("contacts", "deals", associations.BatchInputPublicAssociation(inputs=[wrong]))
    assert (type(part).__name__, part.num_errors) == ("BatchResponsePublicAssociationWithErrors", 1)


def test_the_words_of_v3_tell_a_primary_company_from_another(old: HubSpot, api: Api) -> None:
    ids_by_name = {
        result.name: result.id
        for result in old.crm.associations.schema.types_api.get_all("contacts", "companies").results
    }
    assert (ids_by_name["contact_to_company"], ids_by_name["contact_to_company_unlabeled"]) == ("1", "279")
    company = api("POST", "/crm/v3/objects/companies", {"properties": {"name": "C"}}).body["id"]
    person = create_contact(old, lastname="A").id
    old.crm.associations.v4.basic_api.create_default("contacts", person, "companies", company)
    results = old.crm.contacts.basic_api.get_by_id(person, associations=["companies"]).associations["companies"].results
    assert [(result.id, result.type) for result in results] == [(company, "contact_to_company_unlabeled")]


def test_the_old_client_changes_pipelines(old: HubSpot, api: Api) -> None:
    of, stages_of = old.crm.pipelines.pipelines_api, old.crm.pipelines.pipeline_stages_api
    first = pipelines.PipelineStageInput(label="New", display_order=0, metadata={"probability": "0.1"})
    input_ = pipelines.PipelineInput(label="Intake", display_order=0, stages=[first])
    record = of.create("deals", input_)
    stage = stages_of.create(
        "deals", record.id, pipelines.PipelineStageInput(label="Seen", display_order=1, metadata={})
    )
    assert [result.label for result in stages_of.get_all("deals", record.id).results] == ["New", "Seen"]
    assert stages_of.get_by_id("deals", record.id, stage.id).label == "Seen"
    assert of.update("deals", record.id, pipelines.PipelinePatchInput(label="Other")).label == "Other"
    deal = {"dealname": "D", "pipeline": record.id, "dealstage": stage.id}
    api("POST", "/crm/v3/objects/deals", {"properties": deal})
    with pytest.raises(pipelines.ApiException):
        of.archive("deals", record.id)
    stages_of.archive("deals", record.id, record.stages[0].id)
    assert [one.id for one in of.get_by_id("deals", record.id).stages] == [stage.id]
