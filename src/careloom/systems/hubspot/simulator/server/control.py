"""The control endpoints under /__sim: what happened, and what shall go wrong. Only for a server on the loopback."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any

import orjson

from careloom.systems.hubspot.simulator.endpoints import objects
from careloom.systems.hubspot.simulator.portal import faults
from careloom.systems.hubspot.simulator.portal.portal import Portal
from careloom.systems.hubspot.simulator.portal.record import Record
from careloom.systems.hubspot.simulator.portal.records import SECONDARY, Table
from careloom.systems.hubspot.simulator.portal.values import as_text
from careloom.systems.hubspot.simulator.responses import Json, RefusalError, Response, invalid, not_found
from careloom.systems.hubspot.simulator.server import seed
from careloom.systems.hubspot.simulator.settings import TIERS, Settings, Token

Act = Callable[[Portal, Any], Response]


def answer(portal: Portal, method: str, path: str, query: Mapping[str, Sequence[str]], raw: bytes) -> Response:
    """Answer one control request."""
    try:
        parts = path.removeprefix("/__sim/").split("/")
        if method == "GET" and parts == ["state"]:
            return Response(200, state(portal))
        if method == "GET" and parts[0] == "records" and len(parts) == 2:  # noqa: PLR2004
            return _records(portal, parts[1], query)
        act = _ACTS.get(parts[0]) if method == "POST" and len(parts) == 1 else None
        if act is None:
            raise not_found(f"no control endpoint {method} {path}")
        return act(portal, orjson.loads(raw or b"{}"))
    except RefusalError as refusal:
        return Response(refusal.status, refusal.body())
    except (ValueError, TypeError) as wrong:
        return Response(400, {"status": "error", "message": f"control request not understood: {type(wrong).__name__}"})


def state(portal: Portal) -> Json:
    """Counts of records by object, of requests by endpoint, of writes and of 429s."""
    tables = portal.tables.values()
    return {
        "now": portal.now()[1],
        "objects": {table.kind.name: len(table.records) for table in tables},
        "archived": {table.kind.name: len(table.bin) for table in tables if table.bin},
        "merged": {table.kind.name: len(table.survivors) for table in tables if table.survivors},
        "requests": dict(portal.counts.by_template),
        "statuses": dict(portal.counts.by_status),
        "total_requests": sum(portal.counts.by_status.values()) + portal.counts.disconnects,
        "write_calls": portal.counts.writes,
        "cut": portal.counts.disconnects,
        "most_at_once": portal.counts.most_at_once,
        "rate_limited": portal.counts.by_status.get("429", 0),
        "properties": {
            table.kind.name: [
                definition.name for definition in table.kind.properties.values() if not definition.hubspot_defined
            ]
            for table in tables
        },
    }


def _records(portal: Portal, spelling: str, query: Mapping[str, Sequence[str]]) -> Response:
    table = portal.table(spelling)
    in_archive = query.get("archived", ["false"])[-1] == "true"
    pool = table.bin if in_archive else table.records
    return Response(
        200, {"results": [record.payload(record.values) for record in pool.values()], "survivors": table.survivors}
    )


def _faults(portal: Portal, body: Any) -> Response:
    """Replace the faults: a list, or {"faults": [...]}; a latency fault changes the setting instead."""
    bodies = body if isinstance(body, list) else body.get("faults", [body] if "kind" in body else [])
    new_faults = [faults.read(body_, portal.now_ms()) for body_ in bodies]
    for fault in new_faults:
        if fault.kind == "latency":
            portal.settings.latency_ms = fault.ms
    portal.faults.pending = [fault for fault in new_faults if fault.kind != "latency"]
    return Response(200, {"faults": len(portal.faults.pending)})


def _reset(portal: Portal, _body: Json) -> Response:
    """Back to how the portal started: its records, definitions, settings, faults and counts."""
    portal.reset()
    return Response(200, {"reset": True})


def _record(table: Table, body: Json) -> Record:
    record = table.current(str(body.get("id")))
    if record is None:
        raise not_found()
    return record


def _edit(portal: Portal, body: Json) -> Response:
    """Change a record as staff do: {"object", "id", "properties"}; no limits, and read-only properties too."""
    table = portal.table(str(body["object"]))
    record = _record(table, body)
    changes = {str(name): as_text(value) for name, value in dict(body["properties"]).items()}
    secondary = changes.pop(SECONDARY, None)
    for name, holders in table.unique.items():
        value = changes.get(name)
        if value and holders.get(table.fold(name, value), record.id) != record.id:
            raise invalid(f"another record already has that value of {name}")
    if secondary is not None:
        table.set_secondary(record, [address for address in secondary.split(";") if address])
    table.set_values(record, changes, *portal.now())
    return Response(200, record.payload(record.values))


def _merge(portal: Portal, body: Json) -> Response:
    """Merge two records as staff do: {"object", "primary", "other"}."""
    table = portal.table(str(body["object"]))
    primary, secondary = _record(table, {"id": body["primary"]}), _record(table, {"id": body["other"]})
    record = objects.merge_records(portal, table, primary, secondary)
    return Response(200, record.payload(record.values))


def _archive(portal: Portal, body: Json) -> Response:
    """Delete records as staff do: {"object", "id"} or {"object", "ids"}."""
    table = portal.table(str(body["object"]))
    for record_id in body.get("ids", [body.get("id")]):
        record = _record(table, {"id": record_id})
        portal.associations.forget(table.kind, record.id)
        table.archive(record, *portal.now())
    return Response(200, {"archived": True})


def _restore(portal: Portal, body: Json) -> Response:
    """Take a record out of the bin: {"object", "id"}."""
    table = portal.table(str(body["object"]))
    record = table.bin.pop(str(body.get("id")), None)
    if record is None:
        raise not_found()
    record.archived_at = None
    record.updated_ms, record.updated_at = portal.now()
    table.insert(record)
    return Response(200, record.payload(record.values))


def _advance(portal: Portal, body: Json) -> Response:
    """Move the clock forward: {"seconds"} or {"days"}."""
    seconds = float(body.get("seconds", 0)) + float(body.get("days", 0)) * 86_400
    portal.ahead_ms += round(seconds * 1000)
    return Response(200, {"now": portal.now()[1]})


def _settings(portal: Portal, body: Json) -> Response:
    """Change settings: any field of Settings; `tier` by name; `tokens` {token: {"scopes": [...] or null, "expired"}}."""
    names = {field_.name for field_ in fields(Settings)}
    for name, value in body.items():
        if name not in names:
            raise invalid(f"unknown setting: {name}; one of {', '.join(sorted(names))}")
        if name == "tier" and value not in TIERS:
            raise invalid(f"unknown tier: {value}; one of {', '.join(TIERS)}")
    for name, value in body.items():
        setattr(portal.settings, name, _setting(name, value))
    for table in portal.tables.values():
        table.fold_unique = portal.settings.unique_ignores_case
    return Response(200, {name: body[name] for name in body if name != "tokens"})


def _setting(name: str, value: object) -> object:
    if name == "tier":
        return TIERS[str(value)]
    if name == "tokens" and isinstance(value, dict):
        return {token: _token(entry) for token, entry in value.items()}
    return value


def _token(entry: Json) -> Token:
    scopes = entry.get("scopes")
    return Token(scopes=None if scopes is None else frozenset(scopes), is_expired=bool(entry.get("expired")))


def _seed(portal: Portal, body: Json) -> Response:
    """Put records in as they are: {"object", "records": [{...properties}]}, or {"object", "properties": [definitions]}."""
    table = portal.table(str(body.get("object", "contacts")))
    record_ids = seed.load(portal, table, [{"properties": body.get("properties", [])}, *body.get("records", [])])
    return Response(200, {"ids": record_ids})


_ACTS: Mapping[str, Act] = {
    "faults": _faults,
    "reset": _reset,
    "edit": _edit,
    "merge": _merge,
    "archive": _archive,
    "restore": _restore,
    "advance": _advance,
    "settings": _settings,
    "seed": _seed,
}
