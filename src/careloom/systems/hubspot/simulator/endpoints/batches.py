"""The batch endpoints: create, read, update, upsert and archive up to a hundred records."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from careloom.systems.hubspot.simulator.endpoints.request import (
    Request,
    check_sensitive,
    echo,
    histories,
    property_values,
    response_names,
)
from careloom.systems.hubspot.simulator.portal import record_writes
from careloom.systems.hubspot.simulator.portal.record import Record
from careloom.systems.hubspot.simulator.portal.record_writes import Claims
from careloom.systems.hubspot.simulator.portal.records import Table
from careloom.systems.hubspot.simulator.responses import Json, RefusalError, Response, invalid, some_not_found
from careloom.systems.hubspot.simulator.settings import (
    DUPLICATE_INPUTS,
    MOST_INPUTS,
    MOST_INPUTS_WITH_HISTORY,
    PARTIAL_STATUS,
    TOO_MANY_HISTORIES,
    TOO_MANY_INPUTS,
)


def answer(request: Request, status: int, results: list[Json], errors: Sequence[Json]) -> Response:
    """A batch answer. Results come back in any order: that is how the vendor does it."""
    if request.portal.settings.shuffle and len(results) > 1:
        request.portal.rng.shuffle(results)
    now = request.portal.now()[1]
    body: Json = {"status": "COMPLETE", "results": results, "startedAt": now, "completedAt": now}
    if errors:
        body["numErrors"] = len(errors)
        body["errors"] = errors
        status = PARTIAL_STATUS.get(request.version, 207)
    return Response(status, body)


def has_trace_ids(inputs: Sequence[Json]) -> bool:
    """Whether every input carries a trace id of its own, so that each may fail alone."""
    traces = {entry.get("objectWriteTraceId") for entry in inputs}
    return None not in traces and "" not in traces and len(traces) == len(inputs)


def properties_of(request: Request, table: Table, entry: Json) -> Json:
    """The properties of an input, and whether this token may write them."""
    changes = entry.get("properties")
    if changes is None:
        return {}
    if not isinstance(changes, dict):
        raise invalid("Invalid input JSON: 'properties' must be an object")
    check_sensitive(request, table.kind, list(changes), "write")
    return changes


def _result(record: Record, shown_properties: Any, entry: Json, *, new: bool | None = None) -> Json:
    body = record.payload(shown_properties)
    if new is not None:
        body["new"] = new
    if trace := entry.get("objectWriteTraceId"):
        body["objectWriteTraceId"] = trace
    return body


def _check_inputs(inputs: Sequence[Json], check: Callable[[Json], None]) -> list[Json]:
    """Check every input. The first refusal is the batch's, unless all inputs are traced: then each has its own entry."""
    apart = has_trace_ids(inputs)
    errors: list[Json] = []
    for entry in inputs:
        try:
            check(entry)
        except RefusalError as refusal:
            if not apart or refusal.category == "MISSING_SCOPES":
                raise
            errors.append(refusal.entry({"objectWriteTraceId": [entry["objectWriteTraceId"]]}))
    return errors


def create(request: Request) -> Response:
    """Create up to 100 records: all or none, unless every input is traced."""
    table, inputs = request.table, request.inputs()
    portal, claims = request.portal, Claims()
    drafts: list[tuple[dict[str, str], Json]] = []

    def check(entry: Json) -> None:
        changes = properties_of(request, table, entry)
        ties = portal.associations.check_new(portal.current, table.kind, entry.get("associations"))
        drafts.append((record_writes.new_values(portal, table, changes, claims, len(drafts)), {**entry, "ties": ties}))

    errors = _check_inputs(inputs, check)
    results = []
    for values, entry in drafts:
        record = record_writes.create(portal, table, values)
        portal.associations.associate_all(table.kind, record.id, entry["ties"])
        results.append(_result(record, record.values, entry))
    return answer(request, 201, results, errors)


def update(request: Request) -> Response:
    """Change up to 100 records. Ids that are not there get an entry of their own; merged-away ones are left out."""
    table, inputs = request.table, request.inputs()
    portal, claims = request.portal, Claims()
    drafts: list[tuple[Record, dict[str, str], Json]] = []
    missing: list[Json] = []

    def check(entry: Json) -> None:
        record = _record_of(table, entry)
        if record is None:
            if str(entry.get("id")) not in table.survivors:
                missing.append(entry)
            return
        changes = properties_of(request, table, entry)
        drafts.append((record, record_writes.changed_values(portal, table, record, changes, claims), entry))

    errors = _check_inputs(inputs, check)
    results = []
    for record, values, entry in drafts:
        record_writes.update(portal, table, record, values)
        results.append(_result(record, echo(table.kind, record, entry.get("properties") or {}), entry))
    if missing:
        ids = [str(entry.get("id")) for entry in missing]
        traces = [entry["objectWriteTraceId"] for entry in missing if entry.get("objectWriteTraceId")]
        errors.append(some_not_found(table.kind.upper_name, ids, traces))
    return answer(request, 200, results, errors)


