"""Change events to Pub/Sub: order and acknowledgement by a stand-in client, the wire by the official emulator."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import grpc
import pytest
from google.api_core import exceptions as google
from google.cloud import pubsub_v1
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

from careloom.core.errors import Fix, Later, NotPermitted
from careloom.core.publishers import ChangeEvent
from careloom.core.rooms import RoomContext
from careloom.systems.pubsub.publisher import Options, TopicPublisher
from hang import HANG

EVENT = ChangeEvent(
    id=1,
    table="patients",
    operation="INSERT",
    record_id="0d4b0f5e-0000-4000-8000-000000000001",
    vendor_id="17",
    vendor_key="ehr_id",
    timestamp=datetime(2026, 11, 21, tzinfo=UTC),
)
OTHER = replace(EVENT, id=2, record_id="0d4b0f5e-0000-4000-8000-000000000002")
AGAIN = replace(EVENT, id=3, operation="DELETE")
TOPIC = "projects/clinic/topics/change-events"


class StandIn:
    """Fails the events whose place is named, and notes what it is asked."""

    def __init__(self, failures: dict[int, Exception], paused: bool = True) -> None:
        self.failures, self.paused = failures, paused
        self.sent: list[tuple[str, dict[str, Any], str, dict[str, str]]] = []
        self.resumed: list[tuple[str, str]] = []
        self.ended: list[str] = []
        self.transport = self

    def publish(self, topic: str, data: bytes, ordering_key: str, **attributes: str) -> Future[str]:
        self.sent.append((topic, json.loads(data), ordering_key, attributes))
        future: Future[str] = Future()
        failure = self.failures.get(len(self.sent))
        if failure is None:
            future.set_result("stored")
        else:
            future.set_exception(failure)
        return future

    def resume_publish(self, topic: str, key: str) -> None:
        self.resumed.append((topic, key))
        if not self.paused:
            raise RuntimeError("Ordering key is not paused.")

    def stop(self) -> None:
        self.ended.append("stop")

    def close(self) -> None:
        self.ended.append("close")


def publisher(client: Any = None, project: str = "clinic", emulator: str = "") -> TopicPublisher:
    context = RoomContext(folder=Path(), timezone=ZoneInfo("UTC"), secret=lambda text: text)
    return TopicPublisher(Options(project=project, emulator=emulator), context, client)


def test_each_change_goes_in_order_with_its_record_as_the_ordering_key() -> None:
    client = StandIn({})
    telling = publisher(client)
    assert list(telling.publish([EVENT, OTHER, AGAIN])) == [1, 2, 3]
    assert [(topic, key, more) for topic, _, key, more in client.sent] == [
        (TOPIC, EVENT.record_id, {"table": "patients", "operation": "INSERT"}),
        (TOPIC, OTHER.record_id, {"table": "patients", "operation": "INSERT"}),
        (TOPIC, EVENT.record_id, {"table": "patients", "operation": "DELETE"}),
    ]
    assert client.sent[0][1]["ehr_id"] == 17
    assert client.resumed == []
    telling.close()
    telling.close()
    assert client.ended == ["stop", "close"]


@pytest.mark.parametrize("paused", [True, False])
def test_after_a_failure_nothing_later_of_that_record_is_acknowledged_and_its_key_is_resumed(paused: bool) -> None:
    client = StandIn({1: google.ServiceUnavailable("away")}, paused)
    assert list(publisher(client).publish([EVENT, OTHER, AGAIN])) == [2]
    assert client.resumed == [(TOPIC, EVENT.record_id)]


def test_what_was_acknowledged_before_a_failure_of_the_same_record_stays_acknowledged() -> None:
    client = StandIn({3: google.ServiceUnavailable("away")})
    assert list(publisher(client).publish([EVENT, OTHER, AGAIN])) == [1, 2]
    assert client.resumed == [(TOPIC, EVENT.record_id)]


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (google.ServiceUnavailable("17"), Later),
        (TimeoutError("17"), Later),
        (google.NotFound("17"), Fix),
        (google.PermissionDenied("17"), NotPermitted),
        (google.Unauthenticated("17"), NotPermitted),
        (google.InvalidArgument("17"), Fix),
    ],
)
def test_when_nothing_is_taken_the_error_says_what_to_do_and_keys_are_resumed(
    failure: Exception, kind: type[Exception]
) -> None:
    client = StandIn({1: failure, 2: failure})
    with pytest.raises(kind) as error:
        publisher(client).publish([EVENT, OTHER])
    assert type(error.value) is kind
    assert "17" not in str(error.value)
    assert len(client.resumed) == 2


def test_a_server_that_is_away_is_no_loss_and_does_not_keep_us_waiting() -> None:
    telling = publisher(emulator="127.0.0.1:1")
    for _ in range(2):
        began = time.monotonic()
        with pytest.raises(Later):
            telling.publish([EVENT, AGAIN])
        assert time.monotonic() - began < 25
    telling.close()


def test_without_its_packages_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "google.cloud.pubsub_v1", None)
    monkeypatch.delattr("google.cloud.pubsub_v1", raising=False)
    with pytest.raises(Fix, match=r"careloom\[gcp\]"):
        publisher().publish([EVENT])


def _emulator_program() -> Path | None:
    folders = [Path("/usr/lib"), Path("/usr/share"), Path("/usr/local"), Path("/opt"), Path.home()]
    if gcloud := shutil.which("gcloud"):
        folders.append(Path(gcloud).resolve().parents[2])
    for folder in folders:
        found = folder / "google-cloud-sdk/platform/pubsub-emulator/bin/cloud-pubsub-emulator"
        if found.exists():
            return found
    return None


@pytest.fixture(scope="module")
def emulator() -> Iterator[str]:
    program = _emulator_program()
    if program is None or shutil.which("java") is None:
        pytest.skip("no Pub/Sub emulator (and Java) on this machine")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [str(program), "--host=127.0.0.1", f"--port={port}"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    address = f"127.0.0.1:{port}"
    try:
        with grpc.insecure_channel(address) as channel:
            grpc.channel_ready_future(channel).result(timeout=HANG)
        yield address
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=HANG)


def test_a_subscriber_of_the_emulator_hears_each_record_in_order(emulator: str) -> None:
    project = f"test-{uuid4().hex[:12]}"
    topic, subscription = f"projects/{project}/topics/change-events", f"projects/{project}/subscriptions/all"
    telling = publisher(project=project, emulator=emulator)
    with pytest.raises(Fix, match="topics create"):
        telling.publish([EVENT])
    with pubsub_v1.PublisherClient(transport=PublisherGrpcTransport(channel=grpc.insecure_channel(emulator))) as topics:
        topics.create_topic(name=topic)
    with pubsub_v1.SubscriberClient(
        transport=SubscriberGrpcTransport(channel=grpc.insecure_channel(emulator))
    ) as listener:
        listener.create_subscription(request={"name": subscription, "topic": topic, "enable_message_ordering": True})
        # The key that failed above must be open again: the publisher is the same one.
        events = [EVENT, OTHER, AGAIN, *(replace(OTHER, id=number, vendor_id=str(number)) for number in range(4, 300))]
        assert list(telling.publish(events)) == [event.id for event in events]
        telling.close()
        heard: list[Any] = []
        until = time.monotonic() + HANG
        while len(heard) < len(events) and time.monotonic() < until:
            received_messages = listener.pull(subscription=subscription, max_messages=500, timeout=10).received_messages
            heard.extend(received_message.message for received_message in received_messages)
            if received_messages:
                listener.acknowledge(
                    subscription=subscription,
                    ack_ids=[received_message.ack_id for received_message in received_messages],
                )
    assert [message.attributes["operation"] for message in heard if message.ordering_key == EVENT.record_id] == [
        "INSERT",
        "DELETE",
    ]
    assert [json.loads(one.data)["ehr_id"] for one in heard if one.ordering_key == OTHER.record_id] == [
        17,
        *range(4, 300),
    ]
    assert {message.attributes["table"] for message in heard} == {"patients"}
