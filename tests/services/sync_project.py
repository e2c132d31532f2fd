"""A clinic of a few rows, a project of a few lines, and a simulated portal: what the tests of the services stand on."""

from __future__ import annotations

import csv
import json
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from careloom.services.review.decide import HeldItem, decide, list_held, retry
from careloom.services.session.progress import Watch
from careloom.services.session.sessions import Session, open_session
from careloom.services.session.settings import Settings, read_settings
from careloom.services.sync.run import apply_sync, plan_sync, run_sync
from careloom.services.sync.summary import RunSummary
from careloom.systems.hubspot.simulator import RunningSimulator
from hang import HANG

PROJECT = """\
project: clinic
timezone: America/New_York
systems:
  files: {{kind: sql, url: "{source}"}}
  crm: {{kind: hubspot, token: secret:hubspot-token, base_url: "{portal}"}}
"""

PEOPLE = """\
sync: people
from: {system: files, table: People, key: ID}
to: {system: crm, object: contacts, key: clinic_id}
match:
  - [email]
  - [firstname, lastname, born]
fields:
  firstname: First
  lastname: Last
  email: Email
  phone: Phone
  born: {from: Born, type: date, role: birth_date, label: Born}
  visits: {from: Visits, type: number, label: Visits, owner: source}
  note: {from: Note, type: string, label: Note, role: none}
"""

COLUMNS = ("ID", "First", "Last", "Email", "Phone", "Born", "Visits", "Note")

_FIRST = ("Ada", "Berta", "Carl", "Dora", "Emil", "Frieda", "Gustav", "Hanna", "Igor", "Jutta")
_LAST = ("Abel", "Brand", "Conrad", "Dietz", "Ehlers", "Fuchs", "Giese", "Haupt", "Imhof", "Jahn", "Kranz")

Row = dict[str, str]


def someone(number: int, **fields: str) -> Row:
    """An invented person; no two numbers below 110 share a name, a mail or a birth date."""
    return {
        "ID": f"K{number}",
        "First": _FIRST[number % 10],
        "Last": _LAST[number % 11],
        "Email": f"person{number}@clinic.example",
        "Phone": "",
        "Born": f"{1930 + number % 70}-0{1 + number % 9}-1{number % 8}",
        "Visits": str(number),
        "Note": "",
        **fields,
    }


def as_contact(row: Row, **fields: str) -> Row:
    """The same person as a contact that the portal knew before."""
    return {
        "firstname": row["First"],
        "lastname": row["Last"],
        "email": row["Email"],
        "born": row["Born"],
        **fields,
    }


