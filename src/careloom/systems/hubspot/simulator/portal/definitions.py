"""What the portal's objects are: their names, properties, pipelines and groups, and the rules compiled from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

import orjson

from careloom.systems.hubspot.simulator.portal import values
from careloom.systems.hubspot.simulator.portal.values import Rule
from careloom.systems.hubspot.simulator.responses import Json
from careloom.systems.hubspot.simulator.settings import PORTAL_ID

DEFAULTS: Json = orjson.loads(files(__package__).joinpath("defaults.json").read_bytes())


@dataclass(slots=True, kw_only=True)
class Definition:
    """One property, as the properties API describes it. `reference` names the source of external options."""

    name: str
    type: str
    field_type: str
    label: str
    group: str
    description: str = ""
    options: list[Json] = field(default_factory=list)
    read_only: bool = False
    calculated: bool = False
    unique: bool = False
    mail: bool = False
    reference: str = ""
    sensitivity: str = "non_sensitive"
    categories: list[str] = field(default_factory=list)
    hubspot_defined: bool = True
    form_field: bool = False
    hidden: bool = False
    display_order: int = -1
    archived: bool = False
    created_at: str = "2019-08-06T02:41:08.029Z"
    updated_at: str = "2019-08-06T02:41:08.029Z"

    def option_values(self) -> tuple[str, ...]:
        """The internal values that an enumeration admits, in display order."""
        return tuple(option["value"] for option in self.options)

    def payload(self) -> Json:
        """The definition as the properties API answers it."""
        return {
            "updatedAt": self.updated_at,
            "createdAt": self.created_at,
            "name": self.name,
            "label": self.label,
            "type": self.type,
            "fieldType": self.field_type,
            "description": self.description,
            "groupName": self.group,
            "options": self.options,
            "displayOrder": self.display_order,
            "calculated": self.calculated,
            "externalOptions": bool(self.reference),
            "archived": self.archived,
            "hasUniqueValue": self.unique,
            "hidden": self.hidden,
            "hubspotDefined": self.hubspot_defined,
            "modificationMetadata": {
                "archivable": not self.hubspot_defined,
                "readOnlyDefinition": self.hubspot_defined,
                "readOnlyValue": self.read_only,
            },
            "formField": self.form_field,
            "dataSensitivity": self.sensitivity,
            **({"sensitiveDataCategories": self.categories} if self.categories else {}),
        }


def compile_rule(definition: Definition) -> Rule:
    """The rule of one property; `values.text` for plain text, so that writers can pass it by."""
    if definition.read_only or definition.calculated:
        return values.read_only(definition.name)
    if definition.mail:
        return values.mail
    plain: Mapping[str, Rule] = {
        "number": values.number,
        "date": values.day,
        "datetime": values.instant,
        "bool": values.truth,
    }
    if definition.type == "enumeration" and definition.options:
        several = definition.field_type == "checkbox"
        return (values.some_of if several else values.one_of)(definition.option_values())
    # Enumerations without options of their own take what owners, pipelines and the like provide.
    return plain.get(definition.type, values.text)


@dataclass(slots=True, kw_only=True)
class Stage:
    """One stage of a pipeline."""

    id: str
    label: str
    metadata: dict[str, str]


@dataclass(slots=True, kw_only=True)
class Pipeline:
    """A pipeline with its stages in order."""

    id: str
    label: str
    stages: list[Stage]


@dataclass(slots=True, kw_only=True)
class Kind:
    """One object type of the portal. `names` are all the ways in which a path may spell it."""

    id: str
    name: str
    singular: str
    plural: str
    created_property: str
    modified_property: str
    primary: str
    default: Sequence[str]
    searchable: Sequence[str]
    names: frozenset[str]
    secondary: Sequence[str] = ()
    required_properties: Sequence[str] = ()
    unique_allowed: bool = True
    custom: bool = False
    activity: bool = False
    properties: dict[str, Definition] = field(default_factory=dict)
    archived_properties: dict[str, Definition] = field(default_factory=dict)
    groups: dict[str, Json] = field(default_factory=dict)
    pipelines: list[Pipeline] = field(default_factory=list)
    rules: dict[str, Rule] = field(default_factory=dict)
    multiple: frozenset[str] = frozenset()
    sensitive: frozenset[str] = frozenset()
    stage_property: str = ""
    pipeline_property: str = ""

    @property
    def upper_name(self) -> str:
        """How errors and schemas spell the object, such as LINE_ITEM."""
        return self.singular.upper().replace(" ", "_")

    @property
    def coordinates(self) -> str:
        """How the vendor's Java writes the object type in an error about a taken value."""
        if self.custom or self.id not in {"0-1", "0-2", "0-3", "0-5"}:
            return f"innerId={self.id}"
        return f"legacyObjectType={self.upper_name}"

    def unique_names(self) -> list[str]:
        """Properties whose values only one record may hold."""
        return [name for name, definition in self.properties.items() if definition.unique or definition.mail]

    def add(self, definition: Definition) -> None:
        """Put a property in, or change it."""
        self.properties[definition.name] = definition
        self.compile()

    def compile(self) -> None:
        """Derive the writers' tables; call after every change of `properties`."""
        self.rules = {name: compile_rule(definition) for name, definition in self.properties.items()}
        every = self.properties.values()
        self.multiple = frozenset(
            definition.name
            for definition in every
            if definition.field_type == "checkbox" and definition.type == "enumeration"
        )
        self.sensitive = frozenset(definition.name for definition in every if definition.sensitivity != "non_sensitive")


