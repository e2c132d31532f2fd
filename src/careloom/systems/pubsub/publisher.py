"""Change events to a Pub/Sub topic: the record is the ordering key, and what failed is told again by the outbox."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from careloom.core.change_message import as_message
from careloom.core.errors import CareloomError, Fix, Later, NotPermitted
from careloom.core.ports import Finding
from careloom.core.publishers import ChangeEvent
from careloom.core.rooms import RoomContext
from careloom.systems.pubsub.options import Options

CALL_SECONDS = 20.0
WAIT_SECONDS = 30.0
"""Longer than a call may take, so that a call has always failed by itself before it is given up."""
IN_FLIGHT = 200
"""Each ordering key is a call of its own in the client, and a thread: this bounds both."""


class TopicPublisher:
    """Tells by Pub/Sub. After a failure, nothing later of the same record counts as told."""

    def __init__(self, options: Options, context: RoomContext, client: Any = None) -> None:  # noqa: ARG002 a room's shape
        self._options = options
        self._topic = f"projects/{options.project}/topics/{options.topic}"
        self._client = client

    def publish(self, events: Sequence[ChangeEvent]) -> Sequence[int]:
        """Tell these and wait for every answer. Later if the topic took none of them."""
        if self._client is None:
            self._client = _client(self._options)
        event_ids: list[int] = []
        failures: dict[str, Exception] = {}
        for event, future in [(event, self._send(event)) for event in events]:
            try:
                future.result(timeout=WAIT_SECONDS)
            except Exception as error:  # noqa: BLE001 whatever it is, this event was not acknowledged
                failures.setdefault(event.record_id, error)
            else:
                # An earlier event of this record will be told again: this one must follow it once more.
                if event.record_id not in failures:
                    event_ids.append(event.id)
        for key in failures:
            self._resume(key)
        if failures and not event_ids:
            raise _reason(next(iter(failures.values())), self._topic)
        return event_ids

    def check(self) -> Sequence[Finding]:
        """Whether we may publish to the topic, as Google Cloud says without anything being published."""
        if self._client is None:
            self._client = _client(self._options)
        try:
            may_publish = _may_publish(self._client, self._topic, is_emulator=bool(self._options.emulator))
        except Exception as error:  # noqa: BLE001 sorted below
            raise _reason(error, self._topic) from None
        if not may_publish:
            raise NotPermitted(f"Pub/Sub refuses to publish to {self._topic}: grant roles/pubsub.publisher on it")
        return [Finding(level="ok", what="Pub/Sub", detail=f"{self._topic} may be published to")]

    def close(self) -> None:
        """Let the client finish, and give back its channel."""
        client, self._client = self._client, None
        if client is not None:
            client.stop()
            client.transport.close()

    def _send(self, event: ChangeEvent) -> Any:
        return self._client.publish(
            self._topic,
            orjson.dumps(as_message(event)),
            ordering_key=event.record_id,
            table=event.table,
            operation=event.operation,
        )

    def _resume(self, key: str) -> None:
        try:
            self._client.resume_publish(self._topic, key)
        except RuntimeError:
            return  # its call is still under way: the key was never paused


def _client(options: Options) -> Any:
    """The official client. It must not retry by itself: with ordering keys it would do so for ever, past any wait."""
    try:
        import grpc  # type: ignore[import-untyped]  # noqa: PLC0415 optional dependency
        from google.auth.exceptions import DefaultCredentialsError  # noqa: PLC0415 optional dependency
        from google.cloud import pubsub_v1  # noqa: PLC0415 optional dependency
        from google.pubsub_v1.services.publisher import transports  # noqa: PLC0415 optional dependency
    except ImportError:
        raise Fix("telling changes to Pub/Sub needs more packages: python -m pip install 'careloom[gcp]'") from None
    flow = pubsub_v1.types.PublishFlowControl(
        message_limit=IN_FLIGHT, limit_exceeded_behavior=pubsub_v1.types.LimitExceededBehavior.BLOCK
    )
    publisher_options = pubsub_v1.types.PublisherOptions(
        enable_message_ordering=True, flow_control=flow, retry=None, timeout=CALL_SECONDS
    )
    if options.emulator:
        transport = transports.PublisherGrpcTransport(channel=grpc.insecure_channel(options.emulator))
        return pubsub_v1.PublisherClient(publisher_options=publisher_options, transport=transport)
    try:
        return pubsub_v1.PublisherClient(publisher_options=publisher_options)
    except DefaultCredentialsError:
        raise NotPermitted(
            "Pub/Sub: no Google Cloud credentials here; run as a service account, or: gcloud auth application-default login"
        ) from None


def _may_publish(client: Any, topic: str, *, is_emulator: bool) -> bool:
    """Whether the topic is there and lets us; the emulator knows no permissions."""
    if is_emulator:
        client.get_topic(request={"topic": topic}, retry=None, timeout=CALL_SECONDS)
        return True
    permission = "pubsub.topics.publish"
    request = {"resource": topic, "permissions": [permission]}
    return permission in client.test_iam_permissions(request=request, retry=None, timeout=CALL_SECONDS).permissions


def _reason(error: Exception, topic: str) -> CareloomError:
    """What to do next about the first failure; its own text is left out, as it may repeat what was sent."""
    from google.api_core import exceptions as google  # noqa: PLC0415 optional dependency

    match error:
        case google.NotFound():
            return Fix(f"Pub/Sub has no {topic}: gcloud pubsub topics create {topic}")
        case google.Forbidden() | google.Unauthorized():
            return NotPermitted(f"Pub/Sub refuses to publish to {topic}: grant roles/pubsub.publisher on it")
        case google.InvalidArgument():
            return Fix(f"Pub/Sub refuses what is published to {topic}: does the topic have a schema? It must have none")
        case _:
            return Later(f"{topic} took no change events ({type(error).__name__}); they are published later")
