"""The batch endpoints: create, read, update, upsert and archive up to a hundred records."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from careloom.systems.hubspot.simulator.endpoints.request import (
    Request,
    check_sensitive,
    echo,
    histories,
    shown,
    shown_names,
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


def answer(call: Request, status: int, results: list[Json], errors: Sequence[Json]) -> Response:
    """A batch answer. Results come back in any order: that is how the vendor does it."""
    if call.portal.settings.shuffle and len(results) > 1:
        call.portal.dice.shuffle(results)
    now = call.portal.now()[1]
    body: Json = {"status": "COMPLETE", "results": results, "startedAt": now, "completedAt": now}
    if errors:
        body["numErrors"] = len(errors)
        body["errors"] = errors
        status = PARTIAL_STATUS.get(call.version, 207)
    return Response(status, body)


def traced(inputs: Sequence[Json]) -> bool:
    """Whether every input carries a trace id of its own, so that each may fail alone."""
    traces = {one.get("objectWriteTraceId") for one in inputs}
    return None not in traces and "" not in traces and len(traces) == len(inputs)


def properties_of(call: Request, table: Table, one: Json) -> Json:
    """The properties of an input, and whether this token may write them."""
    given = one.get("properties")
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise invalid("Invalid input JSON: 'properties' must be an object")
    check_sensitive(call, table.kind, list(given), "write")
    return given


def _written(record: Record, shown_properties: Any, one: Json, *, new: bool | None = None) -> Json:
    body = record.payload(shown_properties)
    if new is not None:
        body["new"] = new
    if trace := one.get("objectWriteTraceId"):
        body["objectWriteTraceId"] = trace
    return body


def _each(inputs: Sequence[Json], check: Callable[[Json], None]) -> list[Json]:
    """Check every input. The first refusal is the batch's, unless all inputs are traced: then each has its own entry."""
    apart = traced(inputs)
    errors: list[Json] = []
    for one in inputs:
        try:
            check(one)
        except RefusalError as refusal:
            if not apart or refusal.category == "MISSING_SCOPES":
                raise
            errors.append(refusal.entry({"objectWriteTraceId": [one["objectWriteTraceId"]]}))
    return errors


def create(call: Request) -> Response:
    """Create up to 100 records: all or none, unless every input is traced."""
    table, inputs = call.table, call.inputs()
    portal, claims = call.portal, Claims()
    drafts: list[tuple[dict[str, str], Json]] = []

    def check(one: Json) -> None:
        given = properties_of(call, table, one)
        ties = portal.ties.checked(portal.current, table.kind, one.get("associations"))
        drafts.append((record_writes.new_values(portal, table, given, claims, len(drafts)), {**one, "ties": ties}))

    errors = _each(inputs, check)
    results = []
    for values, one in drafts:
        record = record_writes.create(portal, table, values)
        portal.ties.tie_all(table.kind, record.id, one["ties"])
        results.append(_written(record, record.values, one))
    return answer(call, 201, results, errors)


def update(call: Request) -> Response:
    """Change up to 100 records. Ids that are not there get an entry of their own; merged-away ones are left out."""
    table, inputs = call.table, call.inputs()
    portal, claims = call.portal, Claims()
    drafts: list[tuple[Record, dict[str, str], Json]] = []
    missing: list[Json] = []

    def check(one: Json) -> None:
        record = _addressed(table, one)
        if record is None:
            if str(one.get("id")) not in table.survivors:
                missing.append(one)
            return
        given = properties_of(call, table, one)
        drafts.append((record, record_writes.changed_values(portal, table, record, given, claims), one))

    errors = _each(inputs, check)
    results = []
    for record, values, one in drafts:
        record_writes.update(portal, table, record, values)
        results.append(_written(record, echo(table.kind, record, one.get("properties") or {}), one))
    if missing:
        ids = [str(one.get("id")) for one in missing]
        traces = [one["objectWriteTraceId"] for one in missing if one.get("objectWriteTraceId")]
        errors.append(some_not_found(table.kind.upper_name, ids, traces))
    return answer(call, 200, results, errors)