def default_kinds() -> dict[str, Kind]:
    """The portal's standard objects by their plural name, with the vendor's own properties."""
    return {name: _kind(name, entry) for name, entry in DEFAULTS["objects"].items()}


def _kind(name: str, entry: Json) -> Kind:
    singular, plural = entry["singular"], entry["plural"]
    spelling = singular.lower().replace(" ", "_")
    group = f"{spelling.replace('_', '')}information"
    kind = Kind(
        id=entry["id"],
        name=name,
        singular=singular,
        plural=plural,
        created_property=entry["created"],
        modified_property=entry["modified"],
        primary=entry["primary"],
        default=entry["default"],
        searchable=entry["searchable"],
        unique_allowed=entry["unique"],
        required_properties=entry.get("required", ()),
        activity=entry.get("activity", False),
        names=frozenset({name, entry["id"], spelling}),
        groups={group: {"name": group, "label": f"{singular} information", "displayOrder": -1, "archived": False}},
        pipelines=[_pipeline(row) for row in DEFAULTS["pipelines"].get(name, ())],
    )
    common = DEFAULTS["common"] if entry.get("common") else ()
    for row in sorted([*entry["properties"], *common]):
        definition = _definition(row, group)
        kind.properties[definition.name] = definition
        flags = row[4]
        kind.stage_property = definition.name if "s" in flags else kind.stage_property
        kind.pipeline_property = definition.name if "p" in flags else kind.pipeline_property
    kind.compile()
    return kind


def _definition(row: Sequence[Any], group: str) -> Definition:
    name, type_, field_type, label, flags = row[:5]
    reference = {"o": "OWNER", "p": "PIPELINE", "s": "STAGE"}
    return Definition(
        name=name,
        type=type_,
        field_type=field_type,
        label=label,
        group=group,
        options=options_of(row[5] if len(row) > len(("name", "type", "field", "label", "flags")) else ()),
        read_only="r" in flags,
        calculated="c" in flags,
        mail="m" in flags,
        reference=next((meaning for flag, meaning in reference.items() if flag in flags), ""),
        form_field=not flags,
    )


def options_of(names: Sequence[str]) -> list[Json]:
    """Options of an enumeration, from their internal values."""
    return [
        {"label": name.replace("_", " ").capitalize(), "value": name, "displayOrder": index, "hidden": False}
        for index, name in enumerate(names)
    ]


def _pipeline(row: Sequence[Any]) -> Pipeline:
    id_, label, stages = row
    return Pipeline(
        id=id_, label=label, stages=[Stage(id=stage_id, label=text, metadata=dict(m)) for stage_id, text, m in stages]
    )


def custom_names(name: str, number: int) -> frozenset[str]:
    """Every spelling by which a custom object is addressed."""
    return frozenset({name, f"p_{name}", f"p{PORTAL_ID}_{name}", f"2-{number}"})
