"""From what was written to the model: expressions parsed, defaults resolved, roles inferred."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from careloom.core.errors import Fault
from careloom.core.phi import Phi
from careloom.core.schema import NewObject
from careloom.project.expressions import read_expression
from careloom.project.model import AssociationSpec, Field, From, Sync, To
from careloom.project.nodes import YamlNode
from careloom.project.roles import inferred_phi, inferred_role
from careloom.project.schedules import Schedule
from careloom.project.schema import WrittenField, WrittenSync, WrittenTo


def build_sync(document: WrittenSync, node: YamlNode, default: Schedule | None) -> tuple[Sync | None, list[Fault]]:
    """The sync, or the faults of its expressions. `default` is the project's schedule."""
    faults: list[Fault] = []
    fields = {
        name: field
        for name, entry in document.fields.items()
        if (field := _field(name, entry, document, node, faults)) is not None
    }
    associations = tuple(
        AssociationSpec(to_object=tie.to, via=tie.via, key=tie.key, label=tie.label, expression=expression)
        for number, tie in enumerate(document.associations)
        if (expression := _parse(tie.key, node.at("associations", number, "key"), faults)) is not None
    )
    if faults:
        return None, faults
    read = document.from_
    sync = Sync(
        name=document.sync,
        source=From(
            system=read.system,
            key=read.key,
            table=read.table,
            sql=read.sql,
            cursor=read.cursor,
            look_back=read.look_back,
        ),
        to=_to(document.to),
        fields=_one_for_each_role(fields, document.fields),
        match=tuple(tuple(tier) for tier in document.match),
        unmatched=document.unmatched,
        missing=document.missing,
        archive_limit=document.archive_limit,
        accept=document.accept,
        associations=associations,
        schedule=document.schedule or default,
        file=node.place.file,
        node=node,
    )
    return sync, []


def _to(section: WrittenTo) -> To:
    admits = Phi.named(section.admits)
    create = section.create
    if create is None:
        return To(system=section.system, object=section.object, key=section.key, admits=admits)
    new = NewObject(
        label=create.label,
        plural_label=create.plural_label,
        primary_property=create.primary,
        secondary_properties=tuple(create.secondary),
        searchable_properties=tuple(create.searchable),
        required_properties=tuple(create.required),
        associated_objects=tuple(create.associated),
    )
    return To(system=section.system, object=section.object, key=section.key, admits=admits, create=new)


def _parse(text: str, node: YamlNode, faults: list[Fault]) -> str | None:
    expression = read_expression(text)
    if isinstance(expression, list):
        faults.extend(
            node.inside(mistake.line, mistake.column).fault(mistake.code, mistake.cause, mistake.fix)
            for mistake in expression
        )
        return None
    return expression


def _field(name: str, entry: WrittenField, sync: WrittenSync, node: YamlNode, faults: list[Fault]) -> Field | None:
    expression = _parse(entry.from_, node.at("fields", name, "from"), faults)
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


def _one_for_each_role(fields: dict[str, Field], entries: Mapping[str, WrittenField]) -> dict[str, Field]:
    """A role guessed twice stays with the first field; what was said outranks what was guessed. Phones may be many."""
    named_roles = {entry.role: name for name, entry in reversed(list(entries.items())) if entry.role}
    used_roles: set[str] = set()
    resolved_fields: dict[str, Field] = {}
    for name, field in fields.items():
        is_guess = entries[name].role is None
        double = (
            field.role is not None and field.role != "phone" and (field.role in used_roles or field.role in named_roles)
        )
        resolved_fields[name] = replace(field, role=None) if is_guess and double else field
        if field.role:
            used_roles.add(field.role)
    return resolved_fields
