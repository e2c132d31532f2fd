"""From what was written to the model: expressions parsed, defaults resolved, roles inferred."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from careloom.core.errors import Fault
from careloom.core.phi import Phi
from careloom.core.schema import NewObject
from careloom.project.expressions import read_expression
from careloom.project.model import Association, Field, From, Sync, To
from careloom.project.nodes import YamlNode
from careloom.project.roles import inferred_phi, inferred_role
from careloom.project.schedules import Schedule
from careloom.project.schema import WrittenField, WrittenSync, WrittenTo


def build_sync(written: WrittenSync, node: YamlNode, default: Schedule | None) -> tuple[Sync | None, list[Fault]]:
    """The sync, or the faults of its expressions. `default` is the project's schedule."""
    faults: list[Fault] = []
    fields = {
        name: field
        for name, entry in written.fields.items()
        if (field := _field(name, entry, written, node, faults)) is not None
    }
    associations = tuple(
        Association(to=tie.to, via=tie.via, key=tie.key, label=tie.label, expression=expression)
        for number, tie in enumerate(written.associations)
        if (expression := _parsed(tie.key, node.at("associations", number, "key"), faults)) is not None
    )
    if faults:
        return None, faults
    read = written.from_
    sync = Sync(
        name=written.sync,
        source=From(
            system=read.system,
            key=read.key,
            table=read.table,
            sql=read.sql,
            cursor=read.cursor,
            look_back=read.look_back,
        ),
        to=_to(written.to),
        fields=_one_for_each_role(fields, written.fields),
        match=tuple(tuple(tier) for tier in written.match),
        unmatched=written.unmatched,
        missing=written.missing,
        archive_limit=written.archive_limit,
        accept=written.accept,
        associations=associations,
        schedule=written.schedule or default,
        file=node.place.file,
        node=node,
    )
    return sync, []


def _to(written: WrittenTo) -> To:
    admits = Phi.named(written.admits)
    create = written.create
    if create is None:
        return To(system=written.system, object=written.object, key=written.key, admits=admits)
    new = NewObject(
        label=create.label,
        plural_label=create.plural_label,
        primary_property=create.primary,
        secondary_properties=tuple(create.secondary),
        searchable_properties=tuple(create.searchable),
        required_properties=tuple(create.required),
        associated_objects=tuple(create.associated),
    )
    return To(system=written.system, object=written.object, key=written.key, admits=admits, create=new)


def _parsed(text: str, node: YamlNode, faults: list[Fault]) -> str | None:
    found = read_expression(text)
    if isinstance(found, list):
        faults.extend(
            node.inside(mistake.line, mistake.column).fault(mistake.code, mistake.cause, mistake.fix)
            for mistake in found
        )
        return None
    return found


def _field(name: str, entry: WrittenField, sync: WrittenSync, node: YamlNode, faults: list[Fault]) -> Field | None:
    expression = _parsed(entry.from_, node.at("fields", name, "from"), faults)
    if expression is None:
        return None
    role = entry.role or inferred_role(name, entry.type)
    return Field(
        property=name,
        source=entry.from_,
        expression=expression,
        type=entry.type,
        label=entry.label or name.replace("_", " ").capitalize(),
        group=entry.group or "",
        description=entry.description or "",
        options=tuple(entry.options or ()),
        values=entry.values or {},
        otherwise=entry.else_ or "hold",
        format=entry.format,
        phi=Phi.named(entry.phi) if entry.phi else inferred_phi(role),
        sensitivity=entry.sensitivity,
        owner=entry.owner or sync.owner,
        when_taken=entry.when_taken or f"shared_{name}",
        role=None if role == "none" else role,
        place=node.key_place("fields", name),
    )


def _one_for_each_role(fields: dict[str, Field], written: Mapping[str, WrittenField]) -> dict[str, Field]:
    """A role guessed twice stays with the first field; what was said outranks what was guessed. Phones may be many."""
    said = {entry.role: name for name, entry in reversed(list(written.items())) if entry.role}
    taken: set[str] = set()
    found: dict[str, Field] = {}
    for name, field in fields.items():
        guessed = written[name].role is None
        double = field.role is not None and field.role != "phone" and (field.role in taken or field.role in said)
        found[name] = replace(field, role=None) if guessed and double else field
        if field.role:
            taken.add(field.role)
    return found
