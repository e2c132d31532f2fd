"""DrChrono's webhooks: the handshake, who is let in, and what an event says.

The signature header is the secret token itself. There is no timestamp: a delivery's id is what tells repetitions.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from careloom.core.errors import Hold
from careloom.core.ports import Finding
from careloom.core.rooms import RoomContext
from careloom.core.streams import Record
from careloom.core.strict_json import strict_json
from careloom.core.webhooks import Accepted, Reading, StoredEvent, ThinEvent, WebhookAnswer, WebhookRequest
from careloom.systems.drchrono.options import Options
from careloom.systems.drchrono.records import deletion, key_of, records_of

_PING = WebhookAnswer(status=200, body=b'{"status":"ok"}', thanks_for="ping")
_VERIFICATION = WebhookAnswer(status=200, body=b'{"status":"ok"}', thanks_for="verification")
_EVENT = re.compile(r"[A-Z][A-Z_]{0,63}")
_DELIVERY = re.compile(r"[\x21-\x7e]{1,200}")
_FAT = {
    "PATIENT_CREATE": "patients",
    "PATIENT_MODIFY": "patients",
    "APPOINTMENT_CREATE": "appointments",
    "APPOINTMENT_MODIFY": "appointments",
}
_THIN = {
    "PATIENT_PROBLEM": "problems",
    "PATIENT_ALLERGY": "allergies",
    "PATIENT_MEDICATION": "medications",
    "CLINICAL_NOTE": "clinical_notes",
    "LINE_ITEM": "line_items",
    "PATIENT": "patients",
    "APPOINTMENT": "appointments",
}
"""What an event's name speaks of but for its last word, which says what happened."""
_OTHERS = frozenset({"TASK_CREATE", "TASK_MODIFY", "TASK_DELETE"})
"""Events of what this room has no stream for."""
_LOCKS = frozenset({"CLINICAL_NOTE_LOCK", "CLINICAL_NOTE_UNLOCK"})


class DrChronoWebhooks:
    """Receives and reads webhooks; implements `core.webhooks.Webhooks`."""

    def __init__(self, options: Options, context: RoomContext) -> None:
        self._secret = context.secret(options.webhook_secret).encode() if options.webhook_secret else b""
        self._types = frozenset(content_type.lower() for content_type in options.event_content_types)
        self._zone = context.timezone

    def __repr__(self) -> str:
        return "DrChronoWebhooks()"

    def receive(self, request: WebhookRequest) -> Accepted | WebhookAnswer:
        """A handshake's or a ping's answer, an accepted event, or a refusal."""
        if request.method == "GET":
            return self._handshake(request.query.get("msg", ""))
        if request.method != "POST":
            return _refusal(405, "wrong-method")
        if not self._signed(request.headers.get("x-drchrono-signature", "")):
            return _refusal(401, "bad-signature")
        event = request.headers.get("x-drchrono-event", "").strip().upper()
        if event == "PING":
            return _PING
        if not event and not request.body.strip():
            return _VERIFICATION
        return self._event(request, event)

    def check(self) -> Sequence[Finding]:
        """Whether there is a secret token; without, nobody is let in."""
        if self._secret:
            return [Finding(level="ok", what="webhooks", detail="the secret token is there")]
        fix = "set webhook_secret: to the name of the secret that holds the webhook's secret token"
        return [Finding(level="warn", what="webhooks", detail="none is accepted: there is no secret token", fix=fix)]

    def _event(self, request: WebhookRequest, event: str) -> Accepted | WebhookAnswer:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind and kind not in self._types:
            return _refusal(415, "wrong-content-type")
        if not event and _speaks_of_nothing(request.body):
            return _VERIFICATION
        if not _EVENT.fullmatch(event):
            return _refusal(400, "no-event")
        if _lacks_its_object(request.body):
            # Lost on the way, perhaps; thanked for, it would never come again.
            return _refusal(400, "no-object")
        return Accepted(event_id=_event_id(request, event), event=event)

    def _handshake(self, message: str) -> WebhookAnswer:
        if not self._secret:
            return _refusal(401, "no-secret")
        if not message:
            return _refusal(400, "no-message")
        proof = hmac.new(self._secret, _bytes(message), hashlib.sha256).hexdigest()
        return WebhookAnswer(status=200, body=orjson.dumps({"secret_token": proof}))

    def _signed(self, signature: str) -> bool:
        """Whether the header is the secret; without a configured secret nobody is let in."""
        # Compared as digests of one length, so that the time tells nothing of the secret's length either.
        is_same = hmac.compare_digest(hashlib.sha256(_bytes(signature)).digest(), hashlib.sha256(self._secret).digest())
        return is_same and bool(self._secret)

    def read(self, event: StoredEvent) -> Reading:
        """Records of streams that tell their version, thin events for the others. Hold where the event cannot be read."""
        if event.event in _OTHERS:
            return Reading()
        stream = _THIN.get(event.event.rpartition("_")[0])
        if stream is None:
            raise Hold("unknown-event", "the event bears a name that this release does not know")
        body = strict_json(event.body)
        content = body.get("object") if isinstance(body, dict) else None
        if not isinstance(content, dict):
            raise Hold("no-object", f"the event {event.event} holds no object")
        if event.event == "APPOINTMENT_DELETE":
            return Reading(records=[deletion("appointments", key_of("appointments", content), event.received_at)])
        if event.event in _FAT:
            return self._fat(_FAT[event.event], content, event, is_new=event.event.endswith("_CREATE"))
        return Reading(thin_events=[_thin_event(stream, content, event.event)])

    def _fat(self, stream: str, content: Mapping[str, Any], event: StoredEvent, *, is_new: bool) -> Reading:
        key = key_of(stream, content)
        if not isinstance(content.get("updated_at"), str) or len(content) < 3:  # noqa: PLR2004 - an id and a time say nothing
            return Reading(thin_events=[ThinEvent(stream=stream, key=key, content=content, is_new=is_new)])
        records: list[Record] = records_of(stream, content, event.received_at, self._zone)
        return Reading(records=records)