def _record_of(table: Table, entry: Json) -> Record | None:
    name = entry.get("idProperty")
    if not name or name == "hs_object_id":
        return table.records.get(str(entry.get("id")))
    record_writes.check_key(table, name, mail_allowed=False)
    return table.holder(name, str(entry.get("id")))


def upsert(request: Request) -> Response:
    """Create or change up to 100 records, each addressed by a unique property."""
    table, inputs = request.table, request.inputs()
    _check_upsert(table, inputs)
    portal, claims = request.portal, Claims()
    drafts: list[tuple[Record | None, dict[str, str], Json]] = []
    new = 0

    def check(entry: Json) -> None:
        nonlocal new
        name, value = entry["idProperty"], str(entry["id"])
        changes = properties_of(request, table, entry)
        record = table.holder(name, value)
        if record is None:
            values = record_writes.new_values(portal, table, {name: value, **changes}, claims, new)
            new += 1
        else:
            if name == "email" and portal.settings.blank_on_email_upsert:
                changes = {**record_writes.blanks(table, record, {name, *changes}), **changes}
            values = record_writes.changed_values(portal, table, record, changes, claims)
        drafts.append((record, values, entry))

    errors = _check_inputs(inputs, check)
    return answer(request, 200, [_write_upsert(request, table, *draft) for draft in drafts], errors)


def _write_upsert(request: Request, table: Table, record: Record | None, values: dict[str, str], entry: Json) -> Json:
    if record is None:
        record_ = record_writes.create(request.portal, table, values)
        return _result(record_, record_.values, entry, new=True)
    record_writes.update(request.portal, table, record, values)
    return _result(record, echo(table.kind, record, entry.get("properties") or {}), entry, new=False)


def _check_upsert(table: Table, inputs: Sequence[Json]) -> None:
    keys: set[tuple[str, str]] = set()
    twice: list[str] = []
    for entry in inputs:
        name, value = entry.get("idProperty"), entry.get("id")
        if not name or value is None or value == "":
            raise invalid("Invalid input JSON: every input of an upsert needs 'id' and 'idProperty'")
        record_writes.check_key(table, name, mail_allowed=True)
        key = (name, table.fold(name, str(value)))
        if key in keys:
            twice.append(str(value))
        keys.add(key)
    if twice:
        raise invalid(DUPLICATE_INPUTS.format(ids=", ".join(twice)))


def read(request: Request) -> Response:
    """Read up to 100 records by id or by a unique property; a merged-away id gives its survivor."""
    table = request.table
    wanted_history = request.body.get("propertiesWithHistory") or []
    max_inputs, text = (
        (MOST_INPUTS_WITH_HISTORY, TOO_MANY_HISTORIES) if wanted_history else (MOST_INPUTS, TOO_MANY_INPUTS)
    )
    inputs = request.inputs(max_inputs, text)
    names = response_names(request, table.kind, request.body.get("properties") or [])
    key = request.body.get("idProperty")
    if key == "hs_object_id":
        key = None
    if key:
        record_writes.check_key(table, key, mail_allowed=True)
    in_archive = request.flag("archived")
    records: dict[str, Record] = {}
    missing: list[str] = []
    for entry in inputs:
        value = str(entry.get("id"))
        record = find(table, key, value, in_archive=in_archive)
        if record is None:
            missing.append(value)
        else:
            records[record.id] = record
    results = [record.payload(property_values(record, names)) for record in records.values()]
    if wanted_history:
        for body in results:
            body["propertiesWithHistory"] = histories(records[body["id"]], wanted_history)
    errors = [some_not_found(table.kind.upper_name, missing)] if missing else []
    return answer(request, 200, results, errors)


def find(table: Table, key: str | None, value: str, *, in_archive: bool) -> Record | None:
    """A record by id or unique property, among the live ones or in the bin."""
    if in_archive:
        return table.archived_by(key, value)
    return table.holder(key, value) if key else table.current(value)


def archive(request: Request) -> Response:
    """Move up to 100 records to the bin; ids that are not there are passed over."""
    table = request.table
    now = request.portal.now()
    for entry in request.inputs():
        record = table.records.get(str(entry.get("id")))
        if record is not None:
            request.portal.associations.forget(table.kind, record.id)
            table.archive(record, *now)
    return Response(204)
