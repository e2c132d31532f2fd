"""A room that exists only in a test: what it is told to say, it says; what it was asked, it notes."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from pydantic import BaseModel

from careloom.core.ports import Finding
from careloom.core.publishers import ChangeEvent
from careloom.core.rooms import Room
from careloom.core.streams import Column, Page, Record, Stream, Unreadable
from careloom.core.webhooks import Accepted, Reading, StoredEvent, ThinEvent, WebhookAnswer, WebhookRequest
from careloom.project.model import Alerts, Landing, Project, System
from careloom.project.nodes import Place
from careloom.project.schedules import Schedule
from careloom.services.session import sessions
from careloom.services.session.sessions import Session
from careloom.services.session.settings import read_settings
from careloom.store.database import Store

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)

VISITS = Stream(
    name="visits",
    table="paper_visits",
    key="id",
    key_column="paper_id",
    key_type="text",
    version="changed_at",
    changes=True,
    columns=(Column(name="room", paths=("room",)), Column(name="beds", type="integer", paths=("beds",))),
)


class NoOptions(BaseModel):
    """Nothing to say."""


@dataclass
class Paper:
    """One system of kind `paper`. Events are JSON: {"records": [...]}, {"hints": [...]} or {"do": NAME of `acts`}."""

    fetches: Callable[[str], Mapping[str, Any] | None] = lambda key: {"id": key, "room": "fetched"}
    acts: dict[str, Callable[[], Reading]] = field(default_factory=dict)
    read_events: list[str] = field(default_factory=list)
    fetch_keys: list[str] = field(default_factory=list)
    publishing: Callable[[Sequence[ChangeEvent]], Sequence[int]] = lambda events: [event.id for event in events]
    changes: list[ChangeEvent] = field(default_factory=list)
    pages: Callable[[], Iterator[Page]] = lambda: iter(())
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def receive(self, request: WebhookRequest) -> Accepted | WebhookAnswer:
        return Accepted(event_id=request.headers["id"], event="paper")

    def read(self, event: StoredEvent) -> Reading:
        with self._lock:
            self.read_events.append(event.event_id)
        body = json.loads(event.body)
        if "do" in body:
            return self.acts[body["do"]]()
        return Reading(
            records=[record(fields) for fields in body.get("records", ())],
            thin_events=[ThinEvent(stream="visits", key=key) for key in body.get("hints", ())],
            unreadable=[
                Unreadable(stream="visits", key=key, code="no_shape", body=b"?") for key in body.get("unreadable", ())
            ],
        )

    def scan(self, stream: str, since: datetime | None, checkpoint: str = "") -> Iterator[Page]:
        return self.pages()

    def fetch(self, stream: str, key: str) -> Sequence[Record]:
        with self._lock:
            self.fetch_keys.append(key)
        data = self.fetches(key)
        return [Record(stream=stream, key=key, data=data, observed_at=NOON)]

    def publish(self, events: Sequence[ChangeEvent]) -> Sequence[int]:
        ids = self.publishing(events)
        with self._lock:
            self.changes += [event for event in events if event.id in set(ids)]
        return ids

    def check(self, *_streams: object) -> Sequence[Finding]:
        return [Finding(level="ok", what="paper", detail="is there")]

    def close(self) -> None:
        """Nothing to give back."""


def record(fields: Mapping[str, Any]) -> Record:
    return Record(stream="visits", key=str(fields["id"]), data=fields, observed_at=NOON)


def install(monkeypatch: pytest.MonkeyPatch, papers: Mapping[str, Paper]) -> None:
    """Every system is of its own kind, which is its name."""
    built_rooms = {name: room(name, paper) for name, paper in papers.items()}
    monkeypatch.setattr(sessions, "rooms", lambda: built_rooms)


def room(kind: str, paper: Paper) -> Room:
    return Room(
        kind=kind,
        options=NoOptions,
        streams={"visits": VISITS},
        stream_source=lambda _options, _context: paper,
        webhooks=lambda _options, _context: paper,
        publisher=lambda _options, _context: paper,
    )


def project(
    folder: Path,
    systems: Sequence[str],
    *,
    publish: Sequence[str] = (),
    schedule: Schedule | None = None,
    reconcile: Schedule | None = None,
) -> Project:
    landing = Landing(
        name="visits", system=systems[0], stream=VISITS, schedule=schedule, reconcile=reconcile, file="streams/visits"
    )
    place = Place(file="careloom.yaml", line=1, column=1)
    return Project(
        name="paper",
        timezone=ZoneInfo("America/New_York"),
        folder=folder,
        systems={name: System(name=name, kind=name, options=NoOptions(), place=place) for name in systems},
        alerts=Alerts(),
        syncs={},
        digest="",
        landings={"visits": landing},
        publish=tuple(publish),
    )


def make_session(store: Store, project: Project, environment: Mapping[str, str] | None = None) -> Session:
    settings = read_settings({"CARELOOM_DATABASE_URL": store.url, **(environment or {})})
    return Session(project=project, settings=settings, store=store)


def arrive(store: Store, source: str, *bodies: object) -> list[int]:
    """Events as the receiver leaves them, in one transaction; their ids."""
    with store.transaction() as connection:
        return [_insert(connection, source, body) for body in bodies]


def _insert(connection: psycopg.Connection, source: str, body: object) -> int:
    text = json.dumps(body).encode()
    row = connection.execute(
        "insert into inbox (source, event_id, event, body, body_hash)"
        " values (%s, gen_random_uuid()::text, 'paper', %s, sha256(%s)) returning id",
        [source, text, text],
    ).fetchone()
    assert row
    return int(row[0])


def inbox(store: Store) -> list[tuple[str, int, str | None]]:
    """State, attempts and code of every event, in order."""
    with store.transaction() as connection:
        return connection.execute("select state, attempts, code from inbox order by id").fetchall()


def rows(store: Store, statement: str) -> list[tuple[Any, ...]]:
    with store.transaction() as connection:
        return connection.execute(statement).fetchall()  # type: ignore[call-overload, no-any-return]


def make_due(store: Store) -> None:
    """What waits for its time waits no longer."""
    with store.transaction() as connection:
        connection.execute("update inbox set due_at = now() where state = 'new'")
        connection.execute("update resting set due_at = now()")


def put_changes(store: Store, count: int) -> None:
    """So many change events, three to a record."""
    with store.transaction() as connection:
        connection.execute(
            "insert into outbox (table_name, operation, record_id, vendor_id, vendor_key)"
            " select 'paper_visits', 'UPDATE', md5((n / 3)::text)::uuid, n::text, 'paper_id'"
            " from generate_series(1, %s) n",
            [count],
        )
