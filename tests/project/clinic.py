"""A right project in a few lines, two tiny rooms, and ways to spoil them."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from careloom.core.rooms import Room

CARELOOM = """\
project: clinic
timezone: America/New_York
systems:
  warehouse: {kind: tables, url: "duckdb://warehouse.duckdb"}
  crm:
    kind: portal
    token: secret:crm-token
    retries: 3
alerts:
  mail: {to: [ops@example.org], from: loom@example.org, smtp: secret:smtp-url}
"""

PATIENTS = """\
sync: patients
from:
  system: warehouse
  table: amd.Patients
  key: ID
to: {system: crm, object: contacts, key: amd_id}
match:
  - [email]
  - [firstname, lastname, birth_date]
fields:
  firstname: FirstName
  lastname: LastName
  email: Email
  birth_date: {from: DOB, type: date}
  gender: {from: Gender, values: {M: Male, F: Female}}
  total: {from: "Spravatos + Ketamines", type: number}
schedule: daily at 06:00
"""

VISITS = """\
sync: visits
from: {system: warehouse, table: amd.Visits, key: VisitID}
to: {system: crm, object: visit, key: visit_id, create: {label: Visit, plural_label: Visits, primary: visit_id}}
fields:
  place: {from: Place, type: string}
associations:
  - {to: contacts, via: patients, key: PatientID}
"""


class TableOptions(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    url: str


class PortalOptions(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    token: str
    base_url: str | None = None
    retries: int = 5
    fast: bool = False


def _never(*_: object) -> object:
    raise AssertionError("a check opened a connection")


ROOMS = {
    "tables": Room(kind="tables", options=TableOptions, source=_never),
    "portal": Room(kind="portal", options=PortalOptions, target=_never, associates=True),
    "counter": Room(kind="counter", options=PortalOptions, target=_never),
}


def write(folder: Path, files: dict[str, str | bytes]) -> Path:
    """A project of these files."""
    (folder / "syncs").mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


def clinic(folder: Path, *edits: tuple[str, str, str]) -> Path:
    """The right project, after `edits`: (file, old text, new text); an old text of "" replaces the whole file."""
    files = {"careloom.yaml": CARELOOM, "syncs/patients.yaml": PATIENTS, "syncs/visits.yaml": VISITS}
    for file, old, new in edits:
        assert old in files.get(file, ""), f"{old!r} is not in {file}"
        files[file] = files[file].replace(old, new, 1) if old else new
    return write(folder, files)
