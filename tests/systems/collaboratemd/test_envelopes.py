"""Answers as they come over the wire, cut anywhere: judged by the standard library's own readers of JSON and XML."""

from __future__ import annotations

import json
import tracemalloc
from base64 import b64encode
from collections.abc import Iterator
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from careloom.systems.collaboratemd.envelopes import Damaged, Envelope, read_envelope
from careloom.vendor_kit.call import NotAnAnswer

NAMESPACE = "http://www.collaboratemd.com/api/v1/"


def pieces(body: bytes, size: int) -> Iterator[bytes]:
    return (body[at : at + size] for at in range(0, len(body), size))


def read(body: bytes, size: int = 7) -> tuple[Envelope, bytes]:
    got = bytearray()
    return read_envelope(pieces(body, size), got.extend), bytes(got)


@given(
    st.binary(max_size=400),
    st.text(st.characters(codec="utf-8"), max_size=40),
    st.integers(1, 50),
    st.sampled_from([True, False]),
    st.permutations(["Status", "StatusMessage", "Identifier", "Data", "Other"]),
)
def test_json_of_any_kind_cut_anywhere_gives_what_json_reads(
    data: bytes, message: str, size: int, ascii_only: bool, order: list[str]
) -> None:
    members = {
        "Status": "SUCCESS",
        "StatusMessage": message,
        "Identifier": 7,
        "Data": b64encode(data).decode(),
        "Other": {"Data": message, "list": [1, {"Data": "}"}, '"\\']},
    }
    body = json.dumps({name: members[name] for name in order}, ensure_ascii=ascii_only, indent=len(message) % 3 or None)
    written = body.encode().replace(b"/", b"\\/").replace(b"+", b"\\u002B")
    found, got = read(written, size)
    assert got == data
    assert (found.status, found.identifier, found.data_bytes) == ("SUCCESS", "7", len(data))
    assert found.message == json.loads(written)["StatusMessage"].strip()


PRINTABLE = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff"))


@given(st.binary(max_size=400), PRINTABLE, st.integers(1, 50), st.sampled_from(["", "ns2:"]))
def test_xml_with_and_without_namespaces_cut_anywhere(data: bytes, message: str, size: int, prefix: str) -> None:
    coded = b64encode(data).decode()
    broken = "\r\n".join(coded[at : at + 76] for at in range(0, len(coded), 76))
    body = (
        f'<?xml version="1.0"?><ns2:R xmlns:ns2="{NAMESPACE}"><{prefix}Status>REPORT_COMPLETE</{prefix}Status>'
        f"<{prefix}StatusMessage>{escape(message)}</{prefix}StatusMessage>"
        f"<{prefix}Identifier> 42 </{prefix}Identifier><Data>{broken}</Data></ns2:R>"
    )
    found, got = read(body.encode(), size)
    assert got == data
    assert (found.status, found.identifier, found.message) == ("REPORT COMPLETE", "42", message.strip())


def test_cdata_and_character_references_are_text() -> None:
    found, got = read(b"<R><Status>SUCCESS</Status><Data><![CDATA[QUJD]]>&#13;&#10;&#81;UJD</Data></R>")
    assert (found.status, got) == ("SUCCESS", b"ABCABC")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"   ",
        b"Service Unavailable",
        b"<!DOCTYPE html><html><body>Back soon<br></body></html>",
        b"<html><body>Back soon</body></html>",
        b"<R/>",
        b"{}",
        b'{"Message": "An error has occurred."}',
        b'["SUCCESS"]',
    ],
)
def test_a_page_that_is_no_answer_is_told_apart(body: bytes) -> None:
    with pytest.raises(NotAnAnswer):
        read(body)


@pytest.mark.parametrize(
    "body",
    [
        b'{"Status":"SUCCESS","Data":"QUJD',
        b'{"Status":"SUCCESS","Data":"QUJ"}',
        b'{"Status":"SUCCESS","Data":"QUI=QUJD"}',
        b'{"Status":"SUCCESS","Data":"QU*D"}',
        b'{"Status":"SUCCESS","Data":"QU\\qD"}',
        b'{"Status":"SUCCESS","Data":"QUJD"} tail',
        b'{"Status":"SUCCESS","StatusMessage":"' + b"x" * 70_000 + b'"}',
        b"<R><Status>SUCCESS</Status><Data>QUJD",
        b"<R><Status>SUCCESS</Status><Data>QU\xc3\xb1D</Data></R>",
        b"<R><Status>SUCCESS</Status><StatusMessage>" + b"x" * 70_000 + b"</StatusMessage></R>",
        b"<R><Status>SUCCESS</Status>" + b"<a>" * 40 + b"</a>" * 40 + b"</R>",
        b"<R><Status>SUCCESS</Status><a b='" + b"x" * 3_000_000 + b"'/></R>",
    ],
    ids=lambda body: f"{body[:36]!r}",
)
def test_a_broken_answer_is_not_taken_for_a_whole_one(body: bytes) -> None:
    with pytest.raises(Damaged):
        read(body, 10_000)


def test_entities_are_not_expanded() -> None:
    body = b'<!DOCTYPE R [<!ENTITY a "SUCCESS"><!ENTITY b "&a;&a;">]><R><Status>&b;</Status></R>'
    with pytest.raises(NotAnAnswer):
        read(body)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'{"Status":"SUCCESS","Data":"', b'"}'),
        (b"<R><Status>SUCCESS</Status><Data>", b"</Data></R>"),
    ],
)
@pytest.mark.parametrize("line", [b"QUJD" * 4096, b"QUJD\\/\\u002b+/" * 1000, b"QUJD" * 19 + b"\r\n"])
def test_a_large_answer_is_never_in_memory_as_a_whole(before: bytes, after: bytes, line: bytes) -> None:
    if before.startswith(b"<") and b"\\" in line:
        line = b"QUJD//++" * 1000
    chunk = line * (256 * 1024 // len(line))
    sizes: list[int] = []

    def body() -> Iterator[bytes]:
        yield before
        yield from (chunk for _ in range(80))
        yield after

    tracemalloc.start()
    try:
        found = read_envelope(body(), lambda piece: sizes.append(len(piece)))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found.data_bytes == sum(sizes) > 7_000_000
    assert peak < 6_000_000
