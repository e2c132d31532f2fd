"""Signatures of every known scheme: what is believed, what is stale, and that nothing is believed without a secret."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from careloom.core.webhooks import WebhookRequest
from careloom.vendor_kit.signatures import STANDARD_WEBHOOKS, HmacScheme, is_same, standard_secret

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
STAMP = str(int(NOW.timestamp()))
SCHEMES = {
    "body, base64": HmacScheme(header="x-signature", encoding="base64"),
    "body, hex, with a prefix": HmacScheme(header="x-hub-signature-256", prefix="sha256="),
    "with a time": HmacScheme(
        header="x-sig", prefix="v0=", message="v0:{timestamp}:{body}", timestamp_header="x-sent-at"
    ),
    "one header": HmacScheme(header="signature", message="{timestamp}.{body}", fields=("t", "v1")),
    "method and address": HmacScheme(header="x-sig", message="POST{url}{body}"),
    "standard": STANDARD_WEBHOOKS,
}
DATED = [name for name, scheme in SCHEMES.items() if scheme.timestamp_header or scheme.fields]


def signed(scheme: HmacScheme, secret: bytes = b"key", stamp: str = STAMP, body: bytes = b'{"a":1}') -> WebhookRequest:
    url = "https://hooks.example/webhooks/shop?x=1"
    plain = WebhookRequest(method="POST", headers={scheme.id_header: "m1"}, query={}, body=body, url=url)
    return replace(plain, headers={**plain.headers, **scheme.sign(plain, secret, stamp)})


@pytest.mark.parametrize("name", SCHEMES)
def test_what_was_signed_with_one_of_our_secrets_is_believed(name: str) -> None:
    scheme = SCHEMES[name]
    assert scheme.problem(signed(scheme), [b"key"], NOW) == ""
    assert scheme.problem(signed(scheme), [b"new", b"key"], NOW) == ""
    assert scheme.problem(signed(scheme), [b"other"], NOW) == "bad-signature"
    assert scheme.problem(signed(scheme, b""), [b""], NOW) == "no-secret"


@pytest.mark.parametrize("name", SCHEMES)
def test_another_body_header_or_none_is_not_believed(name: str) -> None:
    scheme = SCHEMES[name]
    request = signed(scheme)
    for wrong in (
        replace(request, body=request.body + b" "),
        replace(request, headers={}),
        replace(request, headers={**request.headers, scheme.header: ""}),
        replace(request, headers={**request.headers, scheme.header: "ä\ud800,t=,v1=="}),
    ):
        assert scheme.problem(wrong, [b"key"], NOW) == "bad-signature"


@pytest.mark.parametrize("name", DATED)
@pytest.mark.parametrize("minutes", [-6, 6])
def test_an_old_request_is_stale_and_a_changed_time_is_not_signed(name: str, minutes: int) -> None:
    scheme = SCHEMES[name]
    moment = NOW + timedelta(minutes=minutes)
    assert scheme.problem(signed(scheme), [b"key"], moment) == "stale"
    other = str(int(moment.timestamp()))
    header = scheme.timestamp_header or scheme.header
    moved = {**signed(scheme).headers, header: signed(scheme).headers[header].replace(STAMP, other)}
    assert scheme.problem(replace(signed(scheme), headers=moved), [b"key"], moment) == "bad-signature"


def test_a_time_in_milliseconds_is_understood_and_one_that_is_none_is_stale() -> None:
    scheme = SCHEMES["with a time"]
    assert scheme.problem(signed(scheme, stamp=STAMP + "123"), [b"key"], NOW) == ""
    assert scheme.problem(signed(scheme, stamp="٣"), [b"key"], NOW) == "stale"


def test_the_published_example_of_standard_webhooks_verifies() -> None:
    """From the specification's own libraries."""
    secret = standard_secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    headers = {"webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek", "webhook-timestamp": "1614265330"}
    request = WebhookRequest(method="POST", headers=headers, query={}, body=b'{"test": 2432232314}')
    signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert STANDARD_WEBHOOKS.sign(request, secret, "1614265330")["webhook-signature"] == signature
    moment = datetime.fromtimestamp(1614265330, UTC)
    several = replace(request, headers={**headers, "webhook-signature": f"v1,AAAA {signature} v2,x"})
    assert STANDARD_WEBHOOKS.problem(several, [secret], moment) == ""
    assert standard_secret("whsec_###") == b""


@given(st.text(), st.binary())
def test_a_header_is_the_secret_only_where_it_is(text: str, secret: bytes) -> None:
    own = text.encode("utf-8", "surrogatepass")
    assert is_same(text, secret) == (bool(secret) and own == secret)
