"""Change events in a JetStream stream of a real NATS server, read back as a consumer would."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import nats
import pytest
from nats.js.errors import NotFoundError

from careloom.core.errors import Fix, Later, NotPermitted
from careloom.core.publishers import ChangeEvent
from careloom.core.rooms import RoomContext
from careloom.systems.nats import publisher as publishing
from careloom.systems.nats.publisher import Options, StreamPublisher
from hang import HANG

URL = "nats://127.0.0.1:4222"
EVENT = ChangeEvent(
    id=1,
    table="patients",
    operation="INSERT",
    record_id="0d4b0f5e-0000-4000-8000-000000000001",
    vendor_id="17",
    vendor_key="ehr_id",
    timestamp=datetime(2026, 11, 21, tzinfo=UTC),
)


def publisher(name: str, url: str = "secret:NATS_URL", subject: str = "") -> StreamPublisher:
    context = RoomContext(
        folder=Path(), timezone=ZoneInfo("UTC"), secret=lambda text: URL if text == "secret:NATS_URL" else text
    )
    return StreamPublisher(Options(url=url, stream=name, subject=subject or f"test.{name}"), context)


async def _stored_messages(name: str) -> list[Any]:
    connection = await nats.connect(URL, connect_timeout=2)
    manager = connection.jetstream()
    state = (await manager.stream_info(name)).state
    messages = [await manager.get_msg(name, number) for number in range(1, state.messages + 1)]
    await connection.close()
    return messages


async def _remove(name: str) -> None:
    connection = await nats.connect(URL, connect_timeout=2)
    try:
        await connection.jetstream().delete_stream(name)
    except NotFoundError:
        pass
    finally:
        await connection.close()


@pytest.fixture
def stream() -> Iterator[str]:
    try:
        socket.create_connection(("127.0.0.1", 4222), timeout=1).close()
    except OSError:
        pytest.skip("no NATS at 127.0.0.1:4222")
    name = f"TEST_{uuid4().hex}"
    yield name
    asyncio.run(_remove(name))


def test_a_stream_is_made_and_keeps_each_change_in_order(stream: str) -> None:
    telling = publisher(stream)
    assert list(telling.publish([EVENT, replace(EVENT, id=2, operation="DELETE")])) == [1, 2]
    assert list(telling.publish([replace(EVENT, id=3, vendor_id="017")])) == [3]
    telling.close()
    telling.close()
    kept_result = asyncio.run(_stored_messages(stream))
    assert len({message.headers["Nats-Msg-Id"] for message in kept_result}) == 3
    assert {message.subject for message in kept_result} == {f"test.{stream}"}
    bodies = [json.loads(one.data) for one in kept_result]
    assert [body["operation"] for body in bodies] == ["INSERT", "DELETE", "INSERT"]
    assert bodies[0] == {
        "table": "patients",
        "operation": "INSERT",
        "record_id": EVENT.record_id,
        "ehr_id": 17,
        "timestamp": "2026-11-21T00:00:00+00:00",
    }


def test_an_event_told_twice_is_kept_once(stream: str) -> None:
    first, second = publisher(stream), publisher(stream)
    assert list(first.publish([EVENT])) == [1]
    assert list(second.publish([EVENT, replace(EVENT, id=2)])) == [1, 2]
    first.close()
    second.close()
    assert len(asyncio.run(_stored_messages(stream))) == 2


def test_events_of_another_database_or_of_a_restored_one_are_no_repetitions(stream: str) -> None:
    """Numbers of events begin anew in each database, and repeat after a restore."""
    later = replace(EVENT, timestamp=datetime(2026, 11, 21, 0, 0, 0, 1, tzinfo=UTC))
    other = replace(EVENT, record_id="0d4b0f5e-0000-4000-8000-000000000002")
    for event in (EVENT, later, other, replace(EVENT, table="appointments"), replace(EVENT, operation="UPDATE")):
        telling = publisher(stream)
        assert list(telling.publish([event])) == [1]
        telling.close()
    assert len(asyncio.run(_stored_messages(stream))) == 5


def test_a_repetition_that_the_server_knows_as_something_else_is_no_acknowledgement(
    stream: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publishing, "message_id", lambda _event, _message: "changes:1")
    telling = publisher(stream)
    assert list(telling.publish([EVENT])) == [1]
    with pytest.raises(Later, match="another one"):
        telling.publish([replace(EVENT, id=2, operation="DELETE")])
    telling.close()


def test_what_was_stored_before_a_failure_is_acknowledged_and_nothing_after_it(stream: str) -> None:
    telling = publisher(stream)
    too_large = replace(EVENT, id=2, vendor_id="x" * 2_000_000)
    assert list(telling.publish([EVENT, too_large, replace(EVENT, id=3)])) == [1]
    telling.close()
    assert len(asyncio.run(_stored_messages(stream))) == 1


def test_a_publisher_tells_again_after_it_was_closed_and_leaves_no_thread(stream: str) -> None:
    telling = publisher(stream)
    telling.publish([EVENT])
    telling.close()
    assert list(telling.publish([replace(EVENT, id=2)])) == [2]
    telling.close()
    assert "careloom-nats" not in {thread.name for thread in threading.enumerate()}


def test_a_subject_that_the_stream_does_not_keep_is_for_a_person(stream: str) -> None:
    telling = publisher(stream)
    telling.publish([EVENT])
    telling.close()
    with pytest.raises(Fix, match="add the subject"):
        publisher(stream, subject=f"elsewhere.{stream}").publish([replace(EVENT, id=2)])


def test_a_server_that_is_away_is_no_loss() -> None:
    with pytest.raises(Later):
        publisher("NONE", url="nats://127.0.0.1:1").publish([EVENT])


def test_without_its_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nats", None)
    with pytest.raises(Fix, match=r"careloom\[nats\]"):
        publisher("NONE").publish([EVENT])


def _say(server: socket.socket, words: bytes) -> None:
    """A server of one caller: greets, hears it out once, says its words and hangs up."""
    caller, _ = server.accept()
    with caller:
        caller.sendall(b'INFO {"server_id":"X","version":"2.10.0","max_payload":1048576,"headers":true}\r\n')
        caller.recv(65536)
        caller.sendall(words)


@pytest.mark.parametrize(("words", "kind"), [(b"-ERR 'Authorization Violation'\r\n", NotPermitted), (b"", Later)])
def test_a_refused_password_is_for_a_person_and_a_broken_line_is_no_loss(
    words: bytes, kind: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("careloom.systems.nats.publisher.ANSWER_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server:
        greeting = threading.Thread(target=_say, args=(server, words), daemon=True)
        greeting.start()
        with pytest.raises(kind) as error:
            publisher("NONE", url=f"nats://user:verywrong@127.0.0.1:{server.getsockname()[1]}").publish([EVENT])
        greeting.join(timeout=HANG)
    assert "verywrong" not in str(error.value)
    assert "careloom-nats" not in {thread.name for thread in threading.enumerate()}


def test_a_url_that_is_none_is_for_a_person() -> None:
    with pytest.raises(Fix, match="nats://HOST"):
        publisher("NONE", url="nats://127.0.0.1:port").publish([EVENT])
