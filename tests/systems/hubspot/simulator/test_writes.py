"""What the simulated portal does with what is written to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from careloom.systems.hubspot.simulator import RunningSimulator
from systems.hubspot.simulator.api import Api


@pytest.fixture(scope="module")
def simulator() -> Iterator[RunningSimulator]:
    with RunningSimulator("--seed", "7") as running:
        yield running


@pytest.fixture
def api(simulator: RunningSimulator) -> Api:
    return Api(simulator)


def complaint(api: Api, properties: dict[str, object], object_: str = "contacts") -> tuple[str, str]:
    reply = api("POST", f"/crm/v3/objects/{object_}", {"properties": properties})
    assert reply.status == 400
    assert reply.body["category"] == "VALIDATION_ERROR"
    first = reply.body["errors"][0]
    assert first["context"]["propertyName"][0] in properties
    assert reply.body["message"].startswith('Property values were not valid: [{"isValid":false,')
    return first["code"], first["message"]


def test_a_created_contact_carries_what_the_portal_fills_in(api: Api) -> None:
    reply = api("POST", "/crm/v3/objects/contacts", {"properties": {"email": " Ada@X.Example ", "firstname": "Ada"}})
    assert reply.status == 201
    assert reply.body["properties"]["email"] == "ada@x.example"
    assert reply.body["properties"]["hs_email_domain"] == "x.example"
    assert reply.body["properties"]["hs_object_id"] == reply.body["id"]
    assert reply.body["properties"]["hs_pipeline"] == "contacts-lifecycle-pipeline"
    assert reply.body["createdAt"] == reply.body["properties"]["createdate"]


def test_a_second_contact_with_the_same_mail_is_refused_and_the_first_one_named(api: Api) -> None:
    first = api.contact(email="ada@x.example")
    reply = api("POST", "/crm/v3/objects/contacts", {"properties": {"email": "ADA@x.example"}})
    assert reply.status == 409
    assert reply.body["category"] == "CONFLICT"
    assert reply.body["message"] == f"Contact already exists. Existing ID: {first}"


def test_changing_a_mail_to_a_taken_one_names_both_records(api: Api) -> None:
    first, second = api.contact(email="ada@x.example"), api.contact(email="ben@x.example")
    reply = api("PATCH", f"/crm/v3/objects/contacts/{second}", {"properties": {"email": "ada@x.example"}})
    assert reply.status == 400
    assert reply.body["message"] == (
        "Cannot set PropertyValueCoordinates{portalId=4242424, objectTypeId=ObjectTypeId{legacyObjectType=CONTACT}, "
        f"propertyName=email, value=ada@x.example}} on {second}. {first} already has that value."
    )


def test_a_secondary_mail_is_taken_too(api: Api) -> None:
    first, second = api.contact(email="ada@x.example"), api.contact(email="ada2@x.example")
    merged_body = api(
        "POST", "/crm/v3/objects/contacts/merge", {"primaryObjectId": first, "objectIdToMerge": second}
    ).body
    assert merged_body["properties"]["hs_additional_emails"] == "ada2@x.example"
    reply = api("POST", "/crm/v3/objects/contacts", {"properties": {"email": "ada2@x.example"}})
    assert reply.status == 400
    assert reply.body["message"].endswith(f"{merged_body['id']} already has that value.")


@pytest.mark.parametrize(
    ("properties", "code", "message"),
    [
        ({"nope": "1"}, "PROPERTY_DOESNT_EXIST", 'Property "nope" does not exist'),
        (
            {"hs_unique_creation_key": "1"},
            "READ_ONLY_VALUE",
            '"hs_unique_creation_key" is a read only property; its value cannot be set.',
        ),
        ({"email": "000"}, "INVALID_EMAIL", "Email address 000 is invalid"),
        ({"closedate": "asd000"}, "INVALID_LONG", "asd000 was not a valid long."),
        (
            {"hs_latest_source": "x"},
            "INVALID_OPTION",
            (
                "x was not one of the allowed options: [ORGANIC_SEARCH, PAID_SEARCH, EMAIL_MARKETING, SOCIAL_MEDIA, "
                "REFERRALS, OTHER_CAMPAIGNS, DIRECT_TRAFFIC, OFFLINE, PAID_SOCIAL]"
            ),
        ),
        ({"hs_additional_emails": "a@x.example"}, "READ_ONLY_VALUE", None),
        ({"associatedcompanyid": "twelve"}, "INVALID_NUMBER", None),
        ({"firstname": "x" * 65_537}, "VALUE_TOO_LONG", None),
    ],
)
def test_a_bad_value_is_refused_in_the_vendors_words(
    api: Api, properties: dict[str, object], code: str, message: str | None
) -> None:
    found = complaint(api, properties)
    assert found[0] == code
    assert message is None or found[1] == message


def test_a_text_of_65536_characters_is_taken(api: Api) -> None:
    api.contact(firstname="x" * 65_536)


def test_a_date_is_a_day_or_midnight_in_milliseconds(api: Api) -> None:
    api("POST", "/crm/v3/properties/contacts", {"name": "seen_on", "label": "S", "type": "date", "fieldType": "date"})
    message = complaint(api, {"seen_on": "1786334400000"})
    assert message == ("INVALID_DATE", "1786334400000 is at 4:0:0.0 UTC, not midnight!")
    contact = api.contact(lastname="x", seen_on="1786320000000")
    read = api("GET", f"/crm/v3/objects/contacts/{contact}?properties=seen_on")
    assert read.body["properties"]["seen_on"] == "2026-08-10"


def test_an_instant_is_stored_as_iso_whatever_it_came_as(api: Api) -> None:
    for text in ("1772359200000", "2026-03-01T10:00:00Z", "2026-03-01T12:00:00+02:00"):
        contact = api.contact(lastname="x", closedate=text)
        read = api("GET", f"/crm/v3/objects/contacts/{contact}?properties=closedate")
        assert read.body["properties"]["closedate"] == "2026-03-01T10:00:00Z"


def test_a_stage_must_be_one_of_its_pipelines(api: Api) -> None:
    code, message = complaint(api, {"dealname": "d", "dealstage": "registered"}, "deals")
    assert code == "INVALID_OPTION"
    assert message.startswith("registered is not a valid pipeline stage ID. Valid options are: pipelineId=default : [")


def test_a_service_needs_its_stage(api: Api) -> None:
    reply = api("POST", "/crm/v3/objects/0-162", {"properties": {"hs_name": "Visit"}})
    assert reply.status == 400
    assert reply.body["context"] == {"properties": ["hs_pipeline_stage"]}


def test_a_contact_needs_a_name_or_a_mail(api: Api) -> None:
    assert api("POST", "/crm/v3/objects/contacts", {"properties": {"city": "Here"}}).status == 400


def test_an_empty_text_clears_and_reads_as_null(api: Api) -> None:
    contact = api.contact(email="ada@x.example", city="Here")
    answer = api("PATCH", f"/crm/v3/objects/contacts/{contact}", {"properties": {"city": ""}})
    assert answer.body["properties"]["city"] == ""
    read = api("GET", f"/crm/v3/objects/contacts/{contact}?properties=city,nope")
    assert read.body["properties"]["city"] is None
    assert "nope" not in read.body["properties"]


def test_a_cleared_unique_value_is_free_again(api: Api) -> None:
    first = api.contact(email="ada@x.example", lastname="A")
    api("PATCH", f"/crm/v3/objects/contacts/{first}", {"properties": {"email": ""}})
    assert api.contact(email="ada@x.example") != first


def test_the_lifecycle_stage_goes_forward_only_and_says_nothing(api: Api) -> None:
    contact = api.contact(email="ada@x.example", lifecyclestage="customer")
    answer = api(
        "PATCH", f"/crm/v3/objects/contacts/{contact}", {"properties": {"lifecyclestage": "lead", "city": "B"}}
    )
    assert answer.status == 200
    assert answer.body["properties"] | {"lifecyclestage": "customer", "city": "B"} == answer.body["properties"]
    api("PATCH", f"/crm/v3/objects/contacts/{contact}", {"properties": {"lifecyclestage": ""}})
    again = api("PATCH", f"/crm/v3/objects/contacts/{contact}", {"properties": {"lifecyclestage": "lead"}})
    assert again.body["properties"]["lifecyclestage"] == "lead"


def test_a_leading_semicolon_appends_to_a_list(api: Api) -> None:
    record_id = api("POST", "/crm/v3/objects/tickets", {"properties": {"hs_pipeline_stage": "1"}}).body["id"]
    path = f"/crm/v3/objects/tickets/{record_id}"
    api("PATCH", path, {"properties": {"hs_ticket_category": "PRODUCT_ISSUE"}})
    reply = api("PATCH", path, {"properties": {"hs_ticket_category": ";BILLING_ISSUE;PRODUCT_ISSUE"}})
    assert reply.body["properties"]["hs_ticket_category"] == "PRODUCT_ISSUE;BILLING_ISSUE"


# ---------------------------------------------------------------- batches


def test_one_bad_input_keeps_a_whole_batch_from_being_created(api: Api) -> None:
    reply = api.batch("create", [{"properties": {"email": "a@x.example"}}, {"properties": {"nope": "1"}}])
    assert reply.status == 400
    assert api.state()["objects"]["contacts"] == 0


def test_one_duplicate_keeps_a_whole_batch_from_being_created(api: Api) -> None:
    api.contact(email="a@x.example")
    mails = ("b@x.example", "a@x.example", "c@x.example")
    reply = api.batch("create", [{"properties": {"email": mail}} for mail in mails])
    assert reply.status == 409
    assert api.state()["objects"]["contacts"] == 1


def test_traced_inputs_fail_one_by_one(api: Api) -> None:
    first = api.contact(email="a@x.example")
    inputs = [
        {"objectWriteTraceId": "t1", "properties": {"email": "b@x.example"}},
        {"objectWriteTraceId": "t2", "properties": {"email": "a@x.example"}},
        {"objectWriteTraceId": "t3", "properties": {"nope": "1"}},
        {"objectWriteTraceId": "t4", "properties": {"email": "b@x.example"}},
    ]
    reply = api.batch("create", inputs)
    assert reply.status == 207
    assert [result["objectWriteTraceId"] for result in reply.body["results"]] == ["t1"]
    assert reply.body["numErrors"] == 3
    by_trace = {error["context"]["objectWriteTraceId"][0]: error for error in reply.body["errors"]}
    assert by_trace["t2"]["message"] == f"Contact already exists. Existing ID: {first}"
    assert by_trace["t3"]["category"] == "VALIDATION_ERROR"
    assert by_trace["t4"]["category"] == "CONFLICT"


def test_the_newest_version_reports_partial_failure_with_200(api: Api) -> None:
    inputs = [{"objectWriteTraceId": "t", "properties": {"nope": "1"}}]
    reply = api("POST", "/crm/objects/2026-09/contacts/batch/create", {"inputs": inputs})
    assert (reply.status, reply.body["numErrors"]) == (200, 1)


def test_results_come_back_in_another_order_that_the_seed_fixes(api: Api) -> None:
    inputs = [{"properties": {"email": f"p{n}@x.example"}} for n in range(50)]
    ids = [result["id"] for result in api.batch("create", inputs).body["results"]]
    assert ids != sorted(ids, key=int)
    again = Api(api.simulator)
    assert [result["id"] for result in again.batch("create", inputs).body["results"]] == ids


@pytest.mark.parametrize("act", ["create", "update", "upsert", "read", "archive"])
def test_more_than_a_hundred_inputs_are_refused(api: Api, act: str) -> None:
    values = {"id": "1", "idProperty": "email", "properties": {}}
    assert api.batch(act, [values | {"id": str(n)} for n in range(101)]).status == 400


def test_an_upsert_by_a_unique_property_creates_then_changes(api: Api) -> None:
    api.key()
    values = {"id": "k1", "idProperty": "clinic_key", "properties": {"email": "a@x.example"}}
    result = api.batch("upsert", [values]).body["results"][0]
    assert (result["new"], result["properties"]["clinic_key"]) == (True, "k1")
    changed_result = api.batch("upsert", [values | {"properties": {"city": "Here"}}]).body["results"][0]
    assert (changed_result["new"], changed_result["id"]) == (False, result["id"])
    read = api("GET", "/crm/v3/objects/contacts/k1?idProperty=clinic_key&properties=email,city").body
    assert (read["properties"]["email"], read["properties"]["city"]) == ("a@x.example", "Here")


def test_an_upsert_by_mail_finds_a_secondary_one(api: Api) -> None:
    first, second = api.contact(email="a@x.example"), api.contact(email="b@x.example")
    survivor = api.simulator.control("POST", "merge", {"object": "contacts", "primary": first, "other": second})["id"]
    values = {"id": "B@x.example", "idProperty": "email", "properties": {"city": "Here"}}
    assert api.batch("upsert", [values]).body["results"][0]["id"] == survivor


def test_one_id_twice_in_an_upsert_refuses_the_batch(api: Api) -> None:
    api.key()
    values = {"id": "k1", "idProperty": "clinic_key", "properties": {"lastname": "A"}}
    assert api.batch("upsert", [values, values]).status == 400
    assert api.state()["objects"]["contacts"] == 0


def test_an_upsert_by_a_property_that_is_not_unique_is_refused(api: Api) -> None:
    reply = api.batch("upsert", [{"id": "x", "idProperty": "city", "properties": {"lastname": "A"}}])
    assert (reply.status, reply.body["message"]) == (400, "Unable to perform update/upsert by non-unique 0-1 property")


def test_an_update_by_mail_is_refused_but_a_single_change_by_mail_is_not(api: Api) -> None:
    api.contact(email="a@x.example")
    reply = api.batch("update", [{"id": "a@x.example", "idProperty": "email", "properties": {"city": "B"}}])
    assert (reply.status, reply.body["message"]) == (400, "Unable to perform update/upsert by non-unique 0-1 property")
    path = "/crm/v3/objects/contacts/a@x.example?idProperty=email"
    assert api("PATCH", path, {"properties": {"city": "B"}}).status == 200


def test_missing_ids_are_named_and_the_others_written(api: Api) -> None:
    contact = api.contact(email="a@x.example")
    inputs = [{"id": contact, "properties": {"city": "B"}}, {"id": "99", "properties": {"city": "B"}}]
    for reply in (api.batch("update", inputs), api.batch("read", [{"id": contact}, {"id": "99"}])):
        assert reply.status == 207
        assert [result["id"] for result in reply.body["results"]] == [contact]
        error = reply.body["errors"][0]
        assert error["category"] == "OBJECT_NOT_FOUND"
        assert error["context"]["ids"] == ["99"]
        assert error["message"] == (
            "Could not get some CONTACT objects, they may be deleted or not exist. Check that ids are valid."
        )


def test_an_update_may_pass_a_unique_value_to_a_record_that_gave_it_up(api: Api) -> None:
    first, second = api.contact(email="a@x.example"), api.contact(email="b@x.example")
    reply = api.batch("update", [{"id": second, "properties": {"email": "a@x.example"}}])
    assert reply.status == 400
    api.batch("update", [{"id": first, "properties": {"email": "c@x.example"}}])
    assert api.batch("update", [{"id": second, "properties": {"email": "a@x.example"}}]).status == 200


# ---------------------------------------------------------------- merging, archiving, deleting


def test_a_merge_makes_a_new_id_that_both_old_ones_mean(api: Api) -> None:
    first = api.contact(email="a@x.example", city="Old")
    second = api.contact(email="b@x.example", city="Other", zip="12345")
    merged_body = api(
        "POST", "/crm/v3/objects/contacts/merge", {"primaryObjectId": first, "objectIdToMerge": second}
    ).body
    assert merged_body["id"] not in {first, second}
    assert (merged_body["properties"]["city"], merged_body["properties"]["zip"]) == ("Old", "12345")
    assert merged_body["properties"]["hs_merged_object_ids"] == f"{first};{second}"
    for old in (first, second):
        assert api("GET", f"/crm/v3/objects/contacts/{old}").body["id"] == merged_body["id"]
        assert list(api.batch("read", [{"id": old}]).values) == [merged_body["id"]]
    reply = api.batch("update", [{"id": first, "properties": {"city": "New"}}])
    assert (reply.status, reply.body["results"]) == (200, [])
    assert "errors" not in reply.body
    assert api.search(("hs_object_id", "EQ", first)).body["total"] == 0


def test_merges_of_merges_still_lead_to_the_survivor(api: Api) -> None:
    ids = [api.contact(lastname=f"L{n}") for n in range(3)]
    first = api.simulator.control("POST", "merge", {"object": "contacts", "primary": ids[0], "other": ids[1]})["id"]
    last = api.simulator.control("POST", "merge", {"object": "contacts", "primary": ids[2], "other": first})["id"]
    assert {api("GET", f"/crm/v3/objects/contacts/{one}").body["id"] for one in (*ids, first)} == {last}


def test_an_archived_record_is_found_only_where_archived_ones_are_asked_for(api: Api) -> None:
    contact = api.contact(email="a@x.example")
    assert api("DELETE", f"/crm/v3/objects/contacts/{contact}").status == 204
    assert api("GET", f"/crm/v3/objects/contacts/{contact}").status == 404
    body = api("GET", f"/crm/v3/objects/contacts/{contact}?archived=true").body
    assert body["archived"]
    assert body["archivedAt"]
    assert api("GET", "/crm/v3/objects/contacts?archived=true").body["results"][0]["id"] == contact
    reply = api("POST", "/crm/v3/objects/contacts/batch/read?archived=true", {"inputs": [{"id": contact}]})
    assert list(reply.values) == [contact]
    assert api.search(("email", "EQ", "a@x.example")).body["total"] == 0
    assert api.contact(email="a@x.example") != contact


def test_the_bin_is_emptied_after_ninety_days(api: Api) -> None:
    contact = api.contact(email="a@x.example")
    api.batch("archive", [{"id": contact}, {"id": "99"}])
    api.simulator.control("POST", "advance", {"days": 89})
    assert api("GET", f"/crm/v3/objects/contacts/{contact}?archived=true").status == 200
    api.simulator.control("POST", "advance", {"days": 2})
    assert api("GET", f"/crm/v3/objects/contacts/{contact}?archived=true").status == 404


def test_a_contact_deleted_for_good_is_nowhere(api: Api) -> None:
    contact = api.contact(email="a@x.example")
    body = {"objectId": "a@x.example", "idProperty": "email"}
    assert api("POST", "/crm/v3/objects/contacts/gdpr-delete", body).status == 204
    assert api("GET", f"/crm/v3/objects/contacts/{contact}").status == 404
    assert api("GET", f"/crm/v3/objects/contacts/{contact}?archived=true").status == 404


def test_lists_are_paged_by_the_id_of_the_next_record(api: Api) -> None:
    ids = [api.contact(lastname=f"L{n}") for n in range(5)]
    seen, after = [], ""
    while True:
        body = api("GET", f"/crm/v3/objects/contacts?limit=2{after}").body
        seen += [result["id"] for result in body["results"]]
        if "paging" not in body:
            break
        after = f"&after={body['paging']['next']['after']}"
    assert seen == ids


@pytest.mark.parametrize(
    "path",
    [
        "/crm/v3/objects/contacts",
        "/crm/v3/objects/0-1",
        "/crm/objects/2026-03/contacts",
        "/crm/objects/2026-09/contact",
    ],
)
def test_every_version_and_spelling_reaches_the_same_records(api: Api, path: str) -> None:
    record_id = api("POST", path, {"properties": {"lastname": "A"}}).body["id"]
    assert api("GET", f"/crm/v3/objects/contacts/{record_id}").status == 200


def test_ids_of_different_objects_are_the_same_numbers(api: Api) -> None:
    deal = api("POST", "/crm/v3/objects/deals", {"properties": {"dealname": "D"}}).body["id"]
    assert deal == api.contact(lastname="A")


def test_a_unique_value_in_a_path_may_hold_any_character(api: Api) -> None:
    api.key()
    contact = api.contact(lastname="A", clinic_key="a/b 50%25")
    answer = api("GET", "/crm/v3/objects/contacts/a%2Fb%2050%2525?idProperty=clinic_key")
    assert (answer.status, answer.body.get("id")) == (200, contact)


def test_two_inputs_of_a_batch_cannot_take_one_unique_value(api: Api) -> None:
    api.key()
    inputs = [{"id": f"k{n}", "idProperty": "clinic_key", "properties": {"email": "a@x.example"}} for n in range(2)]
    assert api.batch("upsert", inputs).status == 409
    assert api.state()["objects"]["contacts"] == 0


def test_a_custom_unique_value_that_is_taken_is_refused_on_create(api: Api) -> None:
    api.key()
    first = api.contact(lastname="A", clinic_key="k1")
    reply = api("POST", "/crm/v3/objects/contacts", {"properties": {"lastname": "B", "clinic_key": "k1"}})
    assert reply.status == 400
    assert reply.body["message"].endswith(
        f"propertyName=clinic_key, value=k1}} on 30002. {first} already has that value."
    )


def test_an_upsert_by_mail_may_be_set_to_blank_what_it_leaves_out(api: Api) -> None:
    contact = api.contact(email="a@x.example", city="Here")
    values = {"id": "a@x.example", "idProperty": "email", "properties": {"zip": "1"}}
    api.batch("upsert", [values])
    path = f"/crm/v3/objects/contacts/{contact}?properties=city"
    assert api("GET", path).body["properties"]["city"] == "Here"
    api.simulator.control("POST", "settings", {"blank_on_email_upsert": True})
    api.batch("upsert", [values])
    assert api("GET", path).body["properties"]["city"] is None