def _thin_event(stream: str, content: Mapping[str, Any], event: str) -> ThinEvent:
    """What an event points at, with as much of it as a fetch would show in the same form."""
    if event.endswith("_DELETE"):
        return ThinEvent(stream=stream, key=key_of(stream, content), is_gone=True)
    if stream != "clinical_notes":
        return ThinEvent(stream=stream, key=key_of(stream, content), content=content, is_new=event.endswith("_CREATE"))
    lock_state = {"locked": event == "CLINICAL_NOTE_LOCK"} if event in _LOCKS else {}
    if not content.get("appointment"):
        # Some senders give the appointment itself; its id is the note's key.
        return ThinEvent(stream=stream, key=key_of("appointments", content), content=lock_state)
    return ThinEvent(stream=stream, key=key_of(stream, content), content={**content, **lock_state})


def _event_id(request: WebhookRequest, event: str) -> str:
    """The delivery's id; a digest of event and body where there is none that can be kept."""
    delivery = request.headers.get("x-drchrono-delivery", "").strip()
    if _DELIVERY.fullmatch(delivery):
        return delivery
    return "sha256:" + hashlib.sha256(event.encode() + b"\0" + request.body).hexdigest()


def _speaks_of_nothing(body: bytes) -> bool:
    """A verification that names only its receiver."""
    content = _without_object(body)
    return content is not None and not content.keys() - {"receiver"}


def _lacks_its_object(body: bytes) -> bool:
    """Nothing is told of. Whatever cannot be parsed is stored, and held when it is read."""
    return not body.strip() or _without_object(body) is not None


def _without_object(body: bytes) -> Mapping[str, Any] | None:
    """The body where it is JSON and holds no object of an event."""
    if b'"object"' in body:
        return None
    try:
        content = strict_json(body)
    except Hold:
        return None
    return content if isinstance(content, dict) and "object" not in content else None


def _refusal(status: int, reason: str) -> WebhookAnswer:
    return WebhookAnswer(status=status, body=orjson.dumps({"error": reason}), reason=reason)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
