"""A right project that lands streams, the tiny rooms that offer them, and ways to spoil it."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from careloom.core.rooms import Room
from careloom.core.streams import Column, LinkRule, Stream
from project.clinic import ROOMS, _never

PRACTICE = """\
project: practice
timezone: America/New_York
systems:
  ehr: {kind: ehr}
  scribe: {kind: scribe}
  calls: {kind: calls}
  warehouse: {kind: tables, url: "duckdb://warehouse.duckdb"}
  bus: {kind: bus}
publish: [bus]
retention: {inbox: 90 days, change_log: 7 years}
service: {audience: "https://loom.example.org", callers: [clock@clinic.example.org]}
"""

PEOPLE = """\
stream: people
from: {system: ehr, stream: people}
schedule: every 15 minutes
reconcile: weekly on sunday at 02:00
look_back: 2 hours
retention: 7 years
columns:
  nick_name: {path: nick_name, phi: identity}
  mobile: {path: [phones.mobile, phones.cell], phi: contact}
"""

VISITS = """\
stream: visits
from: {system: ehr, stream: visits}
schedule: every 15 minutes
"""

NOTES = """\
stream: notes
from: {system: scribe, stream: notes}
table: scribe_notes
rename: {visit: visit_number}
links:
  visit_id:
    to: visits
    by:
      - {visit_number: number}
      - {person: person_number, day: day}
"""

CALLS = """\
stream: calls
from: {system: calls, stream: ended}
key: call.id
key_column: call_number
version: call.changed_at
columns:
  minutes: {path: call.minutes, type: integer, phi: none}
"""


class NoOptions(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


PEOPLE_STREAM = Stream(
    name="people", key="id", key_column="number", changes=True, columns=(Column(name="family_name", paths=("family",)),)
)
VISITS_STREAM = Stream(
    name="visits",
    key="id",
    key_column="number",
    key_type="text",
    columns=(
        Column(name="person_number", type="integer", paths=("person",)),
        Column(name="day", type="date", paths=("day",)),
    ),
    links=(LinkRule(column="person_id", to="people", tiers=((("person_number", "number"),),)),),
)
NOTES_STREAM = Stream(
    name="notes",
    key="id",
    key_column="session",
    key_type="text",
    columns=(
        Column(name="visit", paths=("visit",)),
        Column(name="person", type="integer", paths=("person",)),
        Column(name="day", type="date", paths=("day",)),
    ),
)

RECEIVABLES = """\
system: billing
accounts: ["10000001", "10000002"]
schedule: daily at 05:00
reports:
  ar_aging: {report: "101", filter: "201", purpose: what is owed, types: {balance_due: numeric}}
  denials: {report: "102", filter: "202", schedule: weekly on monday at 05:00, accounts: ["10000002"], keep: 3}
"""

STREAM_ROOMS = {
    **ROOMS,
    "ehr": Room(
        kind="ehr",
        options=NoOptions,
        streams={"people": PEOPLE_STREAM, "visits": VISITS_STREAM},
        stream_source=_never,
        webhooks=_never,
    ),
    "scribe": Room(kind="scribe", options=NoOptions, streams={"notes": NOTES_STREAM}, webhooks=_never),
    "calls": Room(kind="calls", options=NoOptions, webhooks=_never),
    "billing": Room(kind="billing", options=NoOptions, reports=_never),
    "bus": Room(kind="bus", options=NoOptions, publisher=_never),
}


def practice(folder: Path, *edits: tuple[str, str, str]) -> Path:
    """The right project, after `edits`: (file, old text, new text); an old text of "" replaces the whole file."""
    files = {
        "careloom.yaml": PRACTICE,
        "streams/people.yaml": PEOPLE,
        "streams/visits.yaml": VISITS,
        "streams/notes.yaml": NOTES,
        "streams/calls.yaml": CALLS,
    }
    for file, old, new in edits:
        assert old in files.get(file, ""), f"{old!r} is not in {file}"
        files[file] = files[file].replace(old, new, 1) if old else new
    for part in ("streams", "reports", "charts", "models"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder
