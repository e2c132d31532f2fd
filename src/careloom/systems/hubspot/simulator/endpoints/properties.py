"""The properties API: list, read, create, change and archive property definitions and their groups."""

from __future__ import annotations

from careloom.systems.hubspot.simulator.endpoints.request import Request
from careloom.systems.hubspot.simulator.portal.definitions import Definition, Kind, options_of
from careloom.systems.hubspot.simulator.portal.records import Table
from careloom.systems.hubspot.simulator.responses import Json, RefusalError, Response, invalid, not_found
from careloom.systems.hubspot.simulator.settings import MOST_UNIQUE_PROPERTIES

_TYPES = frozenset({"bool", "enumeration", "date", "datetime", "string", "number", "phone_number"})
_NAME_START = frozenset("abcdefghijklmnopqrstuvwxyz")
_NAME = _NAME_START | frozenset("0123456789_")


def get_all(request: Request) -> Response:
    """The properties of an object; sensitive ones only where they are asked for by `dataSensitivity`."""
    kind = request.table.kind
    sensitivity = request.parameter("dataSensitivity") or "non_sensitive"
    pool = kind.archived_properties if request.flag("archived") else kind.properties
    return Response(
        200,
        {"results": [definition.payload() for definition in pool.values() if definition.sensitivity == sensitivity]},
    )


def get(request: Request) -> Response:
    """One property."""
    kind, name = request.table.kind, request.places[1]
    if request.flag("archived") and name in kind.archived_properties:
        return Response(200, kind.archived_properties[name].payload())
    return Response(200, _definition(kind, name).payload())


def _definition(kind: Kind, name: str) -> Definition:
    definition = kind.properties.get(name)
    if definition is None:
        raise not_found(f'Property "{name}" does not exist')
    return definition


def create(request: Request) -> Response:
    """Create one property."""
    definition = new_definition(request, request.table, request.body)
    install(request.table, definition)
    return Response(201, definition.payload())


def create_many(request: Request) -> Response:
    """Create up to 100 properties; those that are there already are named in `errors`."""
    results, errors = [], []
    for entry in request.inputs():
        try:
            definition = new_definition(request, request.table, entry)
        except RefusalError as refusal:
            errors.append(refusal.entry({"name": [str(entry.get("name"))]}))
            continue
        install(request.table, definition)
        results.append(definition.payload())
    return _batch(request, 201, results, errors)


def _batch(request: Request, status: int, results: list[Json], errors: list[Json]) -> Response:
    now = request.portal.now()[1]
    body: Json = {"status": "COMPLETE", "results": results, "startedAt": now, "completedAt": now}
    if errors:
        body |= {"numErrors": len(errors), "errors": errors}
        status = 200 if request.version == "2026-09" else 207
    return Response(status, body)


def read_many(request: Request) -> Response:
    """Read up to 100 properties by name."""
    kind = request.table.kind
    names = [str(entry.get("name")) for entry in request.inputs()]
    return _batch(request, 200, [kind.properties[name].payload() for name in names if name in kind.properties], [])


def new_definition(request: Request, table: Table, body: Json) -> Definition:
    """A property as it was asked for; a refusal where the portal would not make it."""
    kind, name = table.kind, str(body.get("name", ""))
    if not name or name[0] not in _NAME_START or not _NAME.issuperset(name):
        raise invalid(f"Property name '{name}' is not valid: lower case letters, numbers and underscores only")
    if name in kind.properties:
        raise RefusalError(409, "OBJECT_ALREADY_EXISTS", f'A property named "{name}" already exists.')
    if body.get("type") not in _TYPES or not body.get("fieldType"):
        raise invalid(f'"{body.get("type")}" is not a valid property type')
    group = body.get("groupName") or next(iter(kind.groups))
    if group not in kind.groups:
        raise invalid(f"Property group named {group} does not exist")
    unique = bool(body.get("hasUniqueValue"))
    _check_unique(kind, body, unique=unique)
    sensitivity = body.get("dataSensitivity") or "non_sensitive"
    _check_sensitivity(request, sensitivity)
    now = request.portal.now()[1]
    return Definition(
        name=name,
        type=body["type"],
        field_type=body["fieldType"],
        label=body.get("label") or name,
        group=group,
        description=body.get("description") or "",
        options=_options(body),
        unique=unique,
        reference=body.get("referencedObjectType") or "",
        sensitivity=sensitivity,
        categories=list(body.get("sensitiveDataCategories") or ()),
        hubspot_defined=False,
        form_field=bool(body.get("formField")),
        hidden=bool(body.get("hidden")),
        display_order=body.get("displayOrder", -1),
        created_at=now,
        updated_at=now,
    )


