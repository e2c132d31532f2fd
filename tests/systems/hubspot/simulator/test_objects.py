"""Every standard object exists, with its own type id, required properties, scopes and ties."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from careloom.systems.hubspot.simulator import RunningSimulator
from systems.hubspot.simulator.api import Api

WHEN = {"hs_timestamp": "2026-03-01T10:00:00Z"}
ACTIVITIES = {
    "notes": ("0-46", "NOTE", {"hs_note_body": "Called back"}),
    "calls": ("0-48", "CALL", {"hs_call_title": "Intake", "hs_call_direction": "OUTBOUND"}),
    "emails": ("0-49", "EMAIL", {"hs_email_subject": "Welcome", "hs_email_direction": "EMAIL"}),
    "tasks": ("0-27", "TASK", {"hs_task_subject": "Call back", "hs_task_status": "NOT_STARTED"}),
    "communications": ("0-18", "COMMUNICATION", {"hs_communication_channel_type": "SMS"}),
    "postal_mail": ("0-116", "POSTAL_MAIL", {"hs_postal_mail_body": "A letter"}),
}
OTHERS = {
    "contacts": "0-1",
    "companies": "0-2",
    "deals": "0-3",
    "tickets": "0-5",
    "products": "0-7",
    "line_items": "0-8",
    "quotes": "0-14",
    "meetings": "0-47",
    "leads": "0-136",
    "services": "0-162",
    "appointments": "0-421",
    "invoices": "0-53",
    "orders": "0-123",
    "carts": "0-142",
    "projects": "0-970",
}


@pytest.fixture(scope="module")
def simulator() -> Iterator[RunningSimulator]:
    with RunningSimulator("--tier", "unlimited") as running:
        yield running


@pytest.fixture
def api(simulator: RunningSimulator) -> Api:
    return Api(simulator)


@pytest.mark.parametrize("name", ACTIVITIES)
def test_an_activity_needs_its_time_and_goes_by_name_and_type_id(api: Api, name: str) -> None:
    number, spelled, given = ACTIVITIES[name]
    answer = api("POST", f"/crm/v3/objects/{name}", {"properties": given})
    assert (answer.status, answer.body["category"]) == (400, "VALIDATION_ERROR")
    assert answer.body["message"] == f"Error creating {spelled}. Some required properties were not set."
    assert answer.body["context"] == {"properties": ["hs_timestamp"]}
    made = api("POST", f"/crm/v3/objects/{name}", {"properties": {**given, **WHEN}})
    assert made.status == 201
    names = ",".join([*given, "hs_timestamp", "hubspot_owner_id"])
    read = api("GET", f"/crm/v3/objects/{number}/{made.body['id']}?properties={names}").body
    assert {**read["properties"], **given} == read["properties"]
    assert read["properties"]["hubspot_owner_id"] is None


@pytest.mark.parametrize("name", OTHERS)
def test_an_object_has_its_type_id_and_properties(api: Api, name: str) -> None:
    schema = api("GET", f"/crm-object-schemas/v3/schemas/{name}").body
    assert schema["objectTypeId"] == OTHERS[name]
    names = {result["name"] for result in api("GET", f"/crm/v3/properties/{OTHERS[name]}").body["results"]}
    assert {"hs_object_id", "hs_lastmodifieddate", "hubspot_owner_id"} <= names


def test_a_name_that_is_no_object_is_told_as_the_vendor_does(api: Api) -> None:
    answer = api("GET", "/crm/v3/objects/lineitem")
    assert (answer.status, answer.body["message"]) == (400, "Unable to infer object type from: lineitem")


def test_a_path_that_is_no_endpoint_is_a_page_of_html(api: Api) -> None:
    answer = api("GET", "/crm/v3/listings/0-1")
    assert answer.status == 404
    assert answer.headers["content-type"].startswith("text/html")


def test_missing_ids_of_a_two_word_object_are_told_by_its_upper_case_name(api: Api) -> None:
    answer = api.batch("read", [{"id": "9"}], "line_items")
    assert answer.status == 207
    assert answer.body["errors"][0]["message"].startswith("Could not get some LINE_ITEM objects")


def test_a_traced_batch_names_the_required_property_beside_the_trace(api: Api) -> None:
    inputs = [
        {"properties": {"hs_note_body": "n", **more}, "objectWriteTraceId": one}
        for one, more in (("a", {}), ("b", WHEN))
    ]
    answer = api.batch("create", inputs, "notes")
    assert (answer.status, len(answer.body["results"])) == (207, 1)
    assert answer.body["errors"][0]["context"] == {"properties": ["hs_timestamp"], "objectWriteTraceId": ["a"]}


def test_a_change_of_nothing_is_refused(api: Api) -> None:
    answer = api("PATCH", f"/crm/v3/objects/contacts/{api.contact(lastname='A')}", {"properties": {}})
    assert (answer.status, answer.body["message"]) == (
        400,
        "No properties found to update, please provide at least one.",
    )


def test_a_merge_that_names_no_record_says_which_fields_are_missing(api: Api) -> None:
    answer = api("POST", "/crm/v3/objects/contacts/merge", {})
    assert answer.status == 400
    assert answer.body["message"].endswith("Some required fields were not set: [primaryObjectId, objectIdToMerge]")


def test_a_quote_needs_a_title_and_an_end_and_a_lead_needs_somebody(api: Api) -> None:
    assert api("POST", "/crm/v3/objects/quotes", {"properties": {}}).body["context"] == {
        "properties": ["hs_title", "hs_expiration_date"]
    }
    lead = {"properties": {"hs_lead_name": "New patient"}}
    assert api("POST", "/crm/v3/objects/leads", lead).status == 400
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": _type(api, "leads", "contacts")}]
    values = {**lead, "associations": [{"to": {"id": api.contact(lastname="A")}, "types": types}]}
    assert api("POST", "/crm/v3/objects/leads", values).status == 201


def _type(api: Api, here: str, there: str) -> int:
    return api("GET", f"/crm/v4/associations/{here}/{there}/labels").body["results"][0]["typeId"]


@pytest.mark.parametrize(
    ("here", "there", "number"),
    [
        ("notes", "contacts", 202),
        ("contacts", "calls", 193),
        ("emails", "deals", 210),
        ("tasks", "tickets", 230),
        ("postal_mail", "contacts", 453),
        ("communications", "contacts", 81),
        ("line_items", "deals", 20),
        ("quotes", "line_items", 67),
    ],
)
def test_ties_have_the_vendors_own_numbers(api: Api, here: str, there: str, number: int) -> None:
    assert _type(api, here, there) == number


def test_activities_go_by_the_scopes_of_contacts(api: Api, simulator: RunningSimulator) -> None:
    tokens = {"pat-test": {"scopes": ["crm.objects.contacts.read"]}}
    simulator.control("POST", "settings", {"tokens": tokens})
    assert api("GET", "/crm/v3/objects/notes").status == 200
    answer = api("POST", "/crm/v3/objects/notes", {"properties": WHEN})
    assert answer.body["errors"][0]["context"]["requiredGranularScopes"] == ["crm.objects.contacts.write"]
    answer = api("GET", "/crm/v3/objects/line_items")
    assert answer.body["errors"][0]["context"]["requiredGranularScopes"] == ["crm.objects.line_items.read"]


def test_a_contact_is_listed_with_its_deals_products_tickets_and_quotes(api: Api) -> None:
    person = api.contact(lastname="A")
    deal = api("POST", "/crm/v3/objects/deals", {"properties": {"dealname": "D"}}).body["id"]
    api("PUT", f"/crm/v4/objects/contacts/{person}/associations/default/deals/{deal}")
    results = api("GET", "/crm/v3/objects/contacts?associations=deals,products,tickets,quotes").body["results"]
    assert results[0]["associations"] == {"deals": {"results": [{"id": deal, "type": "contact_to_deal"}]}}


def test_no_owner_is_archived_and_owners_come_in_pages(api: Api) -> None:
    first = api("GET", "/crm/v3/owners?limit=2").body
    other_body = api("GET", f"/crm/v3/owners?limit=2&after={first['paging']['next']['after']}").body
    assert (len(first["results"]), len(other_body["results"]), "paging" in other_body) == (2, 1, False)
    assert api("GET", "/crm/v3/owners?archived=true").body["results"] == []


def test_a_page_with_histories_holds_at_most_fifty(api: Api) -> None:
    assert api("GET", "/crm/v3/objects/contacts?limit=50&propertiesWithHistory=email").status == 200
    assert api("GET", "/crm/v3/objects/contacts?limit=51&propertiesWithHistory=email").status == 400


def test_an_archived_property_is_found_among_the_archived_only(api: Api) -> None:
    api.key()
    api("DELETE", "/crm/v3/properties/contacts/clinic_key")
    assert api("GET", "/crm/v3/properties/contacts/clinic_key").status == 404
    assert api("GET", "/crm/v3/properties/contacts/clinic_key?archived=true").body["archived"]


@pytest.mark.parametrize(
    "path",
    [
        "/crm/v4/objects/contacts",
        "/crm/v1/objects/contacts",
        "/crm/v4/properties/contacts",
        "/crm/v3/associations/contacts/deals/labels",
        "/crm/v4/associations/contacts/deals/types",
        "/account-info/v4/details",
    ],
)
def test_a_version_that_has_no_such_endpoint_answers_as_for_an_unknown_path(api: Api, path: str) -> None:
    assert api("GET", path).status == 404


def test_the_limit_of_custom_objects_is_told(api: Api) -> None:
    for path in ("/crm/v3/limits/custom-object-types", "/crm/limits/2026-03/custom-object-types"):
        assert api("GET", path).body == {"limit": 10, "usage": 0, "percentage": 0.0}
