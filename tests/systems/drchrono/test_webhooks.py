"""Webhooks: who is let in, what is stored, and what a stored event says."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from careloom.core.errors import Hold
from careloom.core.webhooks import Accepted, StoredEvent, ThinEvent, WebhookAnswer, WebhookRequest
from careloom.systems.drchrono.webhooks import DrChronoWebhooks
from systems.drchrono.fake_practice import context_of, options_of

SECRET = "sim-webhook-secret"
RECEIVED = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)
PATIENT = {"id": 77, "first_name": "Briony", "updated_at": "2026-03-01T09:59:00", "city": "Riverton"}


def webhooks_of(secret: str = SECRET) -> DrChronoWebhooks:
    return DrChronoWebhooks(options_of("http://127.0.0.1:1", webhook_secret=secret), context_of(None))


def post(body: Any, event: str = "PATIENT_MODIFY", **headers: str) -> WebhookRequest:
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    sent = {
        "content-type": "application/json",
        "x-drchrono-event": event,
        "x-drchrono-signature": SECRET,
        "x-drchrono-delivery": "d-1",
    }
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    return WebhookRequest(method="POST", headers={k: v for k, v in sent.items() if v != "-"}, query={}, body=raw)


def stored(event: str, body: Any) -> StoredEvent:
    raw = body if isinstance(body, bytes) else orjson.dumps({"receiver": {}, "object": body})
    return StoredEvent(id=1, event_id="d-1", event=event, received_at=RECEIVED, body=raw)


def test_the_handshake_is_answered_with_the_hmac_of_its_message() -> None:
    answer = webhooks_of().receive(WebhookRequest(method="GET", headers={}, query={"msg": "hello"}, body=b""))
    assert isinstance(answer, WebhookAnswer)
    proof = hmac.new(SECRET.encode(), b"hello", hashlib.sha256).hexdigest()
    assert (answer.status, orjson.loads(answer.body)) == (200, {"secret_token": proof})


def test_a_signed_event_is_accepted_under_its_deliverys_id() -> None:
    assert webhooks_of().receive(post({"object": PATIENT})) == Accepted(event_id="d-1", event="PATIENT_MODIFY")


def test_an_event_without_a_usable_delivery_is_known_by_what_it_says() -> None:
    webhooks = webhooks_of()
    ids = {
        webhooks.receive(post(body, event, x_drchrono_delivery=delivery)).event_id
        for body in ({"object": PATIENT}, {"object": {**PATIENT, "city": "Fairview"}})
        for event in ("PATIENT_MODIFY", "PATIENT_CREATE")
        for delivery in ("-", "", "x" * 1000)
    }
    assert len(ids) == 4
    assert all(one.startswith("sha256:") for one in ids)


@pytest.mark.parametrize("signature", ["-", "", "wrong", SECRET + " ", SECRET[:-1], SECRET.upper(), "sécret", "\udcff"])
def test_a_wrong_signature_is_refused(signature: str) -> None:
    answer = webhooks_of().receive(post({"object": PATIENT}, x_drchrono_signature=signature))
    assert (answer.status, answer.reason) == (401, "bad-signature")
    assert b"Briony" not in answer.body


@given(st.text())
def test_no_other_text_is_the_secret(signature: str) -> None:
    answer = webhooks_of().receive(post({"object": PATIENT}, x_drchrono_signature=signature))
    assert isinstance(answer, Accepted) == (signature == SECRET)


@pytest.mark.parametrize("signature", ["-", "", SECRET])
def test_without_a_configured_secret_nobody_is_let_in(signature: str) -> None:
    webhooks = webhooks_of("")
    assert webhooks.receive(post({"object": PATIENT}, x_drchrono_signature=signature)).status == 401
    assert webhooks.receive(WebhookRequest(method="GET", headers={}, query={"msg": "hello"}, body=b"")).status == 401


def test_pings_and_verifications_are_answered_and_not_stored() -> None:
    webhooks = webhooks_of()
    for request, kind in (
        (post({"object": PATIENT}, "PING"), "ping"),
        (post(b"", "PING"), "ping"),
        (post(b"", x_drchrono_event="-"), "verification"),
        (post({}, x_drchrono_event="-"), "verification"),
        (post({"receiver": {"id": 1}}, x_drchrono_event="-"), "verification"),
        (post(b" \n", x_drchrono_event="-"), "verification"),
    ):
        answer = webhooks.receive(request)
        assert isinstance(answer, WebhookAnswer)
        assert (answer.status, answer.reason, answer.thanks_for) == (200, "", kind)


@pytest.mark.parametrize(
    ("request_", "status", "reason"),
    [
        (post({"object": PATIENT}, content_type="text/html"), 415, "wrong-content-type"),
        (post({"object": PATIENT}, x_drchrono_event="-"), 400, "no-event"),
        (post(b"", "PATIENT_CREATE"), 400, "no-object"),
        (post(b" \n", "PATIENT_CREATE"), 400, "no-object"),
        (post({}, "PATIENT_CREATE"), 400, "no-object"),
        (post({"receiver": {"id": 1}}, "PATIENT_MODIFY"), 400, "no-object"),
        (post({"patient": PATIENT}, "PATIENT_MODIFY"), 400, "no-object"),
        (post({"object": PATIENT}, x_drchrono_event="A" * 100), 400, "no-event"),
        (post({"object": PATIENT}, x_drchrono_event="x y"), 400, "no-event"),
        (WebhookRequest(method="GET", headers={}, query={}, body=b""), 400, "no-message"),
        (WebhookRequest(method="PUT", headers={}, query={}, body=b""), 405, "wrong-method"),
    ],
)
def test_what_cannot_be_an_event_is_refused(request_: WebhookRequest, status: int, reason: str) -> None:
    answer = webhooks_of().receive(request_)
    assert (answer.status, answer.reason) == (status, reason)


@given(st.binary(max_size=200))
def test_no_body_makes_the_receiver_or_the_reader_fail(body: bytes) -> None:
    webhooks = webhooks_of()
    assert isinstance(webhooks.receive(post(body)), Accepted | WebhookAnswer)
    for event in ("PATIENT_MODIFY", "CLINICAL_NOTE_LOCK", "APPOINTMENT_DELETE"):
        with pytest.raises(Hold):
            webhooks.read(stored(event, body))


@pytest.mark.parametrize(
    ("event", "stream", "gone"),
    [
        ("CLINICAL_NOTE_MODIFY", "clinical_notes", False),
        ("CLINICAL_NOTE_ARCHIVE", "clinical_notes", False),
        ("PATIENT_DELETE", "patients", True),
        ("PATIENT_MERGE", "patients", False),
        ("PATIENT_PROBLEM_DELETE", "problems", True),
        ("APPOINTMENT_RESTORE", "appointments", False),
    ],
)
def test_whatever_happened_to_what_is_landed_is_a_hint(event: str, stream: str, gone: bool) -> None:
    reading = webhooks_of().read(stored(event, {"id": 77, "appointment": "77"}))
    assert not reading.records
    assert [(hint.stream, hint.key, hint.is_gone) for hint in reading.thin_events] == [(stream, "77", gone)]


@pytest.mark.parametrize("event", ["INVOICE_CREATE", "PATIENT_FLAG_CREATE", "PATIENT", "SOMETHING"])
def test_an_event_of_an_unknown_name_is_held(event: str) -> None:
    with pytest.raises(Hold) as caught:
        webhooks_of().read(stored(event, {"id": 1}))
    assert caught.value.code == "unknown-event"


def test_a_patients_event_is_the_record_itself() -> None:
    (record,) = webhooks_of().read(stored("PATIENT_CREATE", PATIENT)).records
    assert (record.stream, record.key, record.data, record.observed_at) == ("patients", "77", PATIENT, RECEIVED)


def test_a_patients_event_with_policies_brings_them_too() -> None:
    whole = {**PATIENT, "primary_insurance": {"insurance_company": "Acme Mutual"}, "secondary_insurance": {}}
    found = {one.key: one.data for one in webhooks_of().read(stored("PATIENT_MODIFY", whole)).records}
    assert found["77:primary"]["patient"] == 77
    assert found["77:secondary"] is None
    assert "77:tertiary" not in found


def test_a_patient_without_a_version_is_only_a_hint() -> None:
    reading = webhooks_of().read(stored("PATIENT_MODIFY", {"id": 77}))
    assert (reading.records, reading.thin_events) == ((), [ThinEvent(stream="patients", key="77")])


@pytest.mark.parametrize("key", ["4711", "4711_20260301", 4711])
def test_an_appointments_key_is_text_and_may_be_a_day_of_a_series(key: Any) -> None:
    visit = {"id": key, "patient": None, "appt_is_break": True, "updated_at": "2026-03-01T09:00:00"}
    (record,) = webhooks_of().read(stored("APPOINTMENT_MODIFY", visit)).records
    assert (record.key, record.data) == (str(key), visit)


def test_deleted_appointments_are_deletions() -> None:
    webhooks = webhooks_of()
    visit = {"id": "9", "updated_at": "2026-03-01T09:00:00"}
    (told,) = webhooks.read(stored("APPOINTMENT_DELETE", visit)).records
    (marked,) = webhooks.read(stored("APPOINTMENT_MODIFY", {**visit, "deleted_flag": True})).records
    assert (told.data, marked.data) == (None, None)
    assert told.observed_at == marked.observed_at == RECEIVED
    assert marked.gone_at == datetime(2026, 3, 1, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("event", "found", "hint"),
    [
        ("PATIENT_PROBLEM_CREATE", {"id": 5}, ThinEvent(stream="problems", key="5")),
        ("PATIENT_ALLERGY_MODIFY", {"id": 5}, ThinEvent(stream="allergies", key="5")),
        ("PATIENT_MEDICATION_CREATE", {"id": 5, "name": "x"}, ThinEvent(stream="medications", key="5")),
        ("CLINICAL_NOTE_LOCK", {"appointment": "9", "id": 3}, ThinEvent(stream="clinical_notes", key="9")),
        ("CLINICAL_NOTE_UNLOCK", {"id": "9_20260301"}, ThinEvent(stream="clinical_notes", key="9_20260301")),
    ],
)
def test_records_that_tell_no_version_are_hints(event: str, found: dict[str, Any], hint: ThinEvent) -> None:
    reading = webhooks_of().read(stored(event, found))
    assert (reading.thin_events, reading.records) == ([hint], ())


@pytest.mark.parametrize("event", ["TASK_CREATE", "TASK_MODIFY", "TASK_DELETE"])
def test_events_that_mean_nothing_to_us_say_nothing(event: str) -> None:
    reading = webhooks_of().read(stored(event, {"id": 1}))
    assert (reading.records, reading.thin_events, reading.unreadable) == ((), (), ())


@pytest.mark.parametrize("key", [None, "", True, 0, -4, 1.5, [], {}, "x y", "1; drop", 10**18, 10**19])
def test_objects_without_a_usable_key_are_held(key: Any) -> None:
    for event in ("PATIENT_MODIFY", "PATIENT_PROBLEM_CREATE"):
        with pytest.raises(Hold) as held:
            webhooks_of().read(stored(event, {"id": key, "updated_at": "2026-03-01T09:00:00", "city": "x"}))
        assert held.value.code in {"no-key", "bad-key", "bad-number"}


@pytest.mark.parametrize("body", [b"{}", b"[]", b"1", b'{"object": []}', b'{"object": null}'])
def test_bodies_without_an_object_are_held(body: bytes) -> None:
    with pytest.raises(Hold) as held:
        webhooks_of().read(stored("PATIENT_MODIFY", body))
    assert held.value.code == "no-object"


def test_the_secret_is_not_shown() -> None:
    assert SECRET not in repr(webhooks_of())
