"""Records that are in the portal from the start, read from a file of JSON lines."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import orjson

from careloom.systems.hubspot.simulator.endpoints import properties
from careloom.systems.hubspot.simulator.endpoints.request import Request
from careloom.systems.hubspot.simulator.portal.definitions import Definition
from careloom.systems.hubspot.simulator.portal.portal import Portal
from careloom.systems.hubspot.simulator.portal.records import SECONDARY, Table, new_record
from careloom.systems.hubspot.simulator.portal.values import as_text
from careloom.systems.hubspot.simulator.responses import Json
from careloom.systems.hubspot.simulator.settings import Token


def load_file(portal: Portal, table: Table, file: Path) -> None:
    """Put in the records of a file; ValueError names the line that is wrong.

    A record may also stand as the API gives it: {"id", "properties": {…}}. A property that was not declared is reported, once.
    """
    reported_names: set[str] = set()
    for number, entry in _lines(file):
        where = f"{file.name}:{number}"
        declares = isinstance(entry.get("properties"), list)
        row = entry if declares else _flat(entry, where)
        for name in sorted(set(row) - {"id", "properties", *table.kind.properties} - reported_names):
            reported_names.add(name)
            sys.stderr.write(f"{where}: the property {name!r} was not declared: it becomes plain text\n")
        load(portal, table, [row])


def _flat(row: Json, where: str) -> Json:
    """A record as an object of its values; ValueError where one is neither text, number, true, false nor null."""
    inner = row.get("properties")
    if isinstance(inner, dict):
        row = inner | ({"id": row["id"]} if "id" in row else {})
    wrong = [name for name, value in row.items() if isinstance(value, dict | list)]
    if wrong:
        raise ValueError(f"{where}: the value of {wrong[0]!r} is not a text")
    return row


def _lines(file: Path) -> Iterator[tuple[int, Json]]:
    """The objects of a file of JSON lines, with the number of each; ValueError names the line that is not an object."""
    with file.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                entry = orjson.loads(line)
            except orjson.JSONDecodeError:
                entry = None
            if not isinstance(entry, dict):
                raise ValueError(f"{file.name}:{number}: not a JSON object")  # noqa: TRY004 (the file is wrong, not a type)
            yield number, entry


def load(portal: Portal, table: Table, rows: Iterable[Json]) -> list[str]:
    """Put records in; returns their ids.

    A row is an object of properties, with an optional "id". A row {"properties": [definitions]} declares properties
    first; those that were not declared become plain text. What is seeded is taken as it is, and searches find it at once.
    """
    record_ids = []
    for row in rows:
        if isinstance(row.get("properties"), list):
            declare(portal, table, row["properties"])
        else:
            record_ids.append(_insert(portal, table, row))
    return record_ids


def declare(portal: Portal, table: Table, definitions: Iterable[Json]) -> None:
    """Create properties from definitions as the properties API takes them; a missing type is plain text."""
    request = Request(portal=portal, method="POST", version="v3", places=(), query={}, raw=b"", token=Token())
    for definition in definitions:
        if definition["name"] not in table.kind.properties:
            full = {"type": "string", "fieldType": "text", **definition}
            properties.install(table, properties.new_definition(request, table, full))


def _insert(portal: Portal, table: Table, row: Json) -> str:
    values = {name: as_text(value) for name, value in row.items() if name != "id" and value is not None}
    for name in values:
        if name not in table.kind.properties:
            group = next(iter(table.kind.groups))
            table.kind.add(
                Definition(name=name, type="string", field_type="text", label=name, group=group, hubspot_defined=False)
            )
    if values.get("email"):
        values["email"] = values["email"].strip().lower()
    number = int(row["id"]) if "id" in row else table.next_number
    record = new_record(table.kind, number, values, *portal.now())
    record.seen_ms = 0
    table.insert(record)
    if SECONDARY in values:
        table.set_secondary(
            record, [address.strip().lower() for address in values[SECONDARY].split(";") if address.strip()]
        )
    return record.id
