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
from careloom.core.hooks import Accepted, Hint, HookAnswer, HookRequest, Reading, StoredEvent
from careloom.core.ports import Finding
from careloom.core.rooms import Surroundings
from careloom.core.streams import Record
from careloom.core.strict_json import strict_json
from careloom.systems.drchrono.options import Options
from careloom.systems.drchrono.records import deletion, key_of, records_of

_OK = HookAnswer(status=200, body=b'{"status":"ok"}')
_EVENT = re.compile(r"[A-Z][A-Z_]{0,63}")
_DELIVERY = re.compile(r"[\x21-\x7e]{1,200}")
_FAT = {
    "PATIENT_CREATE": "patients",
    "PATIENT_MODIFY": "patients",
    "APPOINTMENT_CREATE": "appointments",
    "APPOINTMENT_MODIFY": "appointments",
}
_HINTS = {
    "PATIENT_PROBLEM_CREATE": "problems",
    "PATIENT_PROBLEM_MODIFY": "problems",
    "PATIENT_ALLERGY_CREATE": "allergies",
    "PATIENT_ALLERGY_MODIFY": "allergies",
    "PATIENT_MEDICATION_CREATE": "medications",
    "PATIENT_MEDICATION_MODIFY": "medications",
    "CLINICAL_NOTE_LOCK": "clinical_notes",
    "CLINICAL_NOTE_UNLOCK": "clinical_notes",
}


class DrChronoHooks:
    """Receives and reads webhooks; implements `core.hooks.Hooks`."""

    def __init__(self, options: Options, surroundings: Surroundings) -> None:
        self._secret = surroundings.secret(options.webhook_secret).encode() if options.webhook_secret else b""
        self._types = frozenset(one.lower() for one in options.event_content_types)
        self._zone = surroundings.timezone

    def __repr__(self) -> str:
        return "DrChronoHooks()"

    def receive(self, request: HookRequest) -> Accepted | HookAnswer:
        """A handshake's or a ping's answer, an accepted event, or a refusal."""
        if request.method == "GET":
            return self._handshake(request.query.get("msg", ""))
        if request.method != "POST":
            return _refusal(405, "wrong-method")
        if not self._signed(request.headers.get("x-drchrono-signature", "")):
            return _refusal(401, "bad-signature")
        event = request.headers.get("x-drchrono-event", "").strip().upper()
        if event == "PING" or not request.body.strip():
            return _OK
        return self._event(request, event)

    def check(self) -> Sequence[Finding]:
        """Whether there is a secret token; without, nobody is let in."""
        if self._secret:
            return [Finding(level="ok", what="webhooks", detail="the secret token is there")]
        fix = "set webhook_secret: to the name of the secret that holds the webhook's secret token"
        return [Finding(level="warn", what="webhooks", detail="none is accepted: there is no secret token", fix=fix)]

    def _event(self, request: HookRequest, event: str) -> Accepted | HookAnswer:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind and kind not in self._types:
            return _refusal(415, "wrong-content-type")
        if _speaks_of_nothing(request.body):
            return _OK
        if not _EVENT.fullmatch(event):
            return _refusal(400, "no-event")
        return Accepted(event_id=_event_id(request, event), event=event)

    def _handshake(self, message: str) -> HookAnswer:
        if not self._secret:
            return _refusal(401, "no-secret")
        if not message:
            return _refusal(400, "no-message")
        proof = hmac.new(self._secret, _bytes(message), hashlib.sha256).hexdigest()
        return HookAnswer(status=200, body=orjson.dumps({"secret_token": proof}))

    def _signed(self, signature: str) -> bool:
        """Whether the header is the secret; without a configured secret nobody is let in."""
        # Compared as digests of one length, so that the time tells nothing of the secret's length either.
        same = hmac.compare_digest(hashlib.sha256(_bytes(signature)).digest(), hashlib.sha256(self._secret).digest())
        return same and bool(self._secret)

    def read(self, event: StoredEvent) -> Reading:
        """Records of streams that tell their version, hints for the others. Hold where the event cannot be read."""
        if event.event not in _FAT and event.event not in _HINTS and event.event != "APPOINTMENT_DELETE":
            return Reading()
        body = strict_json(event.body)
        found = body.get("object") if isinstance(body, dict) else None
        if not isinstance(found, dict):
            raise Hold("no-object", f"the event {event.event} holds no object")
        if event.event in _HINTS:
            stream = _HINTS[event.event]
            return Reading(hints=[Hint(stream=stream, key=_hint_key(stream, found))])
        if event.event == "APPOINTMENT_DELETE":
            return Reading(records=[deletion("appointments", key_of("appointments", found), event.received_at)])
        return self._fat(_FAT[event.event], found, event)

    def _fat(self, stream: str, found: Mapping[str, Any], event: StoredEvent) -> Reading:
        key = key_of(stream, found)
        if not isinstance(found.get("updated_at"), str) or len(found) < 3:  # noqa: PLR2004 - an id and a time say nothing
            return Reading(hints=[Hint(stream=stream, key=key)])
        records: list[Record] = records_of(stream, found, event.received_at, self._zone)
        return Reading(records=records)


def _hint_key(stream: str, found: Mapping[str, Any]) -> str:
    if stream == "clinical_notes" and not found.get("appointment"):
        # Some senders give the appointment itself; its id is the note's key.
        return key_of("appointments", found)
    return key_of(stream, found)


def _event_id(request: HookRequest, event: str) -> str:
    """The delivery's id; a digest of event and body where there is none that can be kept."""
    given = request.headers.get("x-drchrono-delivery", "").strip()
    if _DELIVERY.fullmatch(given):
        return given
    return "sha256:" + hashlib.sha256(event.encode() + b"\0" + request.body).hexdigest()


def _speaks_of_nothing(body: bytes) -> bool:
    """A verification that names only its receiver. Whatever cannot be parsed is stored, and held when it is read."""
    if b'"object"' in body:
        return False
    try:
        found = strict_json(body)
    except Hold:
        return False
    return isinstance(found, dict) and "object" not in found and not found.keys() - {"receiver"}


def _refusal(status: int, reason: str) -> HookAnswer:
    return HookAnswer(status=status, body=orjson.dumps({"error": reason}), reason=reason)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
