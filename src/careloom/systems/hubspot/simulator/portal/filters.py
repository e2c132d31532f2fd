"""The filters of a search request, checked and compiled into one question that a record answers with yes or no."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import translate
from typing import Any, NamedTuple

from careloom.systems.hubspot.simulator.portal.associations import Associations
from careloom.systems.hubspot.simulator.portal.definitions import Kind
from careloom.systems.hubspot.simulator.portal.record import Record
from careloom.systems.hubspot.simulator.portal.records import Table
from careloom.systems.hubspot.simulator.portal.sorted_index import comparable, sort_key
from careloom.systems.hubspot.simulator.responses import Json, invalid
from careloom.systems.hubspot.simulator.settings import (
    BAD_SEARCH,
    MOST_FILTER_GROUPS,
    MOST_FILTERS,
    MOST_FILTERS_IN_GROUP,
    TOO_MANY_FILTERS,
)

Question = Callable[[Record], bool]

_TOKENS = re.compile(r"[^\w]+")
_COMPARED: Mapping[str, Callable[[Any, Any], bool]] = {
    "GT": operator.gt,
    "GTE": operator.ge,
    "LT": operator.lt,
    "LTE": operator.le,
}
_PRESENCE = frozenset({"HAS_PROPERTY", "NOT_HAS_PROPERTY"})
_LISTED = frozenset({"IN", "NOT_IN"})
_OPERATORS = frozenset(
    {"EQ", "NEQ", "BETWEEN", "CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN", *_COMPARED, *_PRESENCE, *_LISTED}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """One condition of a search."""

    name: str
    operator: str
    value: str = ""
    high: str = ""
    values: tuple[str, ...] = ()


Groups = tuple[tuple[Filter, ...], ...]


class AssociationLookup(NamedTuple):
    """What filters on associations look at: the portal's ties, and an object's definition by its name."""

    associations: Associations
    kind_of: Callable[[str], Kind]


def parse(table: Table, body: Json) -> Groups:
    """The filter groups of a request: any of the groups, all of each one's filters. A refusal where they are wrong."""
    groups = body.get("filterGroups") or []
    if flat := body.get("filters"):
        groups = [*groups, {"filters": flat}]
    sizes = [len(group.get("filters") or ()) for group in groups]
    if len(groups) > MOST_FILTER_GROUPS or sum(sizes) > MOST_FILTERS or max(sizes, default=0) > MOST_FILTERS_IN_GROUP:
        raise invalid(TOO_MANY_FILTERS)
    return tuple(tuple(_filter(table, entry) for entry in group.get("filters") or ()) for group in groups)


def _filter(table: Table, entry: Json) -> Filter:
    name, operator = str(entry.get("propertyName", "")), str(entry.get("operator", ""))
    values = entry.get("values")
    filter_ = Filter(
        name=name,
        operator=operator,
        value=_text(entry.get("value")),
        high=_text(entry.get("highValue")),
        values=tuple(_text(value) for value in values or ()),
    )
    is_known = name in table.kind.properties or (name.startswith("associations.") and not table.kind.custom)
    complete = (
        operator in _PRESENCE
        or (operator in _LISTED and bool(values))
        or (operator not in _LISTED and filter_.value != "" and (operator != "BETWEEN" or filter_.high != ""))
    )
    if not is_known or operator not in _OPERATORS or not complete:
        raise invalid(BAD_SEARCH)
    return filter_


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def compile_groups(associations: AssociationLookup, table: Table, groups: Groups) -> Question | None:
    """One question for all groups; None if every record answers yes."""
    questions = [[question(associations, table, filter_) for filter_ in group] for group in groups]
    if not questions or any(not group for group in questions):
        return None
    if len(questions) == 1:
        only = questions[0]
        return only[0] if len(only) == 1 else _all_of(only)
    every = [_all_of(group) for group in questions]
    return lambda record: any(group(record) for group in every)


def _all_of(questions: Sequence[Question]) -> Question:
    return lambda record: all(question_(record) for question_ in questions)


