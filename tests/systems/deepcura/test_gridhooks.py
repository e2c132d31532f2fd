"""Gridhooks: sealed as other programs seal, refused alike whatever is wrong, and never opened in the request."""

from __future__ import annotations

import base64
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from careloom.core.errors import Hold
from careloom.core.rooms import RoomContext
from careloom.core.webhooks import Accepted, StoredEvent, WebhookAnswer, WebhookRequest
from careloom.systems.deepcura.ciphers import NotOurs, sealing
from careloom.systems.deepcura.options import CipherName, Options
from careloom.systems.deepcura.simulator import invented_note, sealed
from careloom.systems.deepcura.webhooks import DeepCuraWebhooks

SECRET = "shared-secret"
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
FROM_NODE: dict[CipherName, str] = {
    "scrypt-cbc": ("yCGo8y5mGGDN4yFGqXgBdoOudT/BK6FKdvzhFvw0V9aNTNdy8zPcco4HHMflOgVA"),
    "sha256-cbc": ("AAECAwQFBgcICQoLDA0OD0xOmO5i5VUPZS9G/sQ25AO2fU0SjO8yYX+kei7OgA6SzZv0ukb89tg3Y4I7keZXKQ=="),
    "aes-gcm": ("AAECAwQFBgcICQoL6oPR62aQ83UrhPFLxQ3Ocal7U4T9AdpAR3DW68cez7q3qPUabgZqY4naRZwWizYSjpLQHJrp4jq4fiDO"),
}
"""What Node's crypto makes of CONTENT with SECRET, each by the scheme of its name."""
CONTENT = {"session_id": "s-1", "soap": {"plan": "go on"}}


def hooks(**options: Any) -> DeepCuraWebhooks:
    context = RoomContext(
        folder=Path(), timezone=ZoneInfo("America/New_York"), secret=lambda name: name, clock=lambda: NOON
    )
    return DeepCuraWebhooks(Options(secret=options.pop("secret", SECRET), **options), context)


def request(body: bytes, **headers: str) -> WebhookRequest:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return WebhookRequest(method="POST", headers=given, query={}, body=body)


def event(body: bytes) -> StoredEvent:
    return StoredEvent(id=1, event_id="e" * 64, event="session_complete", received_at=NOON, body=body)


@pytest.mark.parametrize("name", list(FROM_NODE))
def test_what_node_sealed_is_opened(name: CipherName) -> None:
    assert json.loads(sealing(name, SECRET).open(FROM_NODE[name])) == CONTENT
    body = json.dumps({"payload": FROM_NODE[name]}).encode()
    record = hooks().read(event(body)).records[0]
    assert (record.key, record.data) == ("s-1", CONTENT)


def test_the_legacy_cipher_seals_as_node_does() -> None:
    content = json.dumps(CONTENT, separators=(",", ":")).encode()
    assert sealing("scrypt-cbc", SECRET).seal(content) == FROM_NODE["scrypt-cbc"]


@pytest.mark.parametrize("name", list(FROM_NODE))
def test_whatever_is_wrong_with_a_seal_the_reason_is_one(name: CipherName) -> None:
    good = FROM_NODE[name]
    rubbish = sealing(name, SECRET).seal(b"\xff not json")
    wrong = [sealing(name, "another").seal(b"{}"), good[:-8], good[:12], "AAAA", "%%", "A" * 4096]
    if name != "aes-gcm":
        wrong.append(rubbish)
    said = set()
    for text in wrong:
        with pytest.raises(Hold) as caught:
            hooks(ciphers=(name,)).read(event(json.dumps({"payload": text}).encode()))
        said.add((caught.value.code, str(caught.value)))
    assert said == {("cannot-decrypt", "none of the accepted ciphers opens the payload")}


def test_an_altered_gcm_message_is_not_opened() -> None:
    sealing_ = sealing("aes-gcm", SECRET)
    text = sealing_.seal(b"{}")
    with pytest.raises(NotOurs):
        sealing_.open(text[:20] + ("A" if text[20] != "A" else "B") + text[21:])


