"""DrChrono's room keeps what every room promises."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import orjson
import pytest

from careloom.core.tokens import Token
from careloom.core.webhooks import WebhookRequest
from careloom.systems.drchrono.room import ROOM
from careloom.systems.drchrono.simulator import RunningDrChrono
from careloom.vendor_kit.testing.case import MemoryTokens, context_of
from careloom.vendor_kit.testing.gateway import Gateway, Reply
from careloom.vendor_kit.testing.stream_source import StreamSourceCase, StreamSourceContract
from careloom.vendor_kit.testing.webhooks import WebhooksCase, WebhooksContract

SECRET = "sim-client-secret"
THROTTLED = Reply(429, {"detail": "GatewayRequest was throttled. Expected available in 17 seconds."})


@pytest.fixture(scope="module")
def practice() -> Iterator[RunningDrChrono]:
    with RunningDrChrono("--tier", "unlimited") as running:
        yield running


class TestStreams(StreamSourceContract):
    kind = "drchrono"

    @pytest.fixture(scope="class", params=[False, True], ids=["page by page", "bulk"])
    @classmethod
    def case(cls, practice: RunningDrChrono, request: pytest.FixtureRequest) -> Iterator[StreamSourceCase]:
        waits: list[float] = []
        truth = practice.control("truth")["patients"]
        private_texts = [SECRET, *(str(person[name]) for person in truth.values() for name in ("last_name", "email"))]

        def opened(**wrong: str):
            pair = practice.control("token") | wrong
            token = Token(
                access=pair["access_token"],
                refresh=pair["refresh_token"],
                expires_at=datetime.now(UTC) + timedelta(days=2),
            )
            private_texts.extend([token.access, token.refresh])
            options = ROOM.options.model_validate(
                {
                    "base_url": gateway.url,
                    "client_id": "sim-client",
                    "client_secret": SECRET,
                    "bulk": request.param,
                    "bulk_poll_seconds": 0.01,
                    "pages": {"patients": 7, "bulk": 7},
                }
            )
            return ROOM.stream_source(options, context_of(waits, tokens=MemoryTokens(token)))

        with Gateway(practice.url) as gateway:
            yield StreamSourceCase(
                gateway=gateway,
                opened=opened,
                wrong=lambda: opened(access_token="wrong-access", refresh_token="wrong-refresh"),
                stream="patients",
                keys=list(truth),
                absent="999999",
                private_texts=private_texts,
                limited=THROTTLED,
                waits=waits,
                half_lists=[Reply(200, {"results": []}), Reply(200, {"results": [], "next": 7})],
                is_data=lambda asked: asked.path.startswith("/api/"),
            )


class TestWebhooks(WebhooksContract):
    kind = "drchrono"

    @pytest.fixture(scope="class")
    @classmethod
    def case(cls) -> WebhooksCase:
        def signed(body: bytes, secret: str) -> WebhookRequest:
            headers = {
                "content-type": "application/json",
                "x-drchrono-event": "PATIENT_MODIFY",
                "x-drchrono-signature": secret,
            }
            return WebhookRequest(method="POST", headers=headers, query={}, body=body)

        def opened(secret: str):
            values = {"client_id": "c", "client_secret": "s", "webhook_secret": secret}
            return ROOM.webhooks(ROOM.options.model_validate(values), context_of())

        bodies = [
            orjson.dumps({"object": {"id": 77, "last_name": name, "updated_at": "2026-03-01T09:59:00", "city": "X"}})
            for name in ("Abernathy", "Bellweather")
        ]
        return WebhooksCase(
            opened=opened,
            signed=signed,
            secret="sim-webhook-secret",
            body=bodies[0],
            other_body=bodies[1],
            secret_headers=["x-drchrono-signature"],
            signs_body=False,
            private_texts=["sim-webhook-secret", "Abernathy", "Bellweather"],
        )
