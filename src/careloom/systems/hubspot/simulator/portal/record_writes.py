"""What may be written into a record, and how: the checks come first, so that a refused batch changes nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from careloom.systems.hubspot.simulator.portal import values as rules_of
from careloom.systems.hubspot.simulator.portal.definitions import Kind
from careloom.systems.hubspot.simulator.portal.portal import Portal
from careloom.systems.hubspot.simulator.portal.record import Record
from careloom.systems.hubspot.simulator.portal.records import Table, new_record, secondary_mails
from careloom.systems.hubspot.simulator.portal.values import BadValueError, as_text, check_length
from careloom.systems.hubspot.simulator.responses import (
    RefusalError,
    RefusedValue,
    conflict,
    duplicate_value,
    invalid,
    invalid_values,
)
from careloom.systems.hubspot.simulator.settings import (
    MOST_CHARACTERS,
    ONE_OF_TEXT,
    REQUIRED_ON_CREATE,
    REQUIRED_TEXT,
)

# Unique values that earlier inputs of the same batch have taken, each with the id of the record it goes to.
Claims = dict[tuple[str, str], str]

_PLAIN = rules_of.text


def check_values(portal: Portal, kind: Kind, changes: Mapping[str, Any]) -> dict[str, str]:
    """The given properties in stored form; a refusal that lists every one that is not admitted."""
    rules = kind.rules
    values: dict[str, str] = {}
    complaints: list[RefusedValue] = []
    for name, value in changes.items():
        rule = rules.get(name)
        # Most properties are short plain text, and a batch has thousands: they take the shortest way.
        if rule is _PLAIN and value.__class__ is str and len(value) <= MOST_CHARACTERS:
            values[name] = value
            continue
        try:
            if rule is None:
                raise BadValueError("PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist')  # noqa: TRY301
            text = value if value.__class__ is str else as_text(value)
            check_length(name, text)
            values[name] = rule(text)
        except BadValueError as bad:
            complaints.append(RefusedValue(name, bad.code, bad.message))
    if kind.stage_property and kind.stage_property in values:
        complaints.extend(_stage_complaints(kind, values))
    if complaints:
        raise invalid_values(complaints, portal.id)
    return values


def _stage_complaints(kind: Kind, values: Mapping[str, str]) -> list[RefusedValue]:
    stage = values[kind.stage_property]
    pipeline_id = values.get(kind.pipeline_property)
    pipelines = [pipeline for pipeline in kind.pipelines if not pipeline_id or pipeline.id == pipeline_id]
    if not stage or any(stage == stage_.id for pipeline in pipelines for stage_ in pipeline.stages):
        return []
    options = ", ".join(
        f"pipelineId={pipeline.id} : [{', '.join(s.id for s in pipeline.stages)}]" for pipeline in pipelines
    )
    message = f"{stage} is not a valid pipeline stage ID. Valid options are: {options}"
    return [RefusedValue(kind.stage_property, "INVALID_OPTION", message)]


def check_required(kind: Kind, values: Mapping[str, str]) -> None:
    """A refusal where a new record lacks what its object demands."""
    if kind.name == "contacts" and not (values.get("email") or values.get("firstname") or values.get("lastname")):
        raise invalid(ONE_OF_TEXT)
    requirements = [*((name,) for name in kind.required_properties), *REQUIRED_ON_CREATE.get(kind.name, ())]
    missing = [names[0] for names in requirements if not any(values.get(name) for name in names)]
    if missing:
        raise invalid(REQUIRED_TEXT.format(object=kind.upper_name), context={"properties": missing})


def check_unique(portal: Portal, table: Table, values: Mapping[str, str], own_id: str | None, claims: Claims) -> None:
    """A refusal where another record, or an earlier input, holds a unique value. `own_id` is None for a new record."""
    for name, holders in table.unique.items():
        value = values.get(name)
        if not value:
            continue
        key = table.fold(name, value)
        holder = holders.get(key) or claims.get((name, key))
        if holder is not None and holder != own_id:
            if own_id is None and name == "email":
                raise conflict(holder)
        elif name == "email":
            holder = table.secondary.get(key)
        if holder is not None and holder != own_id:
            coordinates = (table.kind.coordinates, name, value)
            raise duplicate_value(portal.id, coordinates, own_id or str(table.next_number), holder)


def claim(table: Table, values: Mapping[str, str], record_id: str, claims: Claims) -> None:
    """Note which unique values an input takes."""
    for name in table.unique:
        if value := values.get(name):
            claims[name, table.fold(name, value)] = record_id


def new_values(portal: Portal, table: Table, changes: Mapping[str, Any], claims: Claims, ahead: int) -> dict[str, str]:
    """The checked values of a record to be created, as the `ahead`-th one of its batch."""
    values = check_values(portal, table.kind, changes)
    check_required(table.kind, values)
    check_unique(portal, table, values, None, claims)
    claim(table, values, str(table.next_number + ahead), claims)
    return values


def changed_values(
    portal: Portal, table: Table, record: Record, changes: Mapping[str, Any], claims: Claims
) -> dict[str, str]:
    """The checked values of a change to `record`."""
    values = check_values(portal, table.kind, changes)
    check_unique(portal, table, values, record.id, claims)
    claim(table, values, record.id, claims)
    return values


def create(portal: Portal, table: Table, values: dict[str, str]) -> Record:
    """Make a record of checked values."""
    kind = table.kind
    for name in kind.multiple.intersection(values):
        values[name] = values[name].removeprefix(";")
    if kind.stage_property and values.get(kind.stage_property) and not values.get(kind.pipeline_property):
        values[kind.pipeline_property] = _pipeline_of(kind, values[kind.stage_property])
    if kind.name == "meetings" and not values.get("hs_timestamp"):
        values["hs_timestamp"] = values.get("hs_meeting_start_time", "")
    record = new_record(kind, table.next_number, values, *portal.now())
    table.insert(record)
    return record


def _pipeline_of(kind: Kind, stage: str) -> str:
    return next(pipeline.id for pipeline in kind.pipelines if any(stage == stage_.id for stage_ in pipeline.stages))


def update(portal: Portal, table: Table, record: Record, values: dict[str, str]) -> None:
    """Write checked values into a live record, as the portal understands them."""
    kind = table.kind
    for name in kind.multiple.intersection(values):
        if values[name].startswith(";"):
            choices = (record.values.get(name, "") + values[name]).split(";")
            values[name] = ";".join(dict.fromkeys(choice for choice in choices if choice))
    if "lifecyclestage" in values and portal.settings.lifecycle == "forward" and _goes_back(kind, record, values):
        # The vendor answers with success and keeps the later stage; "" first is the way back.
        del values["lifecyclestage"]
    if not portal.settings.touch_unchanged and all(record.values.get(k, "") == v for k, v in values.items()):
        return
    if "email" in table.unique and (mail := values.get("email")):
        _promote(table, record, mail)
        values["hs_email_domain"] = mail[mail.rfind("@") + 1 :]
    table.set_values(record, values, *portal.now())


def _goes_back(kind: Kind, record: Record, values: Mapping[str, str]) -> bool:
    stages = kind.properties["lifecyclestage"].option_values()
    old, new = record.values.get("lifecyclestage"), values["lifecyclestage"]
    return bool(old and new) and old in stages and stages.index(new) < stages.index(old)


def _promote(table: Table, record: Record, mail: str) -> None:
    """A secondary address that becomes the primary one changes places with it."""
    mails = secondary_mails(record)
    if mail in mails:
        old = record.values.get("email", "")
        table.set_secondary(
            record, [old if address == mail else address for address in mails if old or address != mail]
        )


def blanks(table: Table, record: Record, names: Collection[str]) -> dict[str, str]:
    """Empty values for what an upsert by mail leaves out (only where the settings say that it clears)."""
    writable = table.kind.properties
    return {
        name: ""
        for name in record.values
        if name not in names and name in writable and not (writable[name].read_only or writable[name].calculated)
    }


def check_key(table: Table, name: str, *, mail_allowed: bool) -> None:
    """A refusal where `name` cannot address records of this object."""
    if name not in table.unique or (name == "email" and not mail_allowed):
        raise invalid(f"Unable to perform update/upsert by non-unique {table.kind.id} property")


__all__ = [
    "Claims",
    "RefusalError",
    "blanks",
    "changed_values",
    "check_key",
    "create",
    "new_values",
    "update",
]
