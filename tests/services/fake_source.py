"""A system of shelves that can be asked for its records, page by page, and that stops where it is told to."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import BaseModel

from careloom.core.errors import Hold
from careloom.core.ports import Finding
from careloom.core.rooms import Room
from careloom.core.streams import Column, LinkRule, Page, Record, Stream, Unreadable
from careloom.core.webhooks import Accepted, Reading, StoredEvent, ThinEvent, WebhookAnswer, WebhookRequest
from careloom.project.model import Alerts, Landing, Project, Retention, System
from careloom.project.nodes import Place
from careloom.services.landing.scan import LandingReport, reconcile, scan
from careloom.services.session import sessions
from careloom.services.session.progress import Watch
from careloom.services.session.sessions import Session
from careloom.services.session.settings import read_settings
from careloom.store.database import Store, open_store

PEOPLE = Stream(
    name="people",
    key="id",
    key_column="ehr_id",
    version="changed_at",
    changes=True,
    columns=(Column(name="first_name", paths=("name",)), Column(name="age", type="integer", paths=("age",))),
)
PETS = replace(PEOPLE, name="pets", key_column="pet_key", key_type="text", out_of="people", changes=False)
PILLS = Stream(
    name="pills",
    key="id",
    key_column="pill_id",
    columns=(Column(name="label", paths=("label",)), Column(name="person", type="integer", paths=("person",))),
    links=(LinkRule(column="person_id", to="people", tiers=((("person", "ehr_id"),),)),),
)
STREAMS = {declared_stream.name: declared_stream for declared_stream in (PEOPLE, PETS, PILLS)}


class NoOptions(BaseModel):
    """Nothing to say."""


@dataclass
class Shelves:
    """`data`: stream to key to record. `at_page`: called before each page of a scan, with its number."""

    data: dict[str, dict[str, Mapping[str, Any]]] = field(default_factory=lambda: {name: {} for name in STREAMS})
    size: int = 2
    at_page: Callable[[int], None] = lambda _number: None
    unlisted_keys: set[str] = field(default_factory=set)
    unreadable: Sequence[Unreadable] = ()
    scans: list[tuple[str, datetime | None, str]] = field(default_factory=list)
    fetch_keys: list[str] = field(default_factory=list)
    pages: int = 0
    close_count: int = 0

    def put(self, stream: str, *keys: int, **fields: Any) -> None:
        for key in keys:
            changed_at = datetime.now(UTC).isoformat()
            self.data[stream][str(key)] = {"id": key, "name": f"Name{key}", "changed_at": changed_at, **fields}

    def scan(self, stream: str, since: datetime | None, checkpoint: str = "") -> Iterator[Page]:
        self.scans.append((stream, since, checkpoint))
        items = [
            (key, item)
            for key, item in sorted(self.data[stream].items(), key=lambda pair: int(pair[0]))
            if key not in self.unlisted_keys
            and (since is None or datetime.fromisoformat(item["changed_at"]) >= since)
            and (not checkpoint or int(key) > int(checkpoint))
        ]
        try:
            for first in range(0, len(items), self.size):
                self.pages += 1
                self.at_page(self.pages)
                page = items[first : first + self.size]
                yield Page(
                    records=[record for key, item in page for record in self._records(stream, key, item)],
                    checkpoint=page[-1][0],
                    total=len(self.data[stream]),
                    unreadable=self.unreadable if first == 0 else (),
                )
        finally:
            self.close_count += 1

    def _records(self, stream: str, key: str, item: Mapping[str, Any]) -> Iterator[Record]:
        now = datetime.now(UTC)
        yield Record(stream=stream, key=key, data=item, observed_at=now)
        for pet in item.get("pets", ()):
            fields = {"id": f"{key}:{pet}", "name": pet, "changed_at": item["changed_at"]}
            yield Record(stream="pets", key=f"{key}:{pet}", data=fields, observed_at=now)

    def fetch(self, stream: str, key: str) -> Sequence[Record]:
        self.fetch_keys.append(key)
        if stream == "pets":
            owner = self.data["people"].get(key.partition(":")[0])
            records = [
                record for record in self._records("people", key.partition(":")[0], owner or {}) if record.key == key
            ]
            return records or [Record(stream=stream, key=key, data=None, observed_at=datetime.now(UTC))]
        return [Record(stream=stream, key=key, data=self.data[stream].get(key), observed_at=datetime.now(UTC))]

    def receive(self, request: WebhookRequest) -> Accepted | WebhookAnswer:
        return Accepted(event_id=request.headers["id"], event="shelf")

    def read(self, event: StoredEvent) -> Reading:
        body = json.loads(event.body)
        if body.get("hold"):
            raise Hold("not_readable", "the event has no form")
        stream = body.get("stream", "people")
        return Reading(
            records=[
                Record(stream=stream, key=str(fields["id"]), data=fields, observed_at=event.received_at)
                for fields in body.get("records", ())
            ],
            thin_events=[ThinEvent(stream=stream, key=key) for key in body.get("hints", ())],
            unreadable=[Unreadable(stream=stream, key="", code="no_shape", body=b"?")] * body.get("unreadable", 0),
        )

    def check(self, *_streams: object) -> Sequence[Finding]:
        return [Finding(level="ok", what="shelves", detail="are there")]

    def close(self) -> None:
        """Nothing to give back."""


@dataclass
class Practice:
    """An open project over shelves."""

    session: Session
    shelves: Shelves

    @property
    def store(self) -> Store:
        return self.session.store

    def scan(self, name: str = "people", *, watch: Watch | None = None, **options: Any) -> LandingReport:
        return scan(self.session, name, watch or Watch(), **options)

    def reconcile(self, name: str = "people") -> LandingReport:
        return reconcile(self.session, name, Watch())

    def ask(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        with self.store.transaction() as connection:
            return connection.execute(statement, values).fetchall()

    def do(self, statement: str, *values: object) -> None:
        with self.store.transaction() as connection:
            connection.execute(statement, values)

    def receive(self, body: object, *, state: str = "done", age: int = 0) -> int:
        """An event as the receiver leaves it, so many minutes ago; its number."""
        text = json.dumps(body).encode()
        with self.store.transaction() as connection:
            row = connection.execute(
                "insert into inbox (source, event_id, event, body, body_hash, state, received_at, code)"
                " values ('ehr', gen_random_uuid()::text, 'shelf', %s, sha256(%s), %s,"
                " now() - make_interval(mins => %s), case when %s = 'held' then 'poison' end) returning id",
                [text, text, state, age, state],
            ).fetchone()
        assert row
        return int(row[0])

    def names(self, table: str = "people", key: str = "ehr_id") -> dict[Any, str]:
        """The live rows."""
        return dict(self.ask(f"select {key}, first_name from clinical.{table} where deleted_at is null"))

    def live(self, table: str = "people", key: str = "ehr_id") -> set[Any]:
        return {row[0] for row in self.ask(f"select {key} from clinical.{table} where deleted_at is null")}

    def changes(self) -> int:
        """How many changes of landed rows were ever written."""
        return int(self.ask("select count(*) from change_log")[0][0])


def project(
    folder: Path,
    streams: Sequence[str] = tuple(STREAMS),
    *,
    retention: Retention | None = None,
    **retentions: timedelta,
) -> Project:
    place = Place(file="careloom.yaml", line=1, column=1)
    return Project(
        name="shelves",
        timezone=ZoneInfo("America/New_York"),
        folder=folder,
        systems={"ehr": System(name="ehr", kind="shelves", options=NoOptions(), place=place)},
        alerts=Alerts(),
        syncs={},
        digest=",".join(streams),
        landings={
            name: Landing(name=name, system="ehr", stream=STREAMS[name], retention=retentions.get(name), file="")
            for name in streams
        },
        retention=retention or Retention(),
    )


def install(monkeypatch: pytest.MonkeyPatch, shelves: Shelves) -> None:
    """The one kind of system that there is."""
    room = Room(
        kind="shelves",
        options=NoOptions,
        streams=STREAMS,
        stream_source=lambda _options, _context: shelves,
        webhooks=lambda _options, _context: shelves,
    )
    monkeypatch.setattr(sessions, "rooms", lambda: {"shelves": room})


@contextmanager
def practice(monkeypatch: pytest.MonkeyPatch, database: str, landing_project: Project) -> Iterator[Practice]:
    shelves = Shelves()
    install(monkeypatch, shelves)
    store = open_store(database)
    settings = read_settings({"CARELOOM_DATABASE_URL": database, "CARELOOM_ACTOR": "tester"})
    try:
        yield Practice(session=Session(project=landing_project, settings=settings, store=store), shelves=shelves)
    finally:
        store.close()


def nonzero_counts(report: LandingReport) -> dict[str, int]:
    """What is not nought."""
    return {kind: number for kind, number in report.counts.items() if number}
