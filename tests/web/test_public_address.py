"""A room is told the address that its sender called, as it was written there."""

from __future__ import annotations

import pytest
from starlette.requests import Request

from careloom.core.errors import Fix
from careloom.web.public_address import public_address

SCOPE = {
    "type": "http",
    "method": "POST",
    "scheme": "http",
    "path": "/webhooks/a b",
    "raw_path": b"/webhooks/a%20b",
    "query_string": b"x=%7E&y=",
    "headers": [(b"host", b"127.0.0.1:8080")],
    "server": ("127.0.0.1", 8080),
}


@pytest.mark.parametrize(
    ("setting", "base"),
    [("", "http://127.0.0.1:8080"), (" https://hooks.clinic.example/in/ ", "https://hooks.clinic.example/in")],
)
def test_path_and_query_come_byte_by_byte_behind_the_public_address(setting: str, base: str) -> None:
    address = public_address({"CARELOOM_PUBLIC_URL": setting})
    assert address.of(Request(SCOPE)) == f"{base}/webhooks/a%20b?x=%7E&y="


def test_a_setting_that_is_no_address_is_a_persons_to_mend() -> None:
    with pytest.raises(Fix, match="CARELOOM_PUBLIC_URL"):
        public_address({"CARELOOM_PUBLIC_URL": "hooks.clinic.example"})
