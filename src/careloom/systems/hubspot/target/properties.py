"""Property definitions: HubSpot's own into ours, and ours into what creates them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from careloom.core.schema import ObjectShape, Property, PropertyType
from careloom.systems.hubspot.target.records import ADDITIONAL_EMAILS, EMAIL

MOST_CHARACTERS = 65_536
DEFAULT_GROUP = "Careloom"

_TYPES: Mapping[str, PropertyType] = {
    "string": "string",
    "phone_number": "string",
    "number": "number",
    "date": "date",
    "datetime": "datetime",
    "bool": "bool",
    "enumeration": "enumeration",
}
_FIELD_TYPES: Mapping[PropertyType, str] = {
    "string": "text",
    "number": "number",
    "date": "date",
    "datetime": "date",
    "bool": "booleancheckbox",
    "enumeration": "select",
}
# Properties without which HubSpot refuses to create a record. Only what its documentation or a real refusal shows.
REQUIRED: Mapping[str, frozenset[str]] = {
    "services": frozenset({"hs_pipeline_stage"}),
    "0-162": frozenset({"hs_pipeline_stage"}),
    "meetings": frozenset({"hs_timestamp"}),
    "calls": frozenset({"hs_timestamp"}),
    "emails": frozenset({"hs_timestamp"}),
    "notes": frozenset({"hs_timestamp"}),
    "tasks": frozenset({"hs_timestamp"}),
}
REQUIRED_ONE_OF: Mapping[str, frozenset[str]] = {
    "contacts": frozenset({"email", "firstname", "lastname"}),
    "0-1": frozenset({"email", "firstname", "lastname"}),
}


def shape_of(
    name: str, object_type: str, definitions: Iterable[Mapping[str, Any]], required_properties: frozenset[str]
) -> ObjectShape:
    """The object called `name`, whose name on the wire is `object_type`."""
    properties = (property_of(object_type, definition) for definition in definitions)
    return ObjectShape(
        name=name,
        properties={definition.name: definition for definition in properties},
        required_properties=required_properties | REQUIRED.get(object_type, frozenset()),
        requires_one_of=REQUIRED_ONE_OF.get(object_type, frozenset()),
    )


def property_of(object_type: str, definition: Mapping[str, Any]) -> Property:
    """One definition. Types that no value can be sent to (json, coordinates) come out as read-only strings."""
    name, field_type = str(definition["name"]), str(definition.get("fieldType") or "")
    kind = _TYPES.get(str(definition.get("type")))
    if kind == "enumeration" and field_type == "booleancheckbox":
        kind = "bool"
    is_fixed = (definition.get("modificationMetadata") or {}).get("readOnlyValue", False)
    mail = name == EMAIL and object_type in ("contacts", "0-1")
    unique = bool(definition.get("hasUniqueValue")) or mail
    return Property(
        name=name,
        type=kind or "string",
        label=str(definition.get("label") or ""),
        group=str(definition.get("groupName") or ""),
        description=str(definition.get("description") or ""),
        options=tuple(str(option["value"]) for option in definition.get("options") or ())
        if kind == "enumeration"
        else (),
        multiple=field_type == "checkbox",
        unique=unique,
        key=unique,
        aliases=(ADDITIONAL_EMAILS,) if mail else (),
        read_only=bool(is_fixed or definition.get("calculated") or kind is None),
        max_length=MOST_CHARACTERS if kind == "string" else None,
        sensitivity=definition.get("dataSensitivity") or "non_sensitive",
    )


def definition_of(definition: Property) -> dict[str, object]:
    """What creates `wanted`. Uniqueness and sensitivity cannot be changed afterwards."""
    kind = definition.type
    body: dict[str, object] = {
        "name": definition.name,
        "label": definition.label or definition.name,
        "groupName": group_name(definition.group),
        "type": kind,
        "fieldType": "checkbox" if kind == "enumeration" and definition.multiple else _FIELD_TYPES[kind],
        "formField": False,
    }
    if definition.description:
        body["description"] = definition.description
    if kind in ("enumeration", "bool"):
        body["options"] = _options(("true", "false") if kind == "bool" else definition.options)
    if definition.unique:
        body["hasUniqueValue"] = True
    if definition.sensitivity != "non_sensitive":
        body["dataSensitivity"] = definition.sensitivity
        body["sensitiveDataCategories"] = ["HIPAA"]
    return body


def group_name(label: str) -> str:
    """The inner name of a property group: lower case letters, digits and _."""
    return re.sub(r"[^a-z0-9_]+", "_", (label or DEFAULT_GROUP).lower()).strip("_")


def _options(values: Iterable[str]) -> list[dict[str, object]]:
    labels = {"true": "Yes", "false": "No"}
    return [
        {"value": value, "label": labels.get(value, value), "displayOrder": place, "hidden": False}
        for place, value in enumerate(values)
    ]
