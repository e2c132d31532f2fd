"""Change events in a stream of a real Redis, read back as a consumer would."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
import redis

from careloom.core.errors import Fix, Later, NotPermitted
from careloom.core.publishers import ChangeEvent
from careloom.core.rooms import RoomContext
from careloom.systems.redis.publisher import Options, StreamPublisher

URL = "redis://127.0.0.1:6379/0"
EVENT = ChangeEvent(
    id=1,
    table="patients",
    operation="INSERT",
    record_id="0d4b0f5e-0000-4000-8000-000000000001",
    vendor_id="17",
    vendor_key="ehr_id",
    timestamp=datetime(2026, 11, 21, tzinfo=UTC),
)


def publisher(stream: str, url: str = "secret:REDIS_URL", real: str = URL, keep: int = 1_000_000) -> StreamPublisher:
    context = RoomContext(
        folder=Path(), timezone=ZoneInfo("UTC"), secret=lambda text: real if text == "secret:REDIS_URL" else text
    )
    return StreamPublisher(Options(url=url, stream=stream, keep=keep), context)


@pytest.fixture
def server() -> Iterator[redis.Redis]:
    client = redis.Redis.from_url(URL, socket_connect_timeout=1)
    try:
        client.ping()
    except redis.exceptions.ConnectionError:
        client.close()
        pytest.skip("no Redis at 127.0.0.1:6379")
    yield client
    client.close()


@pytest.fixture
def stream(server: redis.Redis) -> Iterator[str]:
    name = f"test:changes:{uuid4().hex}"
    yield name
    server.delete(name)


def test_a_consumer_reads_each_change_in_order(server: redis.Redis, stream: str) -> None:
    telling = publisher(stream)
    assert list(telling.publish([EVENT, replace(EVENT, id=2, operation="DELETE")])) == [1, 2]
    assert list(telling.publish([replace(EVENT, id=3, vendor_id="017")])) == [3]
    telling.close()
    telling.close()
    entries = [fields for _, fields in server.xrange(stream)]
    assert [entry[b"operation"] for entry in entries] == [b"INSERT", b"DELETE", b"INSERT"]
    assert {entry[b"table"] for entry in entries} == {b"patients"}
    assert json.loads(entries[0][b"data"]) == {
        "table": "patients",
        "operation": "INSERT",
        "record_id": EVENT.record_id,
        "ehr_id": 17,
        "timestamp": "2026-11-21T00:00:00+00:00",
    }
    assert json.loads(entries[2][b"data"])["ehr_id"] == "017"


def test_the_oldest_entries_go_when_the_stream_is_long(server: redis.Redis, stream: str) -> None:
    telling = publisher(stream, keep=10)
    telling.publish([replace(EVENT, id=number) for number in range(1, 1001)])
    telling.close()
    assert 10 <= server.xlen(stream) < 1000


def test_a_key_that_is_no_stream_is_for_a_person(server: redis.Redis, stream: str) -> None:
    server.set(stream, "taken")
    with pytest.raises(Fix, match="not a stream"):
        publisher(stream).publish([EVENT])


def test_a_wrong_password_is_for_a_person_and_is_not_shown(stream: str) -> None:
    with pytest.raises(NotPermitted) as error:
        publisher(stream, real="redis://nobody:verywrong@127.0.0.1:6379/0").publish([EVENT])
    assert "verywrong" not in str(error.value)


def test_a_server_that_is_away_is_no_loss() -> None:
    with pytest.raises(Later):
        publisher("none", url="redis://127.0.0.1:1/0").publish([EVENT])


def test_a_url_that_is_none_is_for_a_person() -> None:
    with pytest.raises(Fix, match="redis://HOST"):
        publisher("none", url="127.0.0.1").publish([EVENT])


def test_without_its_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(Fix, match=r"careloom\[redis\]"):
        publisher("none").publish([EVENT])