def _check_unique(kind: Kind, body: Json, *, unique: bool) -> None:
    if not unique:
        return
    unique_count = sum(definition.unique for definition in kind.properties.values())
    if not kind.unique_allowed or unique_count >= MOST_UNIQUE_PROPERTIES:
        raise invalid(f"{kind.plural} can have at most {MOST_UNIQUE_PROPERTIES} properties with unique values")
    if body["type"] not in {"string", "number"}:
        raise invalid("Only string and number properties can have unique values")


def _check_sensitivity(request: Request, sensitivity: str) -> None:
    settings = request.portal.settings
    if sensitivity != "non_sensitive" and not (settings.tier.enterprise and settings.sensitive_data):
        raise invalid("Sensitive data is not enabled for this account")


def _options(body: Json) -> list[Json]:
    if body["type"] == "bool" and not body.get("options"):
        return options_of(("true", "false"))
    options = body.get("options") or []
    return [
        {
            "label": str(option.get("label") or option.get("value")),
            "value": str(option.get("value")),
            "displayOrder": option.get("displayOrder", index),
            "hidden": bool(option.get("hidden")),
        }
        for index, option in enumerate(options)
    ]


def install(table: Table, definition: Definition) -> None:
    """Make a drafted property the object's."""
    table.kind.add(definition)
    table.kind.archived_properties.pop(definition.name, None)
    table.version += 1
    if definition.unique:
        table.make_unique(definition.name)


def change(request: Request) -> Response:
    """Change what may be changed: never the name, the uniqueness or the sensitivity."""
    definition = _definition(request.table.kind, request.places[1])
    if definition.hubspot_defined and definition.read_only:
        raise invalid(f'Property "{definition.name}" is read only')
    body = request.body
    definition.label = body.get("label", definition.label)
    definition.description = body.get("description", definition.description)
    definition.type = body.get("type", definition.type)
    definition.field_type = body.get("fieldType", definition.field_type)
    definition.hidden = body.get("hidden", definition.hidden)
    if "options" in body:
        definition.options = _options({"type": definition.type, "options": body["options"]})
    definition.updated_at = request.portal.now()[1]
    request.table.kind.compile()
    request.table.orders.pop(definition.name, None)
    return Response(200, definition.payload())


def archive(request: Request) -> Response:
    """Archive one property."""
    _archive(request, request.places[1])
    return Response(204)


def archive_many(request: Request) -> Response:
    """Archive up to 100 properties."""
    for entry in request.inputs():
        _archive(request, str(entry.get("name")))
    return Response(204)


def _archive(request: Request, name: str) -> None:
    table = request.table
    definition = _definition(table.kind, name)
    if definition.hubspot_defined:
        raise invalid(f'Property "{name}" is defined by the vendor and cannot be archived')
    del table.kind.properties[name]
    definition.archived = True
    table.kind.archived_properties[name] = definition
    table.unique.pop(name, None)
    table.orders.pop(name, None)
    table.searches.clear()
    table.kind.compile()


# ---------------------------------------------------------------- groups


def groups(request: Request) -> Response:
    """The property groups of an object."""
    return Response(200, {"results": list(request.table.kind.groups.values())})


def group(request: Request) -> Response:
    """One property group."""
    return Response(200, _group(request))


def _group(request: Request) -> Json:
    group = request.table.kind.groups.get(request.places[1])
    if group is None:
        raise not_found(f"Property group named {request.places[1]} does not exist")
    return group


def create_group(request: Request) -> Response:
    """Create a property group."""
    name = str(request.body.get("name", ""))
    if name in request.table.kind.groups:
        raise RefusalError(409, "OBJECT_ALREADY_EXISTS", f"Property group named {name} already exists.")
    group = {
        "name": name,
        "label": request.body.get("label") or name,
        "displayOrder": request.body.get("displayOrder", -1),
        "archived": False,
    }
    request.table.kind.groups[name] = group
    return Response(201, group)


def change_group(request: Request) -> Response:
    """Change a group's label or place."""
    group = _group(request)
    group.update({name: request.body[name] for name in ("label", "displayOrder") if name in request.body})
    return Response(200, group)


def archive_group(request: Request) -> Response:
    """Archive a group that no property is in."""
    name = _group(request)["name"]
    if any(definition.group == name for definition in request.table.kind.properties.values()):
        raise invalid(f"Property group named {name} still has properties")
    del request.table.kind.groups[name]
    return Response(204)
