"""Gridhooks: the header is checked in the request, the seal only by the worker, so that no answer tells how a seal failed."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import Any

from careloom.core.errors import Hold
from careloom.core.log import LOG
from careloom.core.ports import Finding
from careloom.core.rooms import RoomContext
from careloom.core.streams import Record
from careloom.core.strict_json import strict_json
from careloom.core.webhooks import Accepted, Reading, StoredEvent, WebhookAnswer, WebhookRequest
from careloom.systems.deepcura.ciphers import LEGACY, NotOurs, sealing
from careloom.systems.deepcura.options import Options

EVENT = "session_complete"
_UNSIGNED = WebhookAnswer(status=401, body=b'{"error":"Invalid secret"}', reason="bad-secret")
_UNREADABLE = WebhookAnswer(status=400, body=b'{"error":"No sealed payload"}', reason="no-payload")
_WRONG_METHOD = WebhookAnswer(status=405, body=b'{"error":"Method not allowed"}', reason="method")
_RUBBISH = frozenset({"not-utf8", "bad-json"})


class DeepCuraWebhooks:
    """One account's Gridhooks."""

    def __init__(self, options: Options, context: RoomContext) -> None:
        secret = context.secret(options.secret)
        self._options = options
        self._header = context.secret(options.header_secret or options.secret).encode()
        self._sealings = [sealing(name, secret) for name in options.ciphers] if secret else []
        self._clock = context.clock

    def receive(self, request: WebhookRequest) -> Accepted | WebhookAnswer:
        """Compare the secret in constant time, find the sealed text, and open nothing."""
        if request.method != "POST":
            return _WRONG_METHOD
        if not self._known(request.headers):
            return _UNSIGNED
        text = self._sealed(request.body)
        if text is None:
            return _UNREADABLE
        return Accepted(event_id=hashlib.sha256(_one_writing(text)).hexdigest(), event=EVENT)

    def read(self, event: StoredEvent) -> Reading:
        """The session note. Hold where it cannot be opened, with one reason for whatever is wrong."""
        content, note = self._opened(self._sealed(event.body) or "")
        if not isinstance(note, Mapping):
            raise Hold("not-an-object", "the note is no JSON object")
        session_id = note.get("session_id") or note.get("sessionId")
        # Sealed anew for each attempt, a note is the same only by what it says.
        digest = hashlib.sha256(content)
        key = str(session_id) if isinstance(session_id, str | int) else f"content:{digest.hexdigest()[:32]}"
        record = Record(stream="notes", key=key, data=note, observed_at=event.received_at)
        return Reading(records=[record], content=digest.digest())

    def check(self) -> Sequence[Finding]:
        """Whether there is a secret to know callers by, and a cipher that may still open what they send."""
        if not self._header or not self._sealings:
            fix = "set secret: to the name of the secret that is shared with Deep Cura"
            return [Finding(level="fault", what="Gridhooks", detail="none is accepted: the secret is empty", fix=fix)]
        names = [sealing_way.name for sealing_way in self._sealings if sealing_way.name != LEGACY or self._legacy()]
        if not names:
            fix = "name another in ciphers:, or move legacy_until:"
            return [Finding(level="fault", what="Gridhooks", detail="no cipher is accepted any longer", fix=fix)]
        return [Finding(level="ok", what="Gridhooks", detail=f"the secret is there; ciphers {', '.join(names)}")]

    def _known(self, headers: Mapping[str, str]) -> bool:
        """Every header is compared, so that the time tells nothing. Without a secret of ours nobody is known."""
        is_known = False
        for name in self._options.headers:
            value = headers.get(name, "")
            if name == "authorization":
                value = value.removeprefix("Bearer ")
            is_known |= hmac.compare_digest(value.encode("utf-8", "replace"), self._header)
        return is_known and bool(self._header)

    def _sealed(self, body: bytes) -> str | None:
        try:
            content = strict_json(body)
        except Hold:
            return None
        if not isinstance(content, Mapping):
            return None
        texts = (content.get(name) for name in self._options.payload)
        return next((text for text in texts if isinstance(text, str) and text), None)

    def _opened(self, text: str) -> tuple[bytes, Any]:
        """What was sealed, and what it says."""
        for sealing_way in self._sealings:
            if sealing_way.name == LEGACY and not self._legacy():
                continue
            try:
                content = sealing_way.open(text)
                note = strict_json(content)
            except NotOurs:
                continue
            except Hold as hold:
                # A wrong key may leave rubbish where nothing proves who sealed; JSON it never leaves.
                if hold.code in _RUBBISH and not sealing_way.proves:
                    continue
                raise
            if sealing_way.name == LEGACY:
                LOG.info("webhook.legacy_cipher", message="a webhook came in the legacy cipher", cipher=LEGACY)
            return content, note
        raise Hold("cannot-decrypt", "none of the accepted ciphers opens the payload")

    def _legacy(self) -> bool:
        until = self._options.legacy_until
        return until is None or self._clock().date() <= until


def _one_writing(text: str) -> bytes:
    """The sealed text as it is written: base64 has several ways to say the same bytes, which would be as many events."""
    try:
        return base64.b64encode(base64.b64decode(text, validate=True))
    except ValueError:
        return text.encode("utf-8", "surrogatepass")