def test_the_header_is_compared_before_anything_is_read() -> None:
    body = sealed(CONTENT, SECRET)
    refused = {
        repr(hooks().receive(request(one, **headers)))
        for one in (body, b"{", b"", b"[" * 10_000)
        for headers in ({}, {"x_deepcura_secret": "wrong"}, {"x_deepcura_secret": ""}, {"authorization": "Bearer x"})
    }
    assert len(refused) == 1
    assert "status=401" in refused.pop()
    assert isinstance(hooks().receive(request(body, x_deepcura_secret=SECRET)), Accepted)
    assert isinstance(hooks().receive(request(body, authorization=f"Bearer {SECRET}")), Accepted)


def test_without_a_secret_nobody_is_known() -> None:
    given = hooks(secret="x", header_secret=" ").receive(request(sealed(CONTENT, SECRET), x_deepcura_secret=""))
    assert isinstance(given, WebhookAnswer)
    assert given.status == 401


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b'{"payload": 7}', b'{"payload": "a", "payload": "b"}'])
def test_a_body_without_a_sealed_text_is_refused(body: bytes) -> None:
    answer = hooks().receive(request(body, x_deepcura_secret=SECRET))
    assert isinstance(answer, WebhookAnswer)
    assert (answer.status, answer.body) == (400, b'{"error":"No sealed payload"}')


def test_a_replay_is_the_same_event_and_nothing_is_opened_in_the_request() -> None:
    rubbish = json.dumps({"payload": "rubbish that nothing opens"}).encode()
    ids = {hooks().receive(request(rubbish, x_deepcura_secret=SECRET)) for _ in range(3)}
    assert len(ids) == 1
    assert isinstance(ids.pop(), Accepted)


def test_the_legacy_cipher_ends_on_its_day() -> None:
    body = sealed(CONTENT, SECRET, "scrypt-cbc")
    assert hooks(legacy_until=date(2026, 11, 21)).read(event(body)).records
    with pytest.raises(Hold, match="none of the accepted"):
        hooks(legacy_until=date(2026, 11, 20)).read(event(body))
    assert hooks(legacy_until=date(2026, 11, 20)).read(event(sealed(CONTENT, SECRET, "aes-gcm"))).records


@pytest.mark.parametrize("name", list(FROM_NODE))
def test_a_note_without_an_id_is_one_however_often_it_is_sealed(name: CipherName) -> None:
    note = invented_note(1, day=date(2026, 11, 20)) | {"session_id": None}
    keys = {hooks().read(event(sealed(note, SECRET, name))).records[0].key for _ in range(3)}
    other = hooks().read(event(sealed(note | {"transcript": "Another."}, SECRET, name))).records[0].key
    assert len(keys) == 1
    assert other not in keys


def test_a_sealed_text_written_in_another_way_is_the_same_event() -> None:
    """The last letter of base64 has bits that mean nothing: whoever captured an event could change them."""
    sealed_text = base64.b64encode(b"x" * 31).decode()
    assert sealed_text.endswith("eA==")
    again = sealed_text[:-4] + "eB=="
    assert base64.b64decode(again, validate=True) == base64.b64decode(sealed_text)
    accepted = {
        hooks().receive(request(json.dumps({"payload": text}).encode(), x_deepcura_secret=SECRET))
        for text in (sealed_text, again)
    }
    assert len(accepted) == 1


@pytest.mark.parametrize("name", list(FROM_NODE))
@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b'{"session_id": "s", "transcript": "a\\u0000b"}', "nul-character"),
        (b'{"session_id": "s", "session_id": "t"}', "duplicate-key"),
        (b'{"session_id": 99999999999999999999}', "bad-number"),
        (b"[" * 70 + b"]" * 70, "too-deep"),
    ],
)
def test_what_was_opened_and_cannot_be_read_is_held_for_what_is_wrong_with_it(
    name: CipherName, content: bytes, code: str
) -> None:
    with pytest.raises(Hold) as caught:
        hooks().read(event(json.dumps({"payload": sealing(name, SECRET).seal(content)}).encode()))
    assert caught.value.code == code


def test_what_is_no_object_is_held() -> None:
    body = json.dumps({"payload": sealing("aes-gcm", SECRET).seal(b"[1]")}).encode()
    with pytest.raises(Hold, match="no JSON object"):
        hooks().read(event(body))
