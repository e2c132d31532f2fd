"""Holds a sync against the object it writes, and says what that object must be given first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from careloom.core.errors import Fault
from careloom.core.schema import ObjectDeclaration, ObjectShape, Property, Sensitivity
from careloom.project.model import Field, Sync
from careloom.project.nearest import list_names, suggestion
from careloom.project.nodes import Step

GONE_OPTION = "options"
"""A fault before the first run. Later the option was taken away: only the rows that need it are held."""

_LEVELS: tuple[Sensitivity, ...] = ("non_sensitive", "sensitive", "highly_sensitive")


def check_shape(sync: Sync, shape: ObjectShape | None) -> tuple[list[Fault], ObjectDeclaration]:
    """The faults of `sync` given the object as it is now (None: there is none), and everything it needs to have.

    The declaration names each property that the sync writes and the object lacks: nothing, if nothing is missing.
    """
    if shape is None and sync.to.create is None:
        fix = "correct the name, or define the object with `create:` under `to:`"
        cause = f"`{sync.to.system}` has no object `{sync.to.object}`"
        return [sync.fault(("to", "object"), "unknown-object", cause, fix)], ObjectDeclaration(
            name=sync.to.object, properties=()
        )
    properties: Mapping[str, Property] = shape.properties if shape is not None else {}
    faults: list[Fault] = list(_key(sync, properties.get(sync.to.key)))
    new: list[Property] = [] if sync.to.key in properties else [_key_property(sync)]
    for field in sync.fields.values():
        existing = properties.get(field.property)
        field_faults = list(_absent(sync, field, properties) if existing is None else _present(sync, field, existing))
        faults.extend(field_faults)
        if existing is None and not field_faults:
            new.append(_declaration(field))
        if existing is not None and existing.unique:
            faults.extend(_stand_in(sync, field, properties.get(field.when_taken)))
            if field.when_taken not in properties:
                new.append(_shared_property(field))
    if shape is not None:
        faults.extend(_check_required(sync, shape))
    return faults, ObjectDeclaration(name=sync.to.object, properties=tuple(new), create=sync.to.create)


def _key_property(sync: Sync) -> Property:
    label = sync.to.key.replace("_", " ").capitalize()
    group = next((field.group for field in sync.fields.values() if field.group), "")
    return Property(name=sync.to.key, type="string", label=label, group=group, unique=True, key=True)


def _key(sync: Sync, existing: Property | None) -> Iterator[Fault]:
    if existing is None:
        return
    path: tuple[Step, ...] = ("to", "key")
    if existing.read_only:
        yield sync.fault(path, "read-only", f"`{existing.name}` cannot be written", "name another property as key")
    elif not existing.unique:
        cause = f"`{existing.name}` exists and is not unique, so it cannot keep two records apart"
        fix = "name a property that does not exist yet: it is then created as a unique one"
        yield sync.fault(path, "key-not-unique", cause, fix)


def _absent(sync: Sync, field: Field, properties: Mapping[str, Property]) -> Iterator[Fault]:
    path: tuple[Step, ...] = ("fields", field.property)
    if field.type is None:
        fix = suggestion(
            field.property, properties, f"declare it: `{field.property}: {{from: {field.source}, type: string}}`"
        )
        if fix.startswith("did you"):
            fix += " Or declare it: `type: string`"
        cause = f"`{sync.to.object}` has no property `{field.property}`, and no type is declared"
        yield field.place.fault("unknown-property", cause, fix)
    elif field.type == "enumeration" and not (field.options or field.values):
        cause = f"`{field.property}` is to be created as an enumeration without options"
        yield sync.fault((*path, "type"), "no-options", cause, "list them: `options: [a, b]`")
    elif field.type == "enumeration" and field.options == () and field.otherwise == "keep":
        cause = f"`{field.property}` keeps texts that none of its options names"
        yield sync.fault((*path, "else"), "no-options", cause, "list all options: `options: [a, b]`")


def _present(sync: Sync, field: Field, existing: Property) -> Iterator[Fault]:
    path: tuple[Step, ...] = ("fields", field.property)
    if existing.read_only:
        cause = f"`{field.property}` is computed by `{sync.to.system}` and cannot be written"
        yield field.place.fault("read-only", cause, "remove the field, or write to a property of your own")
        return
    if field.type is not None and field.type != existing.type:
        cause = f"`{field.property}` is declared as {field.type}, and is {existing.type} there"
        yield sync.fault(
            (*path, "type"), "wrong-type", cause, f"write `type: {existing.type}`, or choose another property"
        )
    if _LEVELS.index(field.sensitivity) > _LEVELS.index(existing.sensitivity):
        cause = f"`{field.property}` needs a property that is {field.sensitivity}, and is {existing.sensitivity} there"
        fix = "choose a new property: sensitivity cannot be changed once a property exists"
        yield sync.fault((*path, "sensitivity"), "sensitivity", cause, fix)
    if existing.type == "enumeration" and existing.options:
        yield from _options(sync, field, existing)


def _options(sync: Sync, field: Field, existing: Property) -> Iterator[Fault]:
    for key, names in (("options", field.options), ("values", tuple(field.values.values()))):
        for name in dict.fromkeys(names):
            if name not in existing.options:
                fix = suggestion(name, existing.options, f"its options are {list_names(existing.options)}")
                cause = f"`{field.property}` has no option `{name}`"
                yield sync.fault(("fields", field.property, key), GONE_OPTION, cause, fix)


def _stand_in(sync: Sync, field: Field, stand_in: Property | None) -> Iterator[Fault]:
    if stand_in is not None and (stand_in.unique or stand_in.read_only):
        cause = f"`{stand_in.name}` cannot receive what another record holds: it is {'unique' if stand_in.unique else 'read-only'}"
        path: tuple[Step, ...] = ("fields", field.property, "when_taken")
        yield sync.fault(path, "when-taken", cause, "name another property: `when_taken: …`")


def _check_required(sync: Sync, shape: ObjectShape) -> Iterator[Fault]:
    if sync.unmatched != "create":
        return
    property_names = {sync.to.key, *sync.fields}
    for name in sorted(shape.required_properties - property_names):
        cause = f"a new record of `{sync.to.object}` must have `{name}`"
        yield sync.fault(("fields",), "required-property", cause, f"add `{name}` to `fields:`")
    if shape.requires_one_of and not shape.requires_one_of & property_names:
        names = list_names(sorted(shape.requires_one_of))
        cause = f"a new record of `{sync.to.object}` must have one of {names}"
        yield sync.fault(("fields",), "required-property", cause, "add one of them to `fields:`")


def _declaration(field: Field) -> Property:
    options = field.options or tuple(dict.fromkeys(field.values.values()))
    return Property(
        name=field.property,
        type=field.type or "string",
        label=field.label,
        group=field.group,
        description=field.description,
        options=options if field.type == "enumeration" else (),
        sensitivity=field.sensitivity,
    )


def _shared_property(field: Field) -> Property:
    return Property(
        name=field.when_taken,
        type="string",
        label=f"Shared {field.label.lower()}",
        group=field.group,
        description=f"The value of {field.property} where another record already holds it",
    )
