"""The language for editors: JSON Schema (draft 07) of careloom.yaml and of the files in syncs/, streams/, reports/ and charts/."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from careloom.core.rooms import Room
from careloom.project.written import Written, WrittenCharts, WrittenProject, WrittenReports, WrittenStream, WrittenSync

_DRAFT = "http://json-schema.org/draft-07/schema#"
# An editor reads `01` or `true` as another type than the loader, which keeps every scalar as text.
_SCALARS = ["string", "number", "boolean"]


def json_schema(rooms: Mapping[str, Room]) -> dict[str, dict[str, Any]]:
    """One schema for each kind of file, by the files it is for; `systems:` knows the options of every room."""
    project = _draft07(WrittenProject)
    project["properties"]["systems"] = {
        "type": "object",
        "minProperties": 1,
        "additionalProperties": {"anyOf": [_system(room, project["definitions"]) for room in rooms.values()]},
    }
    files: dict[str, type[Written]] = {
        "syncs": WrittenSync,
        "streams": WrittenStream,
        "reports": WrittenReports,
        "charts": WrittenCharts,
    }
    return {"careloom.yaml": project} | {f"{folder}/*.yaml": _draft07(model) for folder, model in files.items()}


def _system(room: Room, definitions: dict[str, Any]) -> dict[str, Any]:
    schema: dict[str, Any] = _renamed(
        room.options.model_json_schema(mode="validation", ref_template="#/definitions/{model}")
    )
    definitions.update(schema.pop("definitions", {}))
    schema["properties"] = {"kind": {"const": room.kind}, **schema.get("properties", {})}
    schema["required"] = ["kind", *schema.get("required", [])]
    schema["additionalProperties"] = False
    return schema


def _draft07(model: type[Written]) -> dict[str, Any]:
    schema: dict[str, Any] = _renamed(model.model_json_schema(mode="validation", ref_template="#/definitions/{model}"))
    schema.setdefault("definitions", {})
    return {"$schema": _DRAFT, **schema}


def _renamed(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_renamed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    found = {("definitions" if key == "$defs" else key): _renamed(part) for key, part in schema.items()}
    if found.get("type") == "string" and not found.keys() & {"enum", "const", "pattern"}:
        found["type"] = _SCALARS
    return found
