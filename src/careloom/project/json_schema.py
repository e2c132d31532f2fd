"""The language for editors: JSON Schema (draft 07) of careloom.yaml and of the files in syncs/, streams/, reports/ and charts/."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from careloom.core.rooms import Room
from careloom.project.schema import (
    Written,
    WrittenCharts,
    WrittenEnvironment,
    WrittenProject,
    WrittenReports,
    WrittenStream,
    WrittenSync,
)
from careloom.project.schema_docs import describe

_DRAFT = "http://json-schema.org/draft-07/schema#"
# An editor reads `01` or `true` as another type than the loader, which keeps every scalar as text.
_SCALARS = ["string", "number", "boolean"]
SECTIONS = {
    "careloom.yaml": "project",
    "careloom.*.yaml": "environment",
    "syncs/*.yaml": "sync",
    "streams/*.yaml": "stream",
    "reports/*.yaml": "reports",
    "charts/*.yaml": "charts",
}
"""Which section of docs/meanings.toml speaks of which files."""


def json_schema(rooms: Mapping[str, Room]) -> dict[str, dict[str, Any]]:
    """One schema for each kind of file, by the files it is for; `systems:` knows the options of every room."""
    project = _draft07(WrittenProject)
    project["properties"]["systems"] = {
        "type": "object",
        "minProperties": 1,
        "additionalProperties": _any_system(rooms, project["definitions"]),
    }
    files: dict[str, type[Written]] = {
        "syncs": WrittenSync,
        "streams": WrittenStream,
        "reports": WrittenReports,
        "charts": WrittenCharts,
    }
    environment = _draft07(WrittenEnvironment)
    environment["properties"]["systems"] = {
        "type": "object",
        "additionalProperties": _any_system(rooms, environment["definitions"]),
    }
    return {"careloom.yaml": project, "careloom.*.yaml": environment} | {
        f"{folder}/*.yaml": _draft07(model) for folder, model in files.items()
    }


def _any_system(rooms: Mapping[str, Room], definitions: dict[str, Any]) -> dict[str, Any]:
    """`kind` picks the rest, so that an editor offers all kinds, and complains about the chosen one's keys only."""
    return {
        "type": "object",
        "required": ["kind"],
        "properties": {"kind": {"enum": [room.kind for room in rooms.values()]}},
        "allOf": [
            {
                "if": {"required": ["kind"], "properties": {"kind": {"const": room.kind}}},
                "then": _system(room, definitions),
            }
            for room in rooms.values()
        ],
    }


def described(schemas: dict[str, dict[str, Any]], meanings: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The schemas with the meaning of each key, as `meanings` (docs/meanings.toml) gives it by section and key."""
    for file, section in SECTIONS.items():
        describe(schemas[file], meanings.get(section, {}))
    for file in ("careloom.yaml", "careloom.*.yaml"):
        systems = schemas[file]["properties"]["systems"]["additionalProperties"]
        systems["properties"]["kind"]["description"] = (
            "What kind of system this is; the other keys are this kind's own."
        )
        for choice in systems["allOf"]:
            kind = choice["then"]["properties"]["kind"]["const"]
            describe(
                {**choice["then"], "definitions": schemas[file]["definitions"]},
                meanings.get("systems", {}).get(kind, {}),
            )
    return schemas


def _system(room: Room, definitions: dict[str, Any]) -> dict[str, Any]:
    schema: dict[str, Any] = _rename(
        room.options.model_json_schema(mode="validation", ref_template="#/definitions/{model}")
    )
    definitions.update(schema.pop("definitions", {}))
    schema["properties"] = {"kind": {"const": room.kind}, **schema.get("properties", {})}
    schema["required"] = ["kind", *schema.get("required", [])]
    schema["additionalProperties"] = False
    return schema


def _draft07(model: type[Written]) -> dict[str, Any]:
    schema: dict[str, Any] = _rename(model.model_json_schema(mode="validation", ref_template="#/definitions/{model}"))
    schema.setdefault("definitions", {})
    return {"$schema": _DRAFT, **schema}


def _rename(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_rename(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    result = {("definitions" if key == "$defs" else key): _rename(part) for key, part in schema.items()}
    if result.get("type") == "string" and not result.keys() & {"enum", "const", "pattern"}:
        result["type"] = _SCALARS
    return result
