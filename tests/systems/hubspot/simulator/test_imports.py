"""Imports: files of rows become records after a while, and every row that does not is told."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from typing import Any

import pytest

from careloom.systems.hubspot.simulator import RunningSimulator
from hang import HANG
from systems.hubspot.simulator.api import Api

PEOPLE = (
    "Mail,First,Seen,Stage\na@x.example,Ada,03/01/2026,lead\nb@x.example,Ben,02/29/2026,lead\nc@x.example,Cy,,nobody\n"
)
MAPPED = ("email", "firstname", "closedate", "lifecyclestage")


@pytest.fixture(scope="module")
def simulator() -> Iterator[RunningSimulator]:
    with RunningSimulator("--tier", "unlimited") as running:
        yield running


@pytest.fixture
def api(simulator: RunningSimulator) -> Api:
    return Api(simulator)


def columns(*names: str, object_type: str = "0-1", **types: str) -> list[dict[str, Any]]:
    return [
        {"columnObjectTypeId": object_type, "columnName": name, "propertyName": name, "columnType": types.get(name)}
        for name in names
    ]


def request(mapped: list[dict[str, Any]], **extra: Any) -> dict[str, Any]:
    page = {"hasHeader": True, "columnMappings": mapped}
    return {"name": "People", "files": [{"fileName": "p.csv", "fileFormat": "CSV", "fileImportPage": page}], **extra}


def post_import(api: Api, asked: dict[str, Any], text: str, token: str = "pat-test") -> tuple[int, Any]:
    parts = (
        f'--edge\r\nContent-Disposition: form-data; name="importRequest"\r\n\r\n{json.dumps(asked)}\r\n'
        f'--edge\r\nContent-Disposition: form-data; name="files"; filename="p.csv"\r\nContent-Type: text/csv\r\n\r\n{text}'
        "\r\n--edge--\r\n"
    )
    connection = http.client.HTTPConnection(api.simulator.url.removeprefix("http://"), timeout=HANG)
    values = {"authorization": f"Bearer {token}", "content-type": "multipart/form-data; boundary=edge"}
    try:
        connection.request("POST", "/crm/v3/imports", parts.encode(), values)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def begin_import(api: Api, asked: dict[str, Any], text: str) -> str:
    status, body = post_import(api, asked, text)
    assert status == 200, body
    return body["id"]


def await_import(api: Api, import_id: str) -> dict[str, Any]:
    api.simulator.control("POST", "advance", {"seconds": 5})
    body = api("GET", f"/crm/v3/imports/{import_id}").body
    assert body["state"] == "DONE"
    return body


def wrong(api: Api, import_id: str) -> list[tuple[str, int]]:
    rows = api("GET", f"/crm/v3/imports/{import_id}/errors").body["results"]
    return [(row["errorType"], row["sourceData"]["lineNumber"]) for row in rows]


def test_rows_become_records_once_the_import_is_done(api: Api) -> None:
    import_id = begin_import(api, request(columns(*MAPPED)), PEOPLE)
    assert api("GET", f"/crm/v3/imports/{import_id}").body["state"] in {"STARTED", "PROCESSING"}
    assert api.state()["objects"]["contacts"] == 0
    counters = await_import(api, import_id)["metadata"]["counters"]
    assert (counters["TOTAL_ROWS"], counters["CREATED_OBJECTS"], counters["UNIQUE_OBJECTS_WRITTEN"]) == (3, 3, 3)
    assert wrong(api, import_id) == [("COULD_NOT_PARSE_DATE", 3), ("INVALID_ENUMERATION_OPTION", 4)]
    ada = api.search(("email", "EQ", "a@x.example"), properties=["closedate", "lifecyclestage"]).body["results"][0]
    assert ada["properties"]["closedate"] == "2026-03-01T00:00:00Z"
    assert ada["properties"]["lifecyclestage"] == "lead"


def test_a_row_changes_the_record_that_its_mail_or_id_names(api: Api) -> None:
    contact, there = api.contact(email="a@x.example"), api.contact(lastname="B")
    text = "id,email,firstname\n,A@x.example,Ada\n"
    mapped_columns = columns("hs_object_id", "email", "firstname", hs_object_id="HUBSPOT_OBJECT_ID")
    import_id = begin_import(api, request(mapped_columns), text + f"{there},b@x.example,Ben\n99,c@x.example,Cy\n")
    assert await_import(api, import_id)["metadata"]["counters"]["UPDATED_OBJECTS"] == 2
    assert wrong(api, import_id) == [("INVALID_RECORD_ID", 4)]
    rows = api.batch("read", [{"id": contact}, {"id": there}], properties=["firstname"]).values
    assert (rows[contact]["firstname"], rows[there]["firstname"]) == ("Ada", "Ben")


@pytest.mark.parametrize(("operation", "error"), [("CREATE", "CREATE_ONLY_IMPORT"), ("UPDATE", "UPDATE_ONLY_IMPORT")])
def test_an_import_that_may_only_create_or_change_tells_the_other_rows(api: Api, operation: str, error: str) -> None:
    api.contact(email="a@x.example")
    answer = request(columns("email", "firstname"), importOperations={"0-1": operation})
    import_id = begin_import(api, answer, "email,firstname\na@x.example,Ada\nb@x.example,Ben\n")
    await_import(api, import_id)
    assert [kind for kind, _line in wrong(api, import_id)] == [error]


def test_rows_of_another_width_and_records_that_lack_what_they_need_are_told(api: Api) -> None:
    mapped_columns = columns("hs_timestamp", "hs_note_body", object_type="0-46")
    import_id = begin_import(api, request(mapped_columns), "when,text\n03/01/2026,A\n03/02/2026\n,B\n")
    await_import(api, import_id)
    assert wrong(api, import_id) == [("INCORRECT_NUMBER_OF_COLUMNS", 3), ("MISSING_REQUIRED_PROPERTY", 4)]
    assert api.state()["objects"]["notes"] == 1


def test_records_of_one_row_are_tied(api: Api) -> None:
    mapped_columns = [*columns("email"), *columns("name", "domain", object_type="0-2")]
    text = "email,name,domain\na@x.example,Clinic,x.example\nb@x.example,Clinic,X.example\n"
    await_import(api, begin_import(api, request(mapped_columns), text))
    assert (api.state()["objects"]["contacts"], api.state()["objects"]["companies"]) == (2, 1)
    company = api("GET", "/crm/v3/objects/companies").body["results"][0]["id"]
    assert len(api("GET", f"/crm/v4/objects/companies/{company}/associations/contacts").body["results"]) == 2


def test_three_imports_run_and_the_fourth_waits(api: Api) -> None:
    ids = [begin_import(api, request(columns("email")), f"email\np{number}@x.example\n") for number in range(4)]
    assert api("GET", f"/crm/v3/imports/{ids[3]}").body["state"] == "DEFERRED"
    await_import(api, ids[0])
    await_import(api, ids[3])
    assert api.state()["objects"]["contacts"] == 4
    assert [result["id"] for result in api("GET", "/crm/v3/imports").body["results"]] == ids[::-1]


def test_a_canceled_import_brings_nothing_in(api: Api) -> None:
    import_id = begin_import(api, request(columns(*MAPPED)), PEOPLE)
    assert api("POST", f"/crm/v3/imports/{import_id}/cancel").body["status"] == "COMPLETE"
    api.simulator.control("POST", "advance", {"seconds": 5})
    assert api("GET", f"/crm/v3/imports/{import_id}").body["state"] == "CANCELED"
    assert api.state()["objects"]["contacts"] == 0
    assert api("POST", f"/crm/v3/imports/{import_id}/cancel").status == 400
    assert api("POST", "/crm/v3/imports/0/cancel").body["message"] == "importId must be positive."


def test_an_app_sees_its_own_imports_only(api: Api) -> None:
    import_id = begin_import(api, request(columns("email")), "email\na@x.example\n")
    api.token = "pat-other"
    assert api("GET", f"/crm/v3/imports/{import_id}").status == 404
    assert api("GET", "/crm/v3/imports").body["results"] == []


def test_an_import_may_make_a_list_of_its_contacts(api: Api) -> None:
    answer = request(columns("email"), createContactListFromImport=True)
    lists = await_import(api, begin_import(api, answer, "email\na@x.example\nb@x.example\n"))["metadata"]["objectLists"]
    assert lists[0]["objectType"] == "CONTACT"
    assert api("GET", f"/crm/v3/lists/{lists[0]['listId']}").body["list"]["size"] == 2


@pytest.mark.parametrize(
    "asked",
    [
        {"name": "no file"},
        {"name": "no list", "files": "p.csv"},
        {"name": "no objects", "files": ["p.csv"]},
        {"name": "no page", "files": [{"fileName": "p.csv", "fileImportPage": []}]},
        request(columns("email"), importOperations=["CREATE"]),
        request(columns("email"), importOperations={"0-1": []}),
        request(columns("email"), dateFormat=[]),
        request(columns("email"), importOperations={"0-1": "DELETE"}),
        request(columns("email"), dateFormat="YEAR"),
        request(columns("no_such_property")),
        request([{"columnObjectTypeId": "0-1", "propertyName": "email", "foreignKeyType": {"associationTypeId": 279}}]),
    ],
)
def test_a_request_that_cannot_be_carried_out_is_refused_at_once(api: Api, asked: dict[str, Any]) -> None:
    status, body = post_import(api, asked, "email\na@x.example\n")
    assert (status, body["category"]) == (400, "VALIDATION_ERROR")
