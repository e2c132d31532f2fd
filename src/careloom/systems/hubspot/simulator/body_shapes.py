"""What the fields of a request's body must be: an object, a list, text. Another kind of value is refused, as JSON unread.

Without this, a body that is wrong would be an internal error, which clients take for a reason to try again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from careloom.systems.hubspot.simulator.responses import Json, invalid
from careloom.systems.hubspot.simulator.settings import BAD_FIELD_TEXT

Shape = Callable[[Any], bool]


def _object(value: Any) -> bool:
    return isinstance(value, dict)


def _text(value: Any) -> bool:
    return isinstance(value, str | int | float)


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _objects(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(entry, dict) for entry in value)


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(_text(entry) for entry in value)


_SHAPES: Mapping[str, Shape] = {
    **dict.fromkeys(
        ("from", "filterBranch", "operation", "labels", "metadata", "fileImportPage", "importOperations"), _object
    ),
    **dict.fromkeys(
        (
            "inputs",
            "filterGroups",
            "filters",
            "filterBranches",
            "types",
            "associations",
            "stages",
            "options",
            "files",
            "columnMappings",
        ),
        _objects,
    ),
    **dict.fromkeys(("listIds", "processingTypes", "values", "recordIdsToAdd", "recordIdsToRemove"), _texts),
    **dict.fromkeys(
        ("propertiesWithHistory", "associatedObjects", "requiredProperties", "searchableProperties"), _texts
    ),
    **dict.fromkeys(("id", "idProperty", "objectTypeId", "propertyName", "operator", "property"), _text),
    **dict.fromkeys(("count", "offset"), _whole),
    "to": lambda value: _object(value) or _objects(value),
    "sorts": lambda value: _texts(value) or _objects(value),
    "properties": lambda value: _object(value) or _texts(value) or _objects(value),
}


def check(body: Json) -> None:
    """A refusal where a known field holds another kind of value; record properties are checked elsewhere."""
    for name, value in body.items():
        shape = _SHAPES.get(name)
        if shape is None or value is None:
            continue
        if not shape(value):
            raise invalid(BAD_FIELD_TEXT.format(name=name))
        if name == "properties":
            continue
        if isinstance(value, dict):
            check(value)
        elif isinstance(value, list):
            for entry in value:
                if isinstance(entry, dict):
                    check(entry)
