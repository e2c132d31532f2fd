"""Makes what a project declares and the portal lacks: custom objects, property groups, properties.

Another worker may do the same at the same moment: what turns out to exist already counts as made.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from careloom.core.errors import Fix, UsageFault
from careloom.core.schema import NewObject, ObjectDeclaration, Property
from careloom.systems.hubspot.client import bodies
from careloom.systems.hubspot.client.http import Client, refused
from careloom.systems.hubspot.client.paths import Paths
from careloom.systems.hubspot.target.objects import STANDARD_TYPES, Objects
from careloom.systems.hubspot.target.properties import DEFAULT_GROUP, definition_of, group_name
from careloom.systems.hubspot.target.records import BATCH, chunks
from careloom.systems.hubspot.target.schema_cache import SchemaCache
from careloom.vendor_kit.call import Answer, Call
from careloom.vendor_kit.status import CONFLICT


class Declarer:
    """Brings one portal up to a project's declarations."""

    def __init__(self, client: Client, paths: Paths, objects: Objects, shapes: SchemaCache) -> None:
        self._client = client
        self._paths = paths
        self._objects = objects
        self._shapes = shapes

    def declare(self, declaration: ObjectDeclaration) -> list[str]:
        """One line for each thing made, in the order in which it was made."""
        lines: list[str] = []
        shape = self._shapes.read(declaration.name)
        if shape is None:
            if declaration.create is None:
                raise UsageFault(
                    f"HubSpot has no object called {declaration.name!r}, and the project does not define it"
                )
            if self._make_object(declaration.name, declaration.create, declaration.properties):
                lines.append(f"created object {declaration.name}")
            shape = self._shapes.read(declaration.name)
        present = shape.properties if shape else {}
        lacking = [definition for definition in declaration.properties if definition.name not in present]
        if lacking:
            path = self._paths.properties(self._objects.wire_name(declaration.name))
            lines += self._make_groups(path, declaration.name, lacking)
            lines += self._make_properties(path, declaration.name, lacking)
            self._shapes.forget(declaration.name)
        return lines

    def _make_object(self, name: str, new: NewObject, properties: Sequence[Property]) -> bool:
        """The object with the properties that its definition names; the others follow with their groups."""
        names = {new.primary_property, *new.secondary_properties, *new.searchable_properties, *new.required_properties}
        first = [definition_of(property_) for property_ in properties if property_.name in names]
        for definition in first:
            del definition["groupName"]  # the groups of an object that does not exist yet do not exist either
        ties = [
            STANDARD_TYPES.get(property_) or self._objects.wire_name(property_) for property_ in new.associated_objects
        ]
        call = Call(
            method="POST",
            repeatable=True,
            path=self._paths.schemas(),
            gives=bodies.one(bodies.schema),
            body={
                "name": name.removeprefix("p_"),
                "labels": {"singular": new.label, "plural": new.plural_label},
                "primaryDisplayProperty": new.primary_property,
                "secondaryDisplayProperties": list(new.secondary_properties),
                "searchableProperties": list(new.searchable_properties),
                "requiredProperties": list(new.required_properties),
                "properties": first,
                "associatedObjects": ties,
                "allowsSensitiveProperties": any(property_.sensitivity != "non_sensitive" for property_ in properties),
            },
        )
        answer = self._client.send(call)
        self._objects.forget()
        if not answer.ok and not (_exists(answer) and self._objects.custom(name)):
            raise refused(call, answer)
        return answer.ok

    def _make_groups(self, path: str, object_name: str, properties: Sequence[Property]) -> Iterator[str]:
        listing = self._client.expect(Call(method="GET", path=f"{path}/groups", gives=bodies.listing(bodies.named)))
        present = {str(definition["name"]) for definition in listing.get("results") or ()}
        for label in dict.fromkeys(definition.group or DEFAULT_GROUP for definition in properties):
            name = group_name(label)
            if name in present:
                continue
            present.add(name)
            call = Call(
                method="POST",
                repeatable=True,
                path=f"{path}/groups",
                body={"name": name, "label": label},
                gives=bodies.one(bodies.named),
            )
            answer = self._client.send(call)
            if answer.ok:
                yield f"created group {name} of {object_name}"
            elif not _exists(answer):
                raise refused(call, answer)

    def _make_properties(self, path: str, object_name: str, properties: Sequence[Property]) -> list[str]:
        reasons: list[Fix] = []
        names_made: set[str] = set()
        for chunk in chunks(properties, BATCH):
            call = Call(
                method="POST",
                repeatable=True,
                path=f"{path}/batch/create",
                body={"inputs": [definition_of(definition) for definition in chunk]},
                gives=bodies.listing(bodies.definition),
            )
            answer = self._client.send(call)
            names_made |= {str(definition["name"]) for definition in answer.body.get("results") or ()}
            reasons += [] if answer.ok and not answer.body.get("errors") else [refused(call, _first_error(answer))]
        # What is there now counts, whoever made it and whatever the answer said.
        shape = self._shapes.read(object_name)
        lacking = [definition for definition in properties if shape is None or definition.name not in shape.properties]
        if lacking and reasons and len(properties) > 1:
            names_made |= self._one_by_one(path, lacking)
        elif lacking:
            names = ", ".join(definition.name for definition in lacking)
            raise reasons[0] if reasons else Fix(f"HubSpot did not create these properties of {object_name}: {names}")
        return [_line(object_name, definition) for definition in properties if definition.name in names_made]

    def _one_by_one(self, path: str, lacking: Sequence[Property]) -> set[str]:
        """A batch that was refused for one of its definitions: each alone, so that the fault names the right one."""
        names: set[str] = set()
        for definition in lacking:
            call = Call(
                method="POST",
                repeatable=True,
                path=path,
                body=definition_of(definition),
                gives=bodies.one(bodies.definition),
            )
            answer = self._client.send(call)
            if answer.ok:
                names.add(definition.name)
            elif not _exists(answer):
                raise Fix(f"property {definition.name}: {refused(call, answer)}")
        return names


def _line(object_name: str, definition: Property) -> str:
    traits = [
        definition.type,
        *(["unique"] if definition.unique else []),
        *([] if definition.sensitivity == "non_sensitive" else [definition.sensitivity]),
    ]
    return f"created property {object_name}.{definition.name} ({', '.join(traits)})"


def _exists(answer: Answer) -> bool:
    return answer.status == CONFLICT or "already exists" in answer.text("message").lower()


def _first_error(answer: Answer) -> Answer:
    """The first entry of a partly refused batch, as if it were the answer."""
    errors = answer.body.get("errors")
    body = errors[0] if answer.ok and isinstance(errors, list) and errors else answer.body
    return Answer(status=answer.status, headers=answer.headers, content=body)
