"""The schemas API: custom objects come and go here."""

from __future__ import annotations

from careloom.systems.hubspot.simulator.endpoints import properties
from careloom.systems.hubspot.simulator.endpoints.request import Request
from careloom.systems.hubspot.simulator.portal.definitions import Definition, Kind, custom_names
from careloom.systems.hubspot.simulator.portal.records import Table
from careloom.systems.hubspot.simulator.responses import Json, RefusalError, Response, invalid, not_found
from careloom.systems.hubspot.simulator.settings import MOST_CUSTOM_OBJECTS

_SYSTEM = (
    ("hs_object_id", "number", "number", "Record ID"),
    ("hs_createdate", "datetime", "date", "Object create date/time"),
    ("hs_lastmodifieddate", "datetime", "date", "Object last modified date/time"),
    ("hs_merged_object_ids", "enumeration", "checkbox", "Merged record IDs"),
    ("hs_unique_creation_key", "string", "text", "Unique creation key"),
)
# A new custom object is tied to these at once, besides what its schema asks for.
_ACTIVITIES = ("meetings", "emails", "notes", "tasks", "calls")


def listed(call: Request) -> Response:
    """Every custom object."""
    call.need("crm.schemas.custom.read")
    if call.flag("archived"):
        return Response(200, {"results": []})
    return Response(200, {"results": [payload(call, kind) for kind in call.portal.custom_kinds()]})


def one(call: Request) -> Response:
    """One object's schema, a standard object's too."""
    call.need("crm.schemas.custom.read")
    return Response(200, payload(call, call.table.kind))


def create(call: Request) -> Response:
    """Make a custom object; needs an enterprise subscription."""
    call.need("crm.schemas.custom.write")
    portal, given = call.portal, call.body
    if not portal.settings.tier.enterprise:
        raise RefusalError(403, "MISSING_SCOPES", "This account's subscription does not include custom objects")
    name = str(given.get("name", ""))
    if not name[:1].isalpha() or not name.replace("_", "").isalnum():
        raise invalid(f"Object type name '{name}' must begin with a letter and hold letters, numbers and underscores")
    if any(spelling in portal.spellings for spelling in custom_names(name, portal.next_custom)):
        raise RefusalError(409, "OBJECT_ALREADY_EXISTS", f"Object type with name '{name}' already exists.")
    if sum(1 for _ in portal.custom_kinds()) >= MOST_CUSTOM_OBJECTS:
        raise invalid(f"You have reached your limit of {MOST_CUSTOM_OBJECTS} custom objects")
    kind = _kind(call, name)
    for asked in [given.get("primaryDisplayProperty"), *(given.get("requiredProperties") or ())]:
        if asked and asked not in kind.properties:
            raise invalid(f'Property "{asked}" does not exist')
    portal.next_custom += 1
    portal.add_kind(kind)
    table = portal.tables[kind.id]
    for asked in (*(given.get("associatedObjects") or ()), *_ACTIVITIES):
        if asked in portal.spellings:
            portal.ties.default(kind.id, portal.table(asked).kind.id)
    table.version += 1
    return Response(201, payload(call, kind))


def _kind(call: Request, name: str) -> Kind:
    given, number = call.body, call.portal.next_custom
    labels = given.get("labels") or {}
    group = f"{name}_information"
    kind = Kind(
        id=f"2-{number}",
        name=name,
        singular=labels.get("singular") or name,
        plural=labels.get("plural") or name,
        created="hs_createdate",
        modified="hs_lastmodifieddate",
        primary=given.get("primaryDisplayProperty") or "",
        secondary=list(given.get("secondaryDisplayProperties") or ()),
        required=list(given.get("requiredProperties") or ()),
        searchable=list(given.get("searchableProperties") or ()),
        default=("hs_createdate", "hs_lastmodifieddate", "hs_object_id"),
        names=custom_names(name, number),
        custom=True,
        groups={group: {"name": group, "label": f"{name} information", "displayOrder": -1, "archived": False}},
    )
    for property_name, type_, field_type, label in _SYSTEM:
        kind.properties[property_name] = Definition(
            name=property_name, type=type_, field_type=field_type, label=label, group=group, read_only=True
        )
    kind.properties["hubspot_owner_id"] = Definition(
        name="hubspot_owner_id", type="enumeration", field_type="select", label="Owner", group=group, reference="OWNER"
    )
    draft = Table(kind, 0)
    for each in given.get("properties") or ():
        kind.add(properties.drafted(call, draft, {**each, "groupName": group}))
    kind.compile()
    return kind


def change(call: Request) -> Response:
    """Change a custom object's labels and which of its properties are shown, searched and required."""
    call.need("crm.schemas.custom.write")
    kind, given = _custom(call), call.body
    labels = given.get("labels") or {}
    kind.singular, kind.plural = labels.get("singular", kind.singular), labels.get("plural", kind.plural)
    kind.primary = given.get("primaryDisplayProperty", kind.primary)
    kind.secondary = given.get("secondaryDisplayProperties", kind.secondary)
    kind.required = given.get("requiredProperties", kind.required)
    kind.searchable = given.get("searchableProperties", kind.searchable)
    return Response(200, payload(call, kind))


def delete(call: Request) -> Response:
    """Delete a custom object that has no records left."""
    call.need("crm.schemas.custom.write")
    kind = _custom(call)
    if call.table.records:
        raise invalid(f"Object type {kind.id} still has records: delete them first")
    call.portal.drop_kind(kind)
    return Response(204)


def create_association(call: Request) -> Response:
    """Tie two object types."""
    call.need("crm.schemas.custom.write")
    here, there = call.table.kind.id, call.portal.table(str(call.body.get("toObjectTypeId"))).kind.id
    made = call.portal.ties.default(here, there)
    return Response(201, {"id": str(made.id), "fromObjectTypeId": here, "toObjectTypeId": there, "name": made.name})


def _custom(call: Request) -> Kind:
    kind = call.table.kind
    if not kind.custom:
        raise not_found(f"{call.places[0]} is not a custom object")
    return kind


def payload(call: Request, kind: Kind) -> Json:
    """A schema as the API answers it."""
    portal = call.portal
    created = min((one.created_at for one in kind.properties.values() if not one.ours), default=portal.now()[1])
    ties = [one for one in portal.ties.types.values() if kind.id in {one.from_object, one.to_object}]
    return {
        "id": kind.id.removeprefix("2-"),
        "objectTypeId": kind.id,
        "name": kind.name,
        "fullyQualifiedName": f"p{portal.id}_{kind.name}" if kind.custom else kind.upper_name,
        "labels": {"singular": kind.singular, "plural": kind.plural},
        "primaryDisplayProperty": kind.primary,
        "secondaryDisplayProperties": list(kind.secondary),
        "requiredProperties": list(kind.required),
        "searchableProperties": list(kind.searchable),
        "properties": [one.payload() for one in kind.properties.values()],
        "associations": [
            {
                "id": str(one.id),
                "fromObjectTypeId": one.from_object,
                "toObjectTypeId": one.to_object,
                "name": one.name or f"{one.from_object}_to_{one.to_object}",
            }
            for one in ties
        ],
        "archived": False,
        "allowsSensitiveProperties": portal.settings.sensitive_data,
        "createdAt": created,
        "updatedAt": created,
    }
