"""Whatever comes that is not what the Web API gives: it is an answer that was lost, and never a report without rows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from careloom.core.errors import CareloomError, Fix, Hold, RemoteUnavailable
from systems.collaboratemd.fake_billing import FIRST, wanted
from systems.collaboratemd.test_client_policy import answering, source_at

JSON = {"Content-Type": "application/json"}
MALFORMED: list[tuple[str, int, bytes, Mapping[str, str]]] = [
    ("nothing", 200, b"", {}),
    ("no content", 204, b"", {}),
    ("accepted", 202, b"", {}),
    ("partial", 206, b'{"Status":"SUCCESS"', {}),
    ("blank", 200, b" \r\n\t ", JSON),
    ("null", 200, b"null", JSON),
    ("a list", 200, b'[{"Status":"SUCCESS"}]', JSON),
    ("a string", 200, b'"SUCCESS"', JSON),
    ("a number", 200, b"0", JSON),
    ("an empty object", 200, b"{}", JSON),
    ("another object", 200, b'{"error":"maintenance"}', JSON),
    ("no status", 200, b'{"StatusMessage":"No records found","Identifier":7}', JSON),
    ("a null status", 200, b'{"Status":null,"Identifier":7}', JSON),
    ("an empty status", 200, b'{"Status":" ","Identifier":7}', JSON),
    ("a nested answer", 200, b'{"result":{"Status":"SUCCESS","Identifier":7}}', JSON),
    ("cut json", 200, b'{"Status":"SUCCESS","Identifier":7', JSON),
    ("two answers", 200, b'{"Status":"SUCCESS","Identifier":7}{"Status":"SUCCESS"}', JSON),
    ("an array for data", 200, b'{"Status":"SUCCESS","Data":["QUJD"]}', JSON),
    ("an object for data", 200, b'{"Status":"SUCCESS","Data":{"zip":"QUJD"}}', JSON),
    ("a number for data", 200, b'{"Status":"SUCCESS","Data":0}', JSON),
    ("false for data", 200, b'{"Status":"SUCCESS","Data":false}', JSON),
    ("no base64", 200, b'{"Status":"SUCCESS","Data":"<html>"}', JSON),
    ("half a base64", 200, b'{"Status":"SUCCESS","Data":"QUJ"}', JSON),
    ("no archive", 200, b'{"Status":"SUCCESS","Data":"QUJD"}', JSON),
    ("a page", 200, b"<html><body><h1>No records found</h1><br></body></html>", {}),
    ("a well-formed page", 200, b"<html><body>No records found</body></html>", {}),
    ("a text", 200, b"No records found", {"Content-Type": "text/plain"}),
    ("a doctype", 200, b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]><R><Status>&a;</Status></R>', {}),
    ("utf-16", 200, "<R><Status>SUCCESS</Status></R>".encode("utf-16"), {}),
    ("cut xml", 200, b"<R><Status>SUCCESS</Status><Data>", {}),
    ("data of elements", 200, b"<R><Status>SUCCESS</Status><Data><row>1</row></Data></R>", {}),
    ("no gzip", 200, b"SUCCESS", {"Content-Encoding": "gzip"}),
    ("too short", 200, b'{"Status":"SUCCESS"}', {"Content-Length": "99", "Connection": "close"}),
    ("a redirect", 302, b"", {"Location": "/login"}),
    ("bad request", 400, b"No records found", {}),
    ("gone", 410, b"No records found", {}),
    ("teapot", 418, b'{"Status":"SUCCESS","StatusMessage":"No records found"}', JSON),
    ("broken", 500, b'{"Status":"SUCCESS","StatusMessage":"No records found"}', JSON),
    ("bad gateway", 502, b"<html>", {}),
    ("unavailable", 503, b"", {"Retry-After": "1"}),
]


@pytest.mark.parametrize("form", ["json", "xml"])
@pytest.mark.parametrize(("name", "status", "body", "headers"), MALFORMED, ids=[one[0] for one in MALFORMED])
def test_an_answer_that_is_none_is_never_a_report_without_rows(
    tmp_path: Path, name: str, status: int, body: bytes, headers: Mapping[str, str], form: str
) -> None:
    del name
    with answering(body, status, headers) as (url, _):
        source = source_at(url, format=form, grace_polls=0, timeout_seconds=2)
        with pytest.raises((RemoteUnavailable, Hold, Fix)):
            source.fetch(FIRST, "7", tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "body",
    [
        *(
            body
            for _, status, body, headers in MALFORMED
            if status == 200 and headers in ({}, JSON) and b":7" not in body
        ),
        b'{"Status":"SUCCESS","Identifier":0}',
        b'{"Status":"SUCCESS","Identifier":-5}',
        b'{"Status":"SUCCESS","Identifier":true}',
        b'{"Status":"SUCCESS","Identifier":1.5}',
        b'{"Status":"SUCCESS","Identifier":"../7"}',
        b'{"Status":"SUCCESS","Identifier":"7 OR 1=1"}',
        b'{"Status":"REPORT RUNNING"}',
        b'{"Status":"PENDING","Identifier":7}',
    ],
)
def test_a_run_is_never_begun_on_an_answer_that_names_none(body: bytes) -> None:
    with answering(body, 200) as (url, _), pytest.raises(CareloomError):
        source_at(url, timeout_seconds=2).ask(wanted("ar_aging"))
