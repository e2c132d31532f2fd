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


def listed(call: Request) -> Response:
    """The properties of an object; sensitive ones only where they are asked for by `dataSensitivity`."""
    kind = call.table.kind
    wanted = call.one("dataSensitivity") or "non_sensitive"
    pool = kind.archived_properties if call.flag("archived") else kind.properties
    return Response(200, {"results": [one.payload() for one in pool.values() if one.sensitivity == wanted]})


def one(call: Request) -> Response:
    """One property."""
    kind, name = call.table.kind, call.places[1]
    if call.flag("archived") and name in kind.archived_properties:
        return Response(200, kind.archived_properties[name].payload())
    return Response(200, _named(kind, name).payload())


def _named(kind: Kind, name: str) -> Definition:
    found = kind.properties.get(name)
    if found is None:
        raise not_found(f'Property "{name}" does not exist')
    return found


def create(call: Request) -> Response:
    """Create one property."""
    definition = drafted(call, call.table, call.body)
    install(call.table, definition)
    return Response(201, definition.payload())


def create_many(call: Request) -> Response:
    """Create up to 100 properties; those that are there already are named in `errors`."""
    results, errors = [], []
    for given in call.inputs():
        try:
            definition = drafted(call, call.table, given)
        except RefusalError as refusal:
            errors.append(refusal.entry({"name": [str(given.get("name"))]}))
            continue
        install(call.table, definition)
        results.append(definition.payload())
    return _batch(call, 201, results, errors)


def _batch(call: Request, status: int, results: list[Json], errors: list[Json]) -> Response:
    now = call.portal.now()[1]
    body: Json = {"status": "COMPLETE", "results": results, "startedAt": now, "completedAt": now}
    if errors:
        body |= {"numErrors": len(errors), "errors": errors}
        status = 200 if call.version == "2026-09" else 207
    return Response(status, body)


def read_many(call: Request) -> Response:
    """Read up to 100 properties by name."""
    kind = call.table.kind
    names = [str(given.get("name")) for given in call.inputs()]
    return _batch(call, 200, [kind.properties[name].payload() for name in names if name in kind.properties], [])


def drafted(call: Request, table: Table, given: Json) -> Definition:
    """A property as it was asked for; a refusal where the portal would not make it."""
    kind, name = table.kind, str(given.get("name", ""))
    if not name or name[0] not in _NAME_START or not _NAME.issuperset(name):
        raise invalid(f"Property name '{name}' is not valid: lower case letters, numbers and underscores only")
    if name in kind.properties:
        raise RefusalError(409, "OBJECT_ALREADY_EXISTS", f'A property named "{name}" already exists.')
    if given.get("type") not in _TYPES or not given.get("fieldType"):
        raise invalid(f'"{given.get("type")}" is not a valid property type')
    group = given.get("groupName") or next(iter(kind.groups))
    if group not in kind.groups:
        raise invalid(f"Property group named {group} does not exist")
    unique = bool(given.get("hasUniqueValue"))
    _check_unique(kind, given, unique=unique)
    sensitivity = given.get("dataSensitivity") or "non_sensitive"
    _check_sensitivity(call, sensitivity)
    now = call.portal.now()[1]
    return Definition(
        name=name,
        type=given["type"],
        field_type=given["fieldType"],
        label=given.get("label") or name,
        group=group,
        description=given.get("description") or "",
        options=_options(given),
        unique=unique,
        reference=given.get("referencedObjectType") or "",
        sensitivity=sensitivity,
        categories=list(given.get("sensitiveDataCategories") or ()),
        ours=False,
        form_field=bool(given.get("formField")),
        hidden=bool(given.get("hidden")),
        display_order=given.get("displayOrder", -1),
        created_at=now,
        updated_at=now,
    )


def _check_unique(kind: Kind, given: Json, *, unique: bool) -> None:
    if not unique:
        return
    held = sum(definition.unique for definition in kind.properties.values())
    if not kind.unique_allowed or held >= MOST_UNIQUE_PROPERTIES:
        raise invalid(f"{kind.plural} can have at most {MOST_UNIQUE_PROPERTIES} properties with unique values")
    if given["type"] not in {"string", "number"}:
        raise invalid("Only string and number properties can have unique values")


def _check_sensitivity(call: Request, sensitivity: str) -> None:
    settings = call.portal.settings
    if sensitivity != "non_sensitive" and not (settings.tier.enterprise and settings.sensitive_data):
        raise invalid("Sensitive data is not enabled for this account")


def _options(given: Json) -> list[Json]:
    if given["type"] == "bool" and not given.get("options"):
        return options_of(("true", "false"))
    options = given.get("options") or []
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


def change(call: Request) -> Response:
    """Change what may be changed: never the name, the uniqueness or the sensitivity."""
    definition = _named(call.table.kind, call.places[1])
    if definition.ours and definition.read_only:
        raise invalid(f'Property "{definition.name}" is read only')
    given = call.body
    definition.label = given.get("label", definition.label)
    definition.description = given.get("description", definition.description)
    definition.type = given.get("type", definition.type)
    definition.field_type = given.get("fieldType", definition.field_type)
    definition.hidden = given.get("hidden", definition.hidden)
    if "options" in given:
        definition.options = _options({"type": definition.type, "options": given["options"]})
    definition.updated_at = call.portal.now()[1]
    call.table.kind.compile()
    call.table.orders.pop(definition.name, None)
    return Response(200, definition.payload())


def archive(call: Request) -> Response:
    """Archive one property."""
    _archive(call, call.places[1])
    return Response(204)


def archive_many(call: Request) -> Response:
    """Archive up to 100 properties."""
    for given in call.inputs():
        _archive(call, str(given.get("name")))
    return Response(204)


def _archive(call: Request, name: str) -> None:
    table = call.table
    definition = _named(table.kind, name)
    if definition.ours:
        raise invalid(f'Property "{name}" is defined by the vendor and cannot be archived')
    del table.kind.properties[name]
    definition.archived = True
    table.kind.archived_properties[name] = definition
    table.unique.pop(name, None)
    table.orders.pop(name, None)
    table.kept.clear()
    table.kind.compile()


# ---------------------------------------------------------------- groups


def groups(call: Request) -> Response:
    """The property groups of an object."""
    return Response(200, {"results": list(call.table.kind.groups.values())})


def group(call: Request) -> Response:
    """One property group."""
    return Response(200, _group(call))


def _group(call: Request) -> Json:
    found = call.table.kind.groups.get(call.places[1])
    if found is None:
        raise not_found(f"Property group named {call.places[1]} does not exist")
    return found


def create_group(call: Request) -> Response:
    """Create a property group."""
    name = str(call.body.get("name", ""))
    if name in call.table.kind.groups:
        raise RefusalError(409, "OBJECT_ALREADY_EXISTS", f"Property group named {name} already exists.")
    made = {
        "name": name,
        "label": call.body.get("label") or name,
        "displayOrder": call.body.get("displayOrder", -1),
        "archived": False,
    }
    call.table.kind.groups[name] = made
    return Response(201, made)


def change_group(call: Request) -> Response:
    """Change a group's label or place."""
    found = _group(call)
    found.update({name: call.body[name] for name in ("label", "displayOrder") if name in call.body})
    return Response(200, found)


def archive_group(call: Request) -> Response:
    """Archive a group that no property is in."""
    name = _group(call)["name"]
    if any(definition.group == name for definition in call.table.kind.properties.values()):
        raise invalid(f"Property group named {name} still has properties")
    del call.table.kind.groups[name]
    return Response(204)