def question(associations: AssociationLookup, table: Table, filter_: Filter) -> Question:
    """What one filter asks of a record."""
    name = filter_.name
    if name.startswith("associations."):
        return _associated_with(associations, table, filter_)
    if filter_.operator in _PRESENCE:
        has_value = filter_.operator == "HAS_PROPERTY"
        return lambda record: bool(record.values.get(name)) is has_value
    if filter_.operator in {"CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN"}:
        return _containing(filter_)
    if filter_.operator in _LISTED:
        return _in_values(table, filter_)
    return _comparing(table, filter_)


def _comparing(table: Table, filter_: Filter) -> Question:
    kind, name = table.kind, filter_.name
    if filter_.operator in {"EQ", "NEQ"} and name in kind.multiple:
        # One of several choices: equal means that it is among them.
        return _in_values(
            table, replace(filter_, operator="IN" if filter_.operator == "EQ" else "NOT_IN", values=(filter_.value,))
        )
    low = comparable_value(table, name, filter_.value)
    if filter_.operator == "BETWEEN":
        high = comparable_value(table, name, filter_.high)
        return lambda record: (key := sort_key(kind, name, record)) is not None and low <= key <= high
    if filter_.operator == "EQ":
        return lambda record: sort_key(kind, name, record) == low
    if filter_.operator == "NEQ":
        return lambda record: (key := sort_key(kind, name, record)) is not None and key != low
    compare = _COMPARED[filter_.operator]
    return lambda record: (key := sort_key(kind, name, record)) is not None and compare(key, low)


def comparable_value(table: Table, name: str, value: str) -> Any:
    """An asked value in the form in which stored ones are compared; a refusal where it has none."""
    try:
        return comparable(table.kind, name, value)
    except ValueError:
        raise invalid(BAD_SEARCH) from None


def _in_values(table: Table, filter_: Filter) -> Question:
    kind, name, inside = table.kind, filter_.name, filter_.operator == "IN"
    definition = kind.properties[name]
    if definition.type in {"number", "date", "datetime"}:
        choices: set[Any] = {comparable_value(table, name, value) for value in filter_.values}
    else:
        # Stored text is compared in lower case with values as they were sent: the vendor wants those in lower case.
        choices = set(filter_.values)
    if name in kind.multiple:
        return lambda record: (not choices.isdisjoint(record.values.get(name, "").split(";"))) is inside
    return lambda record: (sort_key(kind, name, record) in choices) is inside


def _containing(filter_: Filter) -> Question:
    name, contains_token = filter_.name, filter_.operator == "CONTAINS_TOKEN"
    pattern = re.compile(translate(filter_.value.lower()))

    def contains(record: Record) -> bool:
        value = record.values.get(name, "").lower()
        hit = bool(pattern.match(value)) or any(pattern.match(token) for token in _TOKENS.split(value) if token)
        return hit is contains_token

    return contains


def _associated_with(associations: AssociationLookup, table: Table, filter_: Filter) -> Question:
    ends = (table.kind.id, associations.kind_of(filter_.name.removeprefix("associations.")).id)
    record_ids = {filter_.value, *filter_.values} - {""}
    ties, has = associations.associations, filter_.operator in {"EQ", "IN", "HAS_PROPERTY"}
    if filter_.operator in _PRESENCE:
        return lambda record: bool(ties.of_record(ends, record.id)) is has
    return lambda record: (not record_ids.isdisjoint(ties.of_record(ends, record.id))) is has


def matching(table: Table, query: str) -> Question:
    """Whether a record has every word of a free-text query at the start of a word of its searchable properties."""
    words = [word for word in _TOKENS.split(query.lower()) if word]
    names = table.kind.searchable

    def matches(record: Record) -> bool:
        text = " ".join(record.values.get(name, "") for name in names).lower()
        tokens = _TOKENS.split(text)
        return all(any(token.startswith(word) for token in tokens) for word in words)

    return matches
