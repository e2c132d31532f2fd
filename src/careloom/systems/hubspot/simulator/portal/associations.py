"""Ties between records: which types there are between two objects, and which records are tied."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from careloom.systems.hubspot.simulator.portal.definitions import DEFAULTS, Kind
from careloom.systems.hubspot.simulator.portal.record import Record
from careloom.systems.hubspot.simulator.responses import Json, invalid
from careloom.systems.hubspot.simulator.settings import FIRST_FREE_ASSOCIATION_TYPE, LEAD_ALONE

# Gives the live record of a type id and an id, merges followed.
Current = Callable[[str, str], Record | None]

OURS = "HUBSPOT_DEFINED"
THEIRS = "USER_DEFINED"


class AssociationType(NamedTuple):
    """One association type in one direction. `label` None is the unlabelled one; `inverse` its other direction."""

    id: int
    category: str
    label: str | None
    name: str | None
    from_object: str
    to_object: str
    inverse: int


class NewAssociation(NamedTuple):
    """A tie that was asked for and may be made."""

    to_object: str
    to_id: str
    types: frozenset[int]


@dataclass(slots=True, kw_only=True)
class Associations:
    """All associations of the portal; every tie is kept in both directions. Objects are named by their type id."""

    types: dict[int, AssociationType] = field(default_factory=dict)
    by_ends: dict[tuple[str, str], dict[str, dict[str, set[int]]]] = field(default_factory=dict)
    next_type: int = FIRST_FREE_ASSOCIATION_TYPE

    def load_defaults(self, kind_of: Callable[[str], Kind]) -> None:
        """Know the vendor's own types; `kind_of` gives an object's definition by its name."""
        for from_name, to_name, number, label, inverse in DEFAULTS["associations"]:
            ends = kind_of(from_name).id, kind_of(to_name).id
            self._register(ends, (number, inverse), OURS, (label, label), None)

    def add_type(
        self, ends: tuple[str, str], category: str, labels: tuple[str | None, str | None], name: str
    ) -> AssociationType:
        """Make a type and its inverse, with the next free numbers."""
        number = self.next_type
        is_symmetric = ends[0] == ends[1] and labels[0] == labels[1]
        self.next_type += 1 if is_symmetric else 2
        self._register(ends, (number, number if is_symmetric else number + 1), category, labels, name)
        return self.types[number]

    def _register(
        self,
        ends: tuple[str, str],
        numbers: tuple[int, int],
        category: str,
        labels: tuple[str | None, str | None],
        name: str | None,
    ) -> None:
        (from_object, to_object), (number, inverse) = ends, numbers
        self.types[number] = AssociationType(number, category, labels[0], name, from_object, to_object, inverse)
        self.types[inverse] = AssociationType(inverse, category, labels[1], name, to_object, from_object, number)

    def between(self, from_object: str, to_object: str) -> list[AssociationType]:
        """The types from one object to another; an unlabelled one is made where none exists."""
        types = [
            type_ for type_ in self.types.values() if (type_.from_object, type_.to_object) == (from_object, to_object)
        ]
        if not any(type_.label is None for type_ in types):
            name = f"{from_object}_to_{to_object}"
            types.insert(0, self.add_type((from_object, to_object), OURS, (None, None), name))
        return types

    def default(self, from_object: str, to_object: str) -> AssociationType:
        """The unlabelled type from one object to another."""
        return next(type_ for type_ in self.between(from_object, to_object) if type_.label is None)

    # ------------------------------------------------------------ tying

    def associate(self, ends: tuple[str, str], ids: tuple[str, str], types: Iterable[int]) -> None:
        """Tie two records with these types, and the unlabelled one with them."""
        numbers = {*types, self.default(*ends).id}
        self._cell(ends, ids).update(numbers)
        self._cell(ends[::-1], ids[::-1]).update(self.types[number].inverse for number in numbers)

    def disassociate(self, ends: tuple[str, str], ids: tuple[str, str], types: Iterable[int] | None = None) -> None:
        """Remove these types (None: every one); without the unlabelled one nothing remains."""
        numbers = self.types_of(ends, ids) if types is None else set(types)
        if self.default(*ends).id in numbers:
            numbers = self.types_of(ends, ids)
        self._remove_types(ends, ids, numbers)
        self._remove_types(
            ends[::-1], ids[::-1], {self.types[number].inverse for number in numbers if number in self.types}
        )

    def types_of(self, ends: tuple[str, str], ids: tuple[str, str]) -> set[int]:
        """The types by which two records are tied."""
        return set(self.by_ends.get(ends, {}).get(ids[0], {}).get(ids[1], ()))

    def of_record(self, ends: tuple[str, str], record_id: str) -> dict[str, set[int]]:
        """What a record is tied to: ids of the other object, each with its types."""
        return self.by_ends.get(ends, {}).get(record_id, {})

    def _cell(self, ends: tuple[str, str], ids: tuple[str, str]) -> set[int]:
        return self.by_ends.setdefault(ends, {}).setdefault(ids[0], {}).setdefault(ids[1], set())

    def _remove_types(self, ends: tuple[str, str], ids: tuple[str, str], numbers: set[int]) -> None:
        types_by_record = self.of_record(ends, ids[0])
        if ids[1] in types_by_record:
            types_by_record[ids[1]] -= numbers
            if not types_by_record[ids[1]]:
                del types_by_record[ids[1]]

    def forget(self, kind: Kind, record_id: str) -> None:
        """Remove every tie of a record."""
        for ends in [pair for pair in self.by_ends if pair[0] == kind.id]:
            for other_id in list(self.of_record(ends, record_id)):
                self.disassociate(ends, (record_id, other_id))

    def move(self, kind: Kind, old_id: str, new_id: str) -> None:
        """Give a record's ties to another (a merge)."""
        for ends in [pair for pair in self.by_ends if pair[0] == kind.id]:
            for other_id, types in list(self.of_record(ends, old_id).items()):
                self.associate(ends, (new_id, other_id), types)
        self.forget(kind, old_id)

    # ------------------------------------------------------------ ties asked for with a new record

    def type_of_spec(self, spec: Json) -> AssociationType | None:
        """The type that a request means; None if there is no such type."""
        number = spec.get("associationTypeId")
        return self.types.get(int(str(number))) if str(number).isdigit() else None

    def check_new(self, current: Current, kind: Kind, entries: Any) -> list[NewAssociation]:
        """The ties of a create request; a refusal where one cannot be made."""
        if not entries:
            if kind.name == "leads":
                raise invalid(LEAD_ALONE)
            return []
        return [self._new_association(current, kind, entry) for entry in entries]

    def _new_association(self, current: Current, kind: Kind, entry: Json) -> NewAssociation:
        types = [self.type_of_spec(spec) for spec in entry.get("types") or ()]
        target = next((type_.to_object for type_ in types if type_ is not None), None)
        if target is None or any(type_ is None or type_.from_object != kind.id for type_ in types):
            raise invalid(f"One or more association types are not valid from {kind.id}")
        to_id = str((entry.get("to") or {}).get("id"))
        record = current(target, to_id)
        if record is None:
            raise invalid(f"No {target} with ID {to_id} exists")
        return NewAssociation(target, record.id, frozenset(type_.id for type_ in types if type_ is not None))

    def associate_all(self, kind: Kind, record_id: str, ties: Iterable[NewAssociation]) -> None:
        """Make the ties that `check_new` found good."""
        for tie in ties:
            self.associate((kind.id, tie.to_object), (record_id, tie.to_id), tie.types)
