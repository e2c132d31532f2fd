"""How senders of webhooks prove who they are: what is signed, how it is written, and for how long it is believed.

Everything is compared in constant time. Without a secret of ours nobody is believed.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from careloom.core.webhooks import WebhookRequest

Encoding = Literal["hex", "base64"]
Reason = Literal["", "no-secret", "bad-signature", "stale"]

TOLERANCE = timedelta(minutes=5)
_MOST_SIGNATURES = 10
_MILLISECONDS_FROM = 100_000_000_000
"""A count of seconds this large is thousands of years away: it counts milliseconds."""


def is_same(text: str, secret: bytes) -> bool:
    """Whether a header is the secret itself. An empty secret is nobody's."""
    # Digests have one length, so that the time tells nothing of the secret's length either.
    secret_digest, text_digest = hashlib.sha256(secret).digest(), hashlib.sha256(encoded(text)).digest()
    return hmac.compare_digest(secret_digest, text_digest) and bool(secret)


def proof(secret: bytes, message: bytes, *, encoding: Encoding = "hex", algorithm: str = "sha256") -> str:
    """The HMAC of `message`, as it is written."""
    digest = hmac.new(secret, message, algorithm).digest()
    return digest.hex() if encoding == "hex" else b64encode(digest).decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class HmacScheme:
    """One vendor's way of signing.

    `header` carries the signature, after `prefix`; several, parted by `separator`, where secrets are being changed.
    `message`: what is signed, with {body}, {timestamp}, {id} and {url} in their places. `timestamp_header`, `id_header`: where
    those come from. `fields`: the names of timestamp and signature inside the one header, where it is "t=…,v1=…".

    A request whose timestamp is further away than `tolerance` is stale. Inside of it the event's id tells a repetition.
    """

    header: str
    prefix: str = ""
    encoding: Encoding = "hex"
    algorithm: Literal["sha1", "sha256", "sha512"] = "sha256"
    message: str = "{body}"
    separator: str = ""
    timestamp_header: str = ""
    id_header: str = ""
    fields: tuple[str, str] | None = None
    tolerance: timedelta = TOLERANCE

    def problem(self, request: WebhookRequest, secrets: Sequence[bytes], now: datetime) -> Reason:
        """Why a request is not believed; "" where one of `secrets` signed it. They are more than one while they change."""
        usable = [secret for secret in secrets if secret]
        if not usable:
            return "no-secret"
        timestamp, signatures = self._parts(request.headers)
        message = self._message(request, timestamp)
        # All are compared, whatever the first says.
        matches = [
            hmac.compare_digest(encoded(signature), encoded(self._signature(secret, message)))
            for secret in usable
            for signature in signatures
        ]
        if not any(matches):
            return "bad-signature"
        # Only a signed time is worth a look.
        return "stale" if self._is_dated() and not self._is_recent(timestamp, now) else ""

    def sign(self, request: WebhookRequest, secret: bytes, timestamp: str = "") -> Mapping[str, str]:
        """The headers with which a sender sends `request`: for simulators and tests."""
        signature = self._signature(secret, self._message(request, timestamp))
        if self.fields is not None:
            return {self.header: f"{self.fields[0]}={timestamp},{self.fields[1]}={signature}"}
        time_header = {self.timestamp_header: timestamp} if self.timestamp_header else {}
        return {self.header: self.prefix + signature, **time_header}

    def _is_dated(self) -> bool:
        return bool(self.timestamp_header) or self.fields is not None

    def _signature(self, secret: bytes, message: bytes) -> str:
        return proof(secret, message, encoding=self.encoding, algorithm=self.algorithm)

    def _parts(self, headers: Mapping[str, str]) -> tuple[str, list[str]]:
        """The timestamp, and the signatures without their prefix."""
        text = headers.get(self.header, "").strip()
        if self.fields is not None:
            pairs = [part.strip().partition("=") for part in text.split(",")[: 2 * _MOST_SIGNATURES]]
            times = [value for name, _, value in pairs if name == self.fields[0]]
            return (times or [""])[0], [value for name, _, value in pairs if name == self.fields[1]]
        texts = text.split(self.separator)[:_MOST_SIGNATURES] if self.separator else [text]
        signatures = [part.strip().removeprefix(self.prefix) for part in texts if part.strip().startswith(self.prefix)]
        return headers.get(self.timestamp_header, "").strip(), signatures

    def _message(self, request: WebhookRequest, timestamp: str) -> bytes:
        """What is signed, on the raw bytes of the body."""
        places = {
            "{body}": request.body,
            "{timestamp}": encoded(timestamp),
            "{id}": encoded(request.headers.get(self.id_header, "")),
            "{url}": encoded(request.url),
        }
        parts: list[bytes] = []
        template = self.message
        while template:
            place = next((name for name in places if template.startswith(name)), "")
            parts.append(places[place] if place else template[0].encode())
            template = template[len(place) or 1 :]
        return b"".join(parts)

    def _is_recent(self, timestamp: str, now: datetime) -> bool:
        if not timestamp.isascii() or not timestamp.isdigit():
            return False
        seconds = float(timestamp)
        seconds = seconds / 1000 if seconds >= _MILLISECONDS_FROM else seconds
        return abs(now.timestamp() - seconds) <= self.tolerance.total_seconds()


STANDARD_WEBHOOKS = HmacScheme(
    header="webhook-signature",
    prefix="v1,",
    encoding="base64",
    message="{id}.{timestamp}.{body}",
    separator=" ",
    timestamp_header="webhook-timestamp",
    id_header="webhook-id",
)
"""The Standard Webhooks specification, 1.0."""


def standard_secret(text: str) -> bytes:
    """The key that a "whsec_…" secret stands for; any other text is the key itself."""
    try:
        return b64decode(text.removeprefix("whsec_"), validate=True) if text.startswith("whsec_") else encoded(text)
    except ValueError:
        return b""


def encoded(text: str) -> bytes:
    """Text as bytes, whatever stands in it."""
    return text.encode("utf-8", "surrogatepass")
