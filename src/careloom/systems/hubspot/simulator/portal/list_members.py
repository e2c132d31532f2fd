"""Who is in them, and the filters by which a dynamic one chooses its members.

A record that is archived leaves its lists; of two merged records the surviving one is in theirs. Filters on properties are
evaluated; every other kind of filter is refused, since a list that is not evaluated would say that no one is in it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from careloom.systems.hubspot.simulator.portal.filters import AssociationLookup, Filter, Question, question
from careloom.systems.hubspot.simulator.portal.portal import Portal
from careloom.systems.hubspot.simulator.portal.records import Table
from careloom.systems.hubspot.simulator.portal.segments import DYNAMIC, Segment
from careloom.systems.hubspot.simulator.responses import Json, invalid

_SEARCHED: Mapping[str, str] = {
    "IS_EQUAL_TO": "IN",
    "IS_ANY_OF": "IN",
    "IS": "IN",
    "IS_NOT_EQUAL_TO": "NOT_IN",
    "IS_NONE_OF": "NOT_IN",
    "IS_NOT": "NOT_IN",
    "IS_GREATER_THAN": "GT",
    "IS_GREATER_THAN_OR_EQUAL_TO": "GTE",
    "IS_LESS_THAN": "LT",
    "IS_LESS_THAN_OR_EQUAL_TO": "LTE",
    "IS_BETWEEN": "BETWEEN",
    "IS_KNOWN": "HAS_PROPERTY",
    "IS_UNKNOWN": "NOT_HAS_PROPERTY",
}
_TEXTUAL: Mapping[str, Callable[[str, str], bool]] = {
    "CONTAINS": lambda value, part: part in value,
    "DOES_NOT_CONTAIN": lambda value, part: part not in value,
    "STARTS_WITH": str.startswith,
    "ENDS_WITH": str.endswith,
}


def add(portal: Portal, segment: Segment) -> Segment:
    """Keep a new list, and choose the members of one that has filters."""
    portal.segments.add(segment)
    if segment.branch is not None:
        choose(portal, segment)
    return segment


def add_member(portal: Portal, segment: Segment, record_id: str) -> None:
    """Put a record into a list."""
    now = portal.now()[1]
    first = segment.members.get(record_id, (now, now))[0]
    segment.members[record_id] = (first, now)


def members(portal: Portal, segment: Segment) -> dict[str, tuple[str, str]]:
    """Who is in a list now."""
    if segment.processing == DYNAMIC:
        choose(portal, segment)
        return segment.members
    table = portal.tables[segment.object_type]
    live_members: dict[str, tuple[str, str]] = {}
    for record_id, moments in segment.members.items():
        record = table.current(record_id)
        if record is not None:
            live_members.setdefault(record.id, moments)
    segment.members = live_members
    return live_members


def choose(portal: Portal, segment: Segment) -> None:
    """Make the members of a list those that its filters choose."""
    table = portal.tables[segment.object_type]
    fits = compile_branch(portal, table, segment.branch or {})
    matches = {record.id: None for record in table.records.values() if fits(record)}
    segment.members = {record_id: moments for record_id, moments in segment.members.items() if record_id in matches}
    for record_id in matches:
        if record_id not in segment.members:
            add_member(portal, segment, record_id)


# ---------------------------------------------------------------- filters


def compile_branch(portal: Portal, table: Table, branch: Json) -> Question:
    """What a filter branch asks of a record; a refusal where it cannot be evaluated."""
    kind = branch.get("filterBranchType")
    if kind not in {"AND", "OR"}:
        raise invalid(f"The simulator does not evaluate list filters of type {kind}")
    parts = [compile_branch(portal, table, branch_) for branch_ in branch.get("filterBranches") or ()]
    parts += [_filter(portal, table, filter_) for filter_ in branch.get("filters") or ()]
    if kind == "AND":
        return lambda record: all(part(record) for part in parts)
    return lambda record: any(part(record) for part in parts)


def _filter(portal: Portal, table: Table, body: Json) -> Question:
    name, operation = str(body.get("property", "")), body.get("operation") or {}
    operator = str(operation.get("operator"))
    if body.get("filterType") != "PROPERTY" or (operator not in _SEARCHED and operator not in _TEXTUAL):
        raise invalid(f"The simulator does not evaluate the list filter {body.get('filterType')} {operator}")
    if name not in table.kind.properties:
        raise invalid(f'Property "{name}" does not exist')
    texts = [str(value).lower() if isinstance(value, bool) else str(value) for value in _values(operation)]
    if operator in _TEXTUAL:
        compare = _TEXTUAL[operator]
        fits: Question = lambda record: any(compare(record.values[name].lower(), text.lower()) for text in texts)  # noqa: E731
    else:
        fits = question(
            AssociationLookup(portal.associations, portal.kind),
            table,
            _search_filter(table, name, _SEARCHED[operator], texts),
        )
    if operator in {"IS_KNOWN", "IS_UNKNOWN"}:
        return fits
    empty = bool(operation.get("includeObjectsWithNoValueSet"))
    return lambda record: fits(record) if record.values.get(name) else empty


def _values(operation: Json) -> list[Any]:
    if operation.get("operator") == "IS_BETWEEN":
        return [operation.get("lowerBound"), operation.get("upperBound")]
    values = operation.get("values")
    return list(values) if values is not None else [operation.get("value", "")]


def _search_filter(table: Table, name: str, operator: str, texts: list[str]) -> Filter:
    if operator in {"IN", "NOT_IN"}:
        ignores_case = table.kind.properties[name].type != "enumeration"
        return Filter(
            name=name, operator=operator, values=tuple(text.lower() if ignores_case else text for text in texts)
        )
    return Filter(name=name, operator=operator, value=texts[0], high=texts[-1])
