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


def get_all(request: Request) -> Response:
    """Every custom object."""
    request.need("crm.schemas.custom.read")
    if request.flag("archived"):
        return Response(200, {"results": []})
    return Response(200, {"results": [payload(request, kind) for kind in request.portal.custom_kinds()]})


def get(request: Request) -> Response:
    """One object's schema, a standard object's too."""
    request.need("crm.schemas.custom.read")
    return Response(200, payload(request, request.table.kind))


def create(request: Request) -> Response:
    """Make a custom object; needs an enterprise subscription."""
    request.need("crm.schemas.custom.write")
    portal, body = request.portal, request.body
    if not portal.settings.tier.enterprise:
        raise RefusalError(403, "MISSING_SCOPES", "This account's subscription does not include custom objects")
    name = str(body.get("name", ""))
    if not name[:1].isalpha() or not name.replace("_", "").isalnum():
        raise invalid(f"Object type name '{name}' must begin with a letter and hold letters, numbers and underscores")
    if any(spelling in portal.spellings for spelling in custom_names(name, portal.next_custom)):
        raise RefusalError(409, "OBJECT_ALREADY_EXISTS", f"Object type with name '{name}' already exists.")
    if sum(1 for _ in portal.custom_kinds()) >= MOST_CUSTOM_OBJECTS:
        raise invalid(f"You have reached your limit of {MOST_CUSTOM_OBJECTS} custom objects")
    kind = _kind(request, name)
    for property_name in [body.get("primaryDisplayProperty"), *(body.get("requiredProperties") or ())]:
        if property_name and property_name not in kind.properties:
            raise invalid(f'Property "{property_name}" does not exist')
    portal.next_custom += 1
    portal.add_kind(kind)
    table = portal.tables[kind.id]
    for object_type in (*(body.get("associatedObjects") or ()), *_ACTIVITIES):
        if object_type in portal.spellings:
            portal.associations.default(kind.id, portal.table(object_type).kind.id)
    table.version += 1
    return Response(201, payload(request, kind))


def _kind(request: Request, name: str) -> Kind:
    body, number = request.body, request.portal.next_custom
    labels = body.get("labels") or {}
    group = f"{name}_information"
    kind = Kind(
        id=f"2-{number}",
        name=name,
        singular=labels.get("singular") or name,
        plural=labels.get("plural") or name,
        created_property="hs_createdate",
        modified_property="hs_lastmodifieddate",
        primary=body.get("primaryDisplayProperty") or "",
        secondary=list(body.get("secondaryDisplayProperties") or ()),
        required_properties=list(body.get("requiredProperties") or ()),
        searchable=list(body.get("searchableProperties") or ()),
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
    for property_body in body.get("properties") or ():
        kind.add(properties.new_definition(request, draft, {**property_body, "groupName": group}))
    kind.compile()
    return kind


def change(request: Request) -> Response:
    """Change a custom object's labels and which of its properties are shown, searched and required."""
    request.need("crm.schemas.custom.write")
    kind, body = _custom(request), request.body
    labels = body.get("labels") or {}
    kind.singular, kind.plural = labels.get("singular", kind.singular), labels.get("plural", kind.plural)
    kind.primary = body.get("primaryDisplayProperty", kind.primary)
    kind.secondary = body.get("secondaryDisplayProperties", kind.secondary)
    kind.required_properties = body.get("requiredProperties", kind.required_properties)
    kind.searchable = body.get("searchableProperties", kind.searchable)
    return Response(200, payload(request, kind))


def delete(request: Request) -> Response:
    """Delete a custom object that has no records left."""
    request.need("crm.schemas.custom.write")
    kind = _custom(request)
    if request.table.records:
        raise invalid(f"Object type {kind.id} still has records: delete them first")
    request.portal.drop_kind(kind)
    return Response(204)


def create_association(request: Request) -> Response:
    """Tie two object types."""
    request.need("crm.schemas.custom.write")
    from_id, to_id = request.table.kind.id, request.portal.table(str(request.body.get("toObjectTypeId"))).kind.id
    type_ = request.portal.associations.default(from_id, to_id)
    return Response(
        201, {"id": str(type_.id), "fromObjectTypeId": from_id, "toObjectTypeId": to_id, "name": type_.name}
    )


def _custom(request: Request) -> Kind:
    kind = request.table.kind
    if not kind.custom:
        raise not_found(f"{request.places[0]} is not a custom object")
    return kind


def payload(request: Request, kind: Kind) -> Json:
    """A schema as the API answers it."""
    portal = request.portal
    created_at = min(
        (definition.created_at for definition in kind.properties.values() if not definition.hubspot_defined),
        default=portal.now()[1],
    )
    ties = [type_ for type_ in portal.associations.types.values() if kind.id in {type_.from_object, type_.to_object}]
    return {
        "id": kind.id.removeprefix("2-"),
        "objectTypeId": kind.id,
        "name": kind.name,
        "fullyQualifiedName": f"p{portal.id}_{kind.name}" if kind.custom else kind.upper_name,
        "labels": {"singular": kind.singular, "plural": kind.plural},
        "primaryDisplayProperty": kind.primary,
        "secondaryDisplayProperties": list(kind.secondary),
        "requiredProperties": list(kind.required_properties),
        "searchableProperties": list(kind.searchable),
        "properties": [definition.payload() for definition in kind.properties.values()],
        "associations": [
            {
                "id": str(type_.id),
                "fromObjectTypeId": type_.from_object,
                "toObjectTypeId": type_.to_object,
                "name": type_.name or f"{type_.from_object}_to_{type_.to_object}",
            }
            for type_ in ties
        ],
        "archived": False,
        "allowsSensitiveProperties": portal.settings.sensitive_data,
        "createdAt": created_at,
        "updatedAt": created_at,
    }