@dataclass
class Clinic:
    """A project in `folder`, its rows, its store and its portal."""

    folder: Path
    database: str
    simulator: RunningSimulator
    environment: dict[str, str] = field(default_factory=dict)
    source: str = "csv://data"

    def write(self, people: str = PEOPLE, project: str = PROJECT, **syncs: str) -> None:
        (self.folder / "syncs").mkdir(parents=True, exist_ok=True)
        text = project.format(source=self.source, portal=self.simulator.url)
        (self.folder / "careloom.yaml").write_text(text, encoding="utf-8")
        for name, sync in {"people": people, **syncs}.items():
            (self.folder / "syncs" / f"{name}.yaml").write_text(sync, encoding="utf-8")

    def rows(self, rows: Sequence[Mapping[str, str]], table: str = "People", columns: Sequence[str] = COLUMNS) -> None:
        data = self.folder / "data"
        data.mkdir(exist_ok=True)
        with (data / f"{table}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, columns, restval="")
            writer.writeheader()
            writer.writerows(rows)

    # ------------------------------------------------------------ doing

    def settings(self) -> Settings:
        base = {"CARELOOM_DATABASE_URL": self.database, "HUBSPOT_TOKEN": "pat-test", "CARELOOM_ACTOR": "tester"}
        return read_settings(base | self.environment)

    @contextmanager
    def open(self) -> Iterator[Session]:
        with open_session(self.folder, self.settings()) as session:
            yield session

    def plan(self, sync: str = "people", **options: Any) -> RunSummary:
        with self.open() as session:
            return plan_sync(session, session.project.syncs[sync], Watch(), **options)

    def apply(self, sync: str = "people") -> RunSummary:
        with self.open() as session:
            return apply_sync(session, session.project.syncs[sync], Watch())

    def run(self, sync: str = "people", *, watch: Watch | None = None, **options: Any) -> RunSummary:
        with self.open() as session:
            return run_sync(session, session.project.syncs[sync], watch or Watch(), **options)

    def decide(self, key: str, verdict: str, remote_id: str | None = None, prop: str | None = None) -> None:
        with self.open() as session:
            decide(session, session.project.syncs["people"], key, verdict, remote_id=remote_id, prop=prop, why="a test")

    def retry(self, **filters: Any) -> int:
        with self.open() as session:
            return retry(session.store, **({"sync": None, "key": None, "code": None} | filters))

    # ------------------------------------------------------------ seeing

    def held(self) -> dict[str, HeldItem]:
        with self.open() as session:
            return {item.key: item for item in list_held(session.store)}

    def reasons(self) -> dict[str, str]:
        return {key: item.code for key, item in self.held().items()}

    def links(self, sync: str = "people") -> dict[str, str]:
        return dict(self.ask("select key, remote_id from careloom.link where sync = %s", sync))

    def ask(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        with self.open() as session, session.store.transaction() as connection:
            return connection.execute(statement, values).fetchall()

    def records(self, object_: str = "contacts") -> dict[str, dict[str, Any]]:
        results = self.simulator.control("GET", f"records/{object_}")["results"]
        return {record["id"]: record["properties"] for record in results}

    def record(self, key: str, property_: str = "clinic_id") -> dict[str, Any]:
        """The one live contact that carries `key`."""
        matches = [values for values in self.records().values() if values.get(property_) == key]
        assert len(matches) == 1, f"{len(matches)} contacts carry {key}"
        return matches[0]

    def writes(self) -> int:
        return int(self.simulator.control("GET", "state")["write_calls"])

    # ------------------------------------------------------------ the portal's people

    def seed(self, *records: Mapping[str, str], object_: str = "contacts") -> list[str]:
        answer = self.simulator.control("POST", "seed", {"object": object_, "records": list(records)})
        return [str(id_) for id_ in answer["ids"]]

    def define(self, *properties: Mapping[str, Any], object_: str = "contacts") -> None:
        self.simulator.control("POST", "seed", {"object": object_, "properties": list(properties)})

    def staff(self, act: str, **body: Any) -> Any:
        return self.simulator.control("POST", act, {"object": "contacts", **body})

    def staff_lose(self, property_: str) -> None:
        """Staff archive a property: its values are gone with it, also where it is made anew."""
        for record in self.records():
            self.staff("edit", id=record, properties={property_: ""})
        self.api("DELETE", f"/crm/v3/properties/contacts/{property_}")

    def api(self, method: str, path: str, body: object = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.simulator.url + path, data=data, method=method)
        request.add_header("authorization", "Bearer pat-test")
        request.add_header("content-type", "application/json")
        with urllib.request.urlopen(request, timeout=HANG) as answer:
            return json.loads(answer.read() or b"null")

    @contextmanager
    def without_write_scope(self) -> Iterator[None]:
        """The portal's token may read and not write meanwhile."""
        scopes = ["crm.objects.contacts.read", "crm.schemas.contacts.read"]
        self.simulator.control("POST", "settings", {"tokens": {"pat-test": {"scopes": scopes}}})
        try:
            yield
        finally:
            self.simulator.control("POST", "settings", {"tokens": {}})

    def faults(self, *faults: Mapping[str, Any]) -> None:
        self.simulator.control("POST", "faults", {"faults": list(faults)})


def counts(report: RunSummary) -> dict[str, int]:
    """What is not nought."""
    return {kind: number for kind, number in report.counts.items() if number}


BORN = {"name": "born", "type": "date", "fieldType": "date"}
