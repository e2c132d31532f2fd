"""What may be written into a record, and how: the checks come first, so that a refused batch changes nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from careloom.systems.hubspot.simulator.portal import values as rules_of
from careloom.systems.hubspot.simulator.portal.definitions import Kind
from careloom.systems.hubspot.simulator.portal.portal import Portal
from careloom.systems.hubspot.simulator.portal.record import Record
from careloom.systems.hubspot.simulator.portal.records import Table, secondary_mails, stamped
from careloom.systems.hubspot.simulator.portal.values import BadValueError, as_text, check_length
from careloom.systems.hubspot.simulator.responses import (
    RefusalError,
    RefusedValue,
    conflict,
    invalid,
    invalid_values,
    taken,
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


def checked(portal: Portal, kind: Kind, given: Mapping[str, Any]) -> dict[str, str]:
    """The given properties in stored form; a refusal that lists every one that is not admitted."""
    rules = kind.rules
    stored: dict[str, str] = {}
    complaints: list[RefusedValue] = []
    for name, value in given.items():
        rule = rules.get(name)
        # Most properties are short plain text, and a batch has thousands: they take the shortest way.
        if rule is _PLAIN and value.__class__ is str and len(value) <= MOST_CHARACTERS:
            stored[name] = value
            continue
        try:
            if rule is None:
                raise BadValueError("PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist')  # noqa: TRY301
            written = value if value.__class__ is str else as_text(value)
            check_length(name, written)
            stored[name] = rule(written)
        except BadValueError as bad:
            complaints.append(RefusedValue(name, bad.code, bad.message))
    if kind.stage_property and kind.stage_property in stored:
        complaints.extend(_stage_complaints(kind, stored))
    if complaints:
        raise invalid_values(complaints, portal.id)
    return stored


def _stage_complaints(kind: Kind, stored: Mapping[str, str]) -> list[RefusedValue]:
    stage = stored[kind.stage_property]
    within = stored.get(kind.pipeline_property)
    offered = [one for one in kind.pipelines if not within or one.id == within]
    if not stage or any(stage == one.id for pipeline in offered for one in pipeline.stages):
        return []
    listed = ", ".join(f"pipelineId={one.id} : [{', '.join(s.id for s in one.stages)}]" for one in offered)
    message = f"{stage} is not a valid pipeline stage ID. Valid options are: {listed}"
    return [RefusedValue(kind.stage_property, "INVALID_OPTION", message)]


def check_required(kind: Kind, stored: Mapping[str, str]) -> None:
    """A refusal where a new record lacks what its object demands."""
    if kind.name == "contacts" and not (stored.get("email") or stored.get("firstname") or stored.get("lastname")):
        raise invalid(ONE_OF_TEXT)
    demanded = [*((name,) for name in kind.required), *REQUIRED_ON_CREATE.get(kind.name, ())]
    missing = [names[0] for names in demanded if not any(stored.get(name) for name in names)]
    if missing:
        raise invalid(REQUIRED_TEXT.format(object=kind.upper_name), context={"properties": missing})


def check_unique(portal: Portal, table: Table, stored: Mapping[str, str], own: str | None, claims: Claims) -> None:
    """A refusal where another record, or an earlier input, holds a unique value. `own` is None for a new record."""
    for name, holders in table.unique.items():
        value = stored.get(name)
        if not value:
            continue
        folded = table.folded(name, value)
        holder = holders.get(folded) or claims.get((name, folded))
        if holder is not None and holder != own:
            if own is None and name == "email":
                raise conflict(holder)
        elif name == "email":
            holder = table.secondary.get(folded)
        if holder is not None and holder != own:
            coordinates = (table.kind.coordinates, name, value)
            raise taken(portal.id, coordinates, own or str(table.next_number), holder)


def claim(table: Table, stored: Mapping[str, str], record_id: str, claims: Claims) -> None:
    """Note which unique values an input takes."""
    for name in table.unique:
        if value := stored.get(name):
            claims[name, table.folded(name, value)] = record_id


def new_values(portal: Portal, table: Table, given: Mapping[str, Any], claims: Claims, ahead: int) -> dict[str, str]:
    """The checked values of a record to be created, as the `ahead`-th one of its batch."""
    stored = checked(portal, table.kind, given)
    check_required(table.kind, stored)
    check_unique(portal, table, stored, None, claims)
    claim(table, stored, str(table.next_number + ahead), claims)
    return stored


def changed_values(
    portal: Portal, table: Table, record: Record, given: Mapping[str, Any], claims: Claims
) -> dict[str, str]:
    """The checked values of a change to `record`."""
    stored = checked(portal, table.kind, given)
    check_unique(portal, table, stored, record.id, claims)
    claim(table, stored, record.id, claims)
    return stored


def create(portal: Portal, table: Table, stored: dict[str, str]) -> Record:
    """Make a record of checked values."""
    kind = table.kind
    for name in kind.multiple.intersection(stored):
        stored[name] = stored[name].removeprefix(";")
    if kind.stage_property and stored.get(kind.stage_property) and not stored.get(kind.pipeline_property):
        stored[kind.pipeline_property] = _pipeline_of(kind, stored[kind.stage_property])
    if kind.name == "meetings" and not stored.get("hs_timestamp"):
        stored["hs_timestamp"] = stored.get("hs_meeting_start_time", "")
    record = stamped(kind, table.next_number, stored, *portal.now())
    table.insert(record)
    return record


def _pipeline_of(kind: Kind, stage: str) -> str:
    return next(one.id for one in kind.pipelines if any(stage == each.id for each in one.stages))


def update(portal: Portal, table: Table, record: Record, stored: dict[str, str]) -> None:
    """Write checked values into a live record, as the portal understands them."""
    kind = table.kind
    for name in kind.multiple.intersection(stored):
        if stored[name].startswith(";"):
            joined = (record.values.get(name, "") + stored[name]).split(";")
            stored[name] = ";".join(dict.fromkeys(one for one in joined if one))
    if "lifecyclestage" in stored and portal.settings.lifecycle == "forward" and _goes_back(kind, record, stored):
        # The vendor answers with success and keeps the later stage; "" first is the way back.
        del stored["lifecyclestage"]
    if not portal.settings.touch_unchanged and all(record.values.get(k, "") == v for k, v in stored.items()):
        return
    if "email" in table.unique and (mail := stored.get("email")):
        _promote(table, record, mail)
        stored["hs_email_domain"] = mail[mail.rfind("@") + 1 :]
    table.set_values(record, stored, *portal.now())


def _goes_back(kind: Kind, record: Record, stored: Mapping[str, str]) -> bool:
    stages = kind.properties["lifecyclestage"].option_values()
    old, new = record.values.get("lifecyclestage"), stored["lifecyclestage"]
    return bool(old and new) and old in stages and stages.index(new) < stages.index(old)


def _promote(table: Table, record: Record, mail: str) -> None:
    """A secondary address that becomes the primary one changes places with it."""
    others = secondary_mails(record)
    if mail in others:
        old = record.values.get("email", "")
        table.set_secondary(record, [old if one == mail else one for one in others if old or one != mail])


def blanks(table: Table, record: Record, given: Collection[str]) -> dict[str, str]:
    """Empty values for what an upsert by mail leaves out (only where the settings say that it clears)."""
    writable = table.kind.properties
    return {
        name: ""
        for name in record.values
        if name not in given and name in writable and not (writable[name].read_only or writable[name].calculated)
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
