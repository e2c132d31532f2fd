"""What a destination object looks like: its properties and what each admits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

PropertyType = Literal["string", "number", "date", "datetime", "bool", "enumeration"]
Sensitivity = Literal["non_sensitive", "sensitive", "highly_sensitive"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TextForm:
    """The text in which a system's values travel, both ways. Days are ISO dates, numbers plain decimals.

    `moment`: DuckDB's strftime pattern, in UTC. `clear`: what empties a property. `list_separator` stands between several
    options of one property, and between the values of an alias.
    """

    list_separator: str = ";"
    moment: str = "%Y-%m-%dT%H:%M:%S.%gZ"
    true: str = "true"
    false: str = "false"
    clear: str = ""


PLAIN = TextForm()
"""The form of a system whose room states none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Property:
    """One property of a destination object.

    `unique`: the system lets only one record hold a value. `aliases`: further properties whose values count against the
    same uniqueness (secondary mails), each a list joined by the text form's separator. `key`: usable to address a record instead of its id.
    `max_length` counts characters.
    """

    name: str
    type: PropertyType
    label: str = ""
    group: str = ""
    description: str = ""
    options: tuple[str, ...] = ()
    multiple: bool = False
    unique: bool = False
    key: bool = False
    aliases: tuple[str, ...] = ()
    read_only: bool = False
    max_length: int | None = None
    sensitivity: Sensitivity = "non_sensitive"


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectShape:
    """A destination object as the remote system describes it now."""

    name: str
    properties: Mapping[str, Property]
    required_properties: frozenset[str] = frozenset()
    requires_one_of: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectDeclaration:
    """What a project wants a destination object to have; the missing part is created by `Declaring.declare`.

    `create` is None for an object that must exist already.
    """

    name: str
    properties: tuple[Property, ...]
    create: NewObject | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewObject:
    """The definition of a custom object that a project brings along."""

    label: str
    plural_label: str
    primary_property: str
    secondary_properties: tuple[str, ...] = ()
    searchable_properties: tuple[str, ...] = ()
    required_properties: tuple[str, ...] = ()
    associated_objects: tuple[str, ...] = field(default=())