def _addressed(table: Table, one: Json) -> Record | None:
    name = one.get("idProperty")
    if not name or name == "hs_object_id":
        return table.records.get(str(one.get("id")))
    record_writes.check_key(table, name, mail_allowed=False)
    return table.holder(name, str(one.get("id")))


def upsert(call: Request) -> Response:
    """Create or change up to 100 records, each addressed by a unique property."""
    table, inputs = call.table, call.inputs()
    _check_upsert(table, inputs)
    portal, claims = call.portal, Claims()
    drafts: list[tuple[Record | None, dict[str, str], Json]] = []
    new = 0

    def check(one: Json) -> None:
        nonlocal new
        name, value = one["idProperty"], str(one["id"])
        given = properties_of(call, table, one)
        record = table.holder(name, value)
        if record is None:
            values = record_writes.new_values(portal, table, {name: value, **given}, claims, new)
            new += 1
        else:
            if name == "email" and portal.settings.blank_on_email_upsert:
                given = {**record_writes.blanks(table, record, {name, *given}), **given}
            values = record_writes.changed_values(portal, table, record, given, claims)
        drafts.append((record, values, one))

    errors = _each(inputs, check)
    return answer(call, 200, [_upserted(call, table, *draft) for draft in drafts], errors)


def _upserted(call: Request, table: Table, record: Record | None, values: dict[str, str], one: Json) -> Json:
    if record is None:
        made = record_writes.create(call.portal, table, values)
        return _written(made, made.values, one, new=True)
    record_writes.update(call.portal, table, record, values)
    return _written(record, echo(table.kind, record, one.get("properties") or {}), one, new=False)


def _check_upsert(table: Table, inputs: Sequence[Json]) -> None:
    seen: set[tuple[str, str]] = set()
    twice: list[str] = []
    for one in inputs:
        name, value = one.get("idProperty"), one.get("id")
        if not name or value is None or value == "":
            raise invalid("Invalid input JSON: every input of an upsert needs 'id' and 'idProperty'")
        record_writes.check_key(table, name, mail_allowed=True)
        key = (name, table.folded(name, str(value)))
        if key in seen:
            twice.append(str(value))
        seen.add(key)
    if twice:
        raise invalid(DUPLICATE_INPUTS.format(ids=", ".join(twice)))


def read(call: Request) -> Response:
    """Read up to 100 records by id or by a unique property; a merged-away id gives its survivor."""
    table = call.table
    wanted_history = call.body.get("propertiesWithHistory") or []
    most, text = (MOST_INPUTS_WITH_HISTORY, TOO_MANY_HISTORIES) if wanted_history else (MOST_INPUTS, TOO_MANY_INPUTS)
    inputs = call.inputs(most, text)
    names = shown_names(call, table.kind, call.body.get("properties") or [])
    key = call.body.get("idProperty")
    if key == "hs_object_id":
        key = None
    if key:
        record_writes.check_key(table, key, mail_allowed=True)
    archived = call.flag("archived")
    found: dict[str, Record] = {}
    missing: list[str] = []
    for one in inputs:
        value = str(one.get("id"))
        record = find(table, key, value, archived=archived)
        if record is None:
            missing.append(value)
        else:
            found[record.id] = record
    results = [record.payload(shown(record, names)) for record in found.values()]
    if wanted_history:
        for body in results:
            body["propertiesWithHistory"] = histories(found[body["id"]], wanted_history)
    errors = [some_not_found(table.kind.upper_name, missing)] if missing else []
    return answer(call, 200, results, errors)


def find(table: Table, key: str | None, value: str, *, archived: bool) -> Record | None:
    """A record by id or unique property, among the live ones or in the bin."""
    if archived:
        return table.archived_by(key, value)
    return table.holder(key, value) if key else table.current(value)


def archive(call: Request) -> Response:
    """Move up to 100 records to the bin; ids that are not there are passed over."""
    table = call.table
    now = call.portal.now()
    for one in call.inputs():
        record = table.records.get(str(one.get("id")))
        if record is not None:
            call.portal.ties.forget(table.kind, record.id)
            table.archive(record, *now)
    return Response(204)
