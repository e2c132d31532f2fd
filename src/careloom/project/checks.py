"""What a project can be told without asking any system: names that lead nowhere, contradictions, secrets in clear."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from careloom.core.errors import Fault
from careloom.core.phi import Phi
from careloom.core.rooms import Room
from careloom.project.model import Field, Sync, System
from careloom.project.nearest import suggestion
from careloom.project.nodes import Step, YamlNode

_SECRET_KEY = re.compile(r"(token|password|passwd|secret|api_?key|private_?key|credential)s?$", re.IGNORECASE)
_SECRET_NAME = re.compile(r"secret:[A-Za-z0-9][A-Za-z0-9_-]*")
_PASSWORD_IN_URL = re.compile(r"[a-z][a-z0-9+.-]*://[^/@\s:]*:([^/@\s]+)@")


def secrets_in_clear(root: YamlNode) -> Iterator[Fault]:
    """Every secret that is written out, and every `secret:` that names none. No message repeats the value."""
    for path, node in _texts(root, ()):
        text, key = node.text or "", str(path[-1]) if path else ""
        if not text:
            continue
        if text.startswith("secret:"):
            if not _SECRET_NAME.fullmatch(text):
                yield node.place.fault(
                    "secret-name", f"`{key}` names no secret", "write `secret:NAME`, NAME in a-z, 0-9, -"
                )
        elif _SECRET_KEY.search(key):
            fix = f"write `{key}: secret:NAME`, put the value in the environment variable NAME, and change it: it was in a file"
            yield node.place.fault("secret", f"`{key}` holds a secret in clear", fix)
        elif _PASSWORD_IN_URL.match(text):
            fix = f"write `{key}: secret:NAME` and put the whole address in the environment variable NAME"
            yield node.place.fault("secret", f"`{key}` holds a password in clear", fix)


def _texts(node: YamlNode, path: tuple[Step, ...]) -> Iterator[tuple[tuple[Step, ...], YamlNode]]:
    if node.kind == "text":
        yield path, node
    for key, below in node.entries.items():
        yield from _texts(below, (*path, key))
    for item in node.items:
        yield from _texts(item, path)


def check_sync(sync: Sync, systems: Mapping[str, System], rooms: Mapping[str, Room]) -> Iterator[Fault]:
    """Everything about one sync that needs no other sync and no connection."""
    yield from _source(sync)
    yield from _systems(sync, systems, rooms)
    yield from _names(sync, systems, rooms)
    yield from _key(sync)
    yield from _match(sync)
    yield from _roles(sync)
    yield from _new_object(sync)
    for field in sync.fields.values():
        yield from _field(sync, field)


def _source(sync: Sync) -> Iterator[Fault]:
    read = sync.source
    if (read.table is None) == (read.sql is None):
        cause = "there is neither `table` nor `sql`" if read.table is None else "there are both `table` and `sql`"
        yield sync.fault(("from",), "from", cause, "write exactly one of the two")
    if read.cursor is None and "look_back" in sync.node.at("from").entries:
        yield sync.fault(
            ("from", "look_back"), "from", "`look_back` has no `cursor` to look back from", "add `cursor: COLUMN`"
        )


def _systems(sync: Sync, systems: Mapping[str, System], rooms: Mapping[str, Room]) -> Iterator[Fault]:
    for side, name, verb in (("from", sync.source.system, "read"), ("to", sync.to.system, "written")):
        if name not in systems:
            fix = suggestion(name, systems, "add it to `systems:` in careloom.yaml")
            yield sync.fault((side, "system"), "unknown-system", f"there is no system `{name}`", fix)
            continue
        room = rooms.get(systems[name].kind)
        if room is not None and (room.source if side == "from" else room.target) is None:
            cause = f"`{name}` is of kind `{room.kind}`, which cannot be {verb}"
            yield sync.fault((side, "system"), "wrong-kind", cause, "name another system here")
        elif room is not None and side == "to" and sync.associations and not room.associates:
            cause = f"`{name}` is of kind `{room.kind}`, whose records cannot be associated"
            yield sync.fault(("associations",), "no-associations", cause, "remove `associations:`")


def _names(sync: Sync, systems: Mapping[str, System], rooms: Mapping[str, Room]) -> Iterator[Fault]:
    """Names that no property of the other side can have: told before anything is created there."""
    system = systems.get(sync.to.system)
    room = rooms.get(system.kind) if system else None
    if room is None or not room.property_names:
        return
    places: list[tuple[str, tuple[Step, ...] | None]] = [(sync.to.key, ("to", "key"))]
    for name, field in sync.fields.items():
        places.append((name, None))
        if "when_taken" in sync.node.at("fields", name).entries:
            places.append((field.when_taken, ("fields", name, "when_taken")))
    for name, path in places:
        if not name or re.fullmatch(room.property_names, name):
            continue
        cause = f"`{name}` cannot be the name of a property of `{sync.to.system}`: small letters, digits and `_` only"
        small = name.lower()
        fits = re.fullmatch(room.property_names, small)
        fix = f"write `{small}`" if fits else "begin with a small letter, and use small letters, digits and `_`"
        place = sync.fields[name].place if path is None else None
        yield place.fault("property-name", cause, fix) if place else sync.fault(path or (), "property-name", cause, fix)


def _key(sync: Sync) -> Iterator[Fault]:
    if sync.to.key in sync.fields:
        cause = f"`{sync.to.key}` is the key, which always holds `{sync.source.key}`"
        yield sync.fields[sync.to.key].place.fault("key-field", cause, "remove it from `fields:`")


def _match(sync: Sync) -> Iterator[Fault]:
    for number, tier in enumerate(sync.match):
        for index, name in enumerate(tier):
            if name not in sync.fields:
                cause = f"`{name}` is no mapped field, so it cannot be matched on"
                fix = suggestion(name, sync.fields, f"add `{name}` to `fields:`")
                yield sync.fault(("match", number, index), "match-field", cause, fix)
            elif name in tier[:index]:
                yield sync.fault(
                    ("match", number, index), "match-field", f"`{name}` appears twice in one tier", "remove one"
                )


def _roles(sync: Sync) -> Iterator[Fault]:
    properties: dict[str, str] = {}
    for field in sync.fields.values():
        if field.role is None or field.role == "phone":
            continue
        if field.role in properties:
            cause = f"`{field.property}` and `{properties[field.role]}` both have the role {field.role}"
            yield sync.fault(("fields", field.property, "role"), "role", cause, "write `role: none` for one of them")
        properties.setdefault(field.role, field.property)


def _new_object(sync: Sync) -> Iterator[Fault]:
    new, properties = sync.to.create, [sync.to.key, *sync.fields]
    if new is None:
        return
    lists = {
        "primary": (new.primary_property,),
        "secondary": new.secondary_properties,
        "searchable": new.searchable_properties,
        "required": new.required_properties,
    }
    for key, names in lists.items():
        for number, name in enumerate(names):
            if name not in properties:
                path: tuple[Step, ...] = ("to", "create", key, number)
                fix = suggestion(name, properties, f"add `{name}` to `fields:`")
                yield sync.fault(path, "create-property", f"`{name}` is neither the key nor a field", fix)


def _field(sync: Sync, field: Field) -> Iterator[Fault]:
    path: tuple[Step, ...] = ("fields", field.property)
    entries = sync.node.at(*path).entries
    if "else" in entries and "values" not in entries:
        yield sync.fault(
            (*path, "else"), "values", "`else` has no `values` beside it", "add `values:`, or remove `else`"
        )
    if field.options and field.type not in {None, "enumeration"}:
        yield sync.fault((*path, "options"), "options", f"a {field.type} has no options", "write `type: enumeration`")
    if field.format and field.type not in {"date", "datetime"}:
        yield sync.fault(
            (*path, "format"), "date-format", "`format` is only for dates", "add `type: date` or `type: datetime`"
        )
    for number, name in enumerate(field.options):
        if name in field.options[:number]:
            yield sync.fault((*path, "options", number), "options", f"the option `{name}` appears twice", "remove one")
    for value in field.values.values() if field.options else ():
        if value not in field.options:
            fix = suggestion(value, field.options, "add it to `options:`")
            yield sync.fault((*path, "values"), "values", f"`{value}` is not one of the options", fix)
    yield from _when_taken(sync, field)
    if field.phi > sync.to.admits:
        yield _not_admitted(sync, field)


def _when_taken(sync: Sync, field: Field) -> Iterator[Fault]:
    if field.when_taken == sync.to.key or field.when_taken in sync.fields:
        cause = f"`{field.when_taken}` would receive what another record holds, but it is mapped itself"
        yield sync.fault(
            ("fields", field.property, "when_taken"), "when-taken", cause, "name another property: `when_taken: …`"
        )


def _not_admitted(sync: Sync, field: Field) -> Fault:
    needs, has = field.phi.name.lower(), Phi(sync.to.admits).name.lower()
    fix = f"write `admits: {needs}` under `to:`"
    if field.phi is Phi.CLINICAL:
        fix += ", only if a business associate agreement covers it and sensitive data is enabled there; or leave the field out"
    cause = f"`{field.property}` is {needs} data, and `{sync.to.object}` admits {has} at most"
    return sync.fault(("fields", field.property, "phi"), "phi", cause, fix)


def in_order(syncs: Mapping[str, Sync]) -> tuple[dict[str, Sync], list[Fault]]:
    """The syncs with every `via` before who needs it; the faults of associations that lead nowhere or in a circle."""
    faults = [fault for sync in syncs.values() for fault in _associations(sync, syncs)]
    syncs_in_order: dict[str, Sync] = {}
    waiting = dict(syncs)
    while waiting:
        names = [name for name, sync in waiting.items() if not any(tie.via in waiting for tie in sync.associations)]
        if not names:
            faults.extend(_circles(waiting))
            return dict(syncs), faults
        for name in names:
            syncs_in_order[name] = waiting.pop(name)
    return syncs_in_order, faults


def _circles(waiting: Mapping[str, Sync]) -> Iterator[Fault]:
    for sync in waiting.values():
        for number, tie in enumerate(sync.associations):
            if sync.name in _dependencies(tie.via, waiting):
                cause = f"`{sync.name}` and `{tie.via}` wait for each other"
                if tie.via == sync.name:
                    cause = f"`{sync.name}` waits for itself"
                yield sync.fault(
                    ("associations", number, "via"), "circle", cause, "keep the association on one side only"
                )


def _dependencies(name: str, waiting: Mapping[str, Sync]) -> set[str]:
    """`name` and every sync that it waits for, near or far."""
    names: set[str] = set()
    ahead = [name]
    while ahead:
        next_name = ahead.pop()
        if next_name not in names and next_name in waiting:
            names.add(next_name)
            ahead.extend(tie.via for tie in waiting[next_name].associations)
    return names


def _associations(sync: Sync, syncs: Mapping[str, Sync]) -> Iterator[Fault]:
    for number, tie in enumerate(sync.associations):
        target_sync = syncs.get(tie.via)
        if target_sync is None:
            fix = suggestion(tie.via, syncs, "write the name of a sync in syncs/")
            yield sync.fault(("associations", number, "via"), "unknown-sync", f"there is no sync `{tie.via}`", fix)
        elif target_sync.to.object != tie.to_object or target_sync.to.system != sync.to.system:
            cause = f"`{tie.via}` keeps `{target_sync.to.object}` of `{target_sync.to.system}`, not `{tie.to_object}` of `{sync.to.system}`"
            fix = f"write `to: {target_sync.to.object}`, or another `via`"
            if target_sync.to.system != sync.to.system:
                fix = f"write a `via` that keeps `{tie.to_object}` of `{sync.to.system}`"
            yield sync.fault(("associations", number, "to"), "association", cause, fix)
