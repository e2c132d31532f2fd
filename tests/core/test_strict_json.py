"""Strict JSON: what is refused, by which code, and that everything else reads as everybody reads it."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from careloom.core.errors import Hold
from careloom.core.strict_json import strict_json

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)


@given(VALUES, st.booleans())
def test_what_is_fine_reads_as_it_was_written(value: Any, ascii_only: bool) -> None:
    assert strict_json(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "bad-json"),
        (b"{", "bad-json"),
        (b"{} {}", "bad-json"),
        (b"{'a': 1}", "bad-json"),
        (b'{"a": 01}', "bad-json"),
        (b'"\x00"', "bad-json"),
        (b"\xef\xbb\xbf{}", "bad-json"),
        (b"\xff", "not-utf8"),
        (b'"\\ud800"', "not-utf8"),
        (b'{"a": {"\\udc00": 1}}', "not-utf8"),
        (b'{"a": 1, "a": 1}', "duplicate-key"),
        (b'[{"b": {"a": 1, "\\u0061": 2}}]', "duplicate-key"),
        (b"NaN", "bad-number"),
        (b'{"a": [-Infinity]}', "bad-number"),
        (b"1e999", "bad-number"),
        (b"-1E+400", "bad-number"),
        (b"9" * 5000, "bad-number"),
        (b"9223372036854775808", "bad-number"),
        (b'["a\\u0000b"]', "nul-character"),
        (b'{"\\u0000": 1}', "nul-character"),
        (b"[" * 65 + b"]" * 65, "too-deep"),
        (b'{"a":' * 65 + b"1" + b"}" * 65, "too-deep"),
        (b"[" * 10_000 + b"]" * 10_000, "too-deep"),
        (b'{"a":' * 100_000, "too-deep"),
    ],
)
def test_what_two_readers_could_understand_differently_is_held(body: bytes, code: str) -> None:
    with pytest.raises(Hold) as error:
        strict_json(body)
    assert error.value.code == code


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 64 + b"]" * 64,
        b'"\\\\u0000"',
        b"[[],[]]",
        b"-9223372036854775808",
        b"1.7976931348623157e308",
        b'"\\ud83d\\ude00"',
    ],
)
def test_what_is_at_the_edge_is_read(body: bytes) -> None:
    assert strict_json(body) == orjson.loads(body)


@given(st.binary(max_size=100))
def test_no_bytes_end_in_anything_but_a_value_or_a_hold(body: bytes) -> None:
    with contextlib.suppress(Hold):
        strict_json(body)


def test_a_hold_says_nothing_of_the_values() -> None:
    with pytest.raises(Hold) as error:
        strict_json(b'{"name": "Zzyzx", "name": "Zzyzx"}')
    assert "Zzyzx" not in str(error.value)
