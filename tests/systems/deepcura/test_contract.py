"""Deep Cura's room keeps what every room promises."""

from __future__ import annotations

import json
from functools import cache

import pytest

from careloom.core.webhooks import WebhookRequest, Webhooks
from careloom.systems.deepcura.ciphers import sealing
from careloom.systems.deepcura.room import ROOM
from careloom.vendor_kit.testing.case import context_of
from careloom.vendor_kit.testing.webhooks import WebhooksCase, WebhooksContract

SECRET = "shared-secret"


def sealed(text: str) -> bytes:
    """A session note in which a patient is named."""
    content = json.dumps({"session_id": text, "transcript": f"{text} sleeps better."}).encode()
    return json.dumps({"payload": sealing("aes-gcm", SECRET).seal(content)}).encode()


class TestWebhooks(WebhooksContract):
    kind = "deepcura"

    @pytest.fixture(scope="class")
    @classmethod
    def case(cls) -> WebhooksCase:
        def signed(body: bytes, secret: str) -> WebhookRequest:
            headers = {"content-type": "application/json", "x-deepcura-secret": secret}
            return WebhookRequest(method="POST", headers=headers, query={}, body=body)

        # A secret's name may lead to an empty secret: `secret:` itself cannot be empty.
        @cache  # it derives its keys from the secret, which is meant to take long
        def opened(secret: str) -> Webhooks:
            context = context_of(secret=lambda _name: secret)
            return ROOM.webhooks(ROOM.options.model_validate({"secret": "secret:shared"}), context)

        return WebhooksCase(
            opened=opened,
            signed=signed,
            secret=SECRET,
            body=sealed("Abernathy"),
            other_body=sealed("Bellweather"),
            secret_headers=["x-deepcura-secret"],
            signs_body=False,
            private_texts=[SECRET, "Abernathy", "Bellweather"],
        )
