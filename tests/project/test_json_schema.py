from __future__ import annotations

from pathlib import Path

import pytest
from jsonschema import Draft7Validator
from ruamel.yaml import YAML

from careloom.project.json_schema import json_schema
from careloom.systems import rooms
from project.clinic import CARELOOM, PATIENTS, ROOMS, VISITS
from project.practice import CALLS, NOTES, PEOPLE, PRACTICE, STREAM_ROOMS
from project.practice import VISITS as LANDED_VISITS

SCHEMAS = json_schema(ROOMS)
STREAMS = json_schema(STREAM_ROOMS)


def complaints(name: str, text: str) -> list[str]:
    """What an editor would underline, with the types that an editor reads."""
    content = YAML(typ="safe", pure=True).load(text)
    return [error.message for error in Draft7Validator(SCHEMAS[name]).iter_errors(content)]


def test_the_schemas_are_themselves_right() -> None:
    assert list(SCHEMAS) == [
        "careloom.yaml",
        "careloom.*.yaml",
        "syncs/*.yaml",
        "streams/*.yaml",
        "reports/*.yaml",
        "charts/*.yaml",
    ]
    for schema in SCHEMAS.values():
        Draft7Validator.check_schema(schema)
        assert schema["$schema"] == "http://json-schema.org/draft-07/schema#"
        assert "$defs" not in str(schema)


def test_an_editor_has_nothing_to_say_about_a_right_project() -> None:
    assert complaints("careloom.yaml", CARELOOM) == []
    assert complaints("syncs/*.yaml", PATIENTS) == []
    assert complaints("syncs/*.yaml", VISITS) == []


def test_an_editor_has_nothing_to_say_about_right_streams() -> None:
    SCHEMAS.update({"practice.yaml": STREAMS["careloom.yaml"]})
    assert complaints("practice.yaml", PRACTICE) == []
    for text in (PEOPLE, LANDED_VISITS, NOTES, CALLS):
        assert complaints("streams/*.yaml", text) == []


def test_an_editor_takes_scalars_of_every_type_for_text() -> None:
    text = PATIENTS.replace("email: Email", "email: {from: 1, values: {1: 2, Y: true}, label: 2024}")
    assert complaints("syncs/*.yaml", text.replace("schedule:", "archive_limit: 5\nschedule:")) == []


@pytest.mark.parametrize(
    ("name", "text", "old", "new"),
    [
        ("careloom.yaml", CARELOOM, "timezone:", "time_zone:"),
        ("careloom.yaml", CARELOOM, "kind: portal", "kind: portl"),
        ("careloom.yaml", CARELOOM, "retries: 3", "retrys: 3"),
        ("careloom.yaml", CARELOOM, "retries: 3", "retries: many"),
        ("careloom.yaml", CARELOOM, "ops@example.org", "ops"),
        ("syncs/*.yaml", PATIENTS, "match:", "matches:"),
        ("syncs/*.yaml", PATIENTS, "type: date}", "type: dates}"),
        ("syncs/*.yaml", PATIENTS, "type: date}", "typ: date}"),
        ("syncs/*.yaml", PATIENTS, "- [email]", "- email"),
        ("syncs/*.yaml", PATIENTS, "email: Email", "email: [Email]"),
        ("syncs/*.yaml", PATIENTS, "schedule:", "unmatched: make\nschedule:"),
        ("syncs/*.yaml", PATIENTS, "  key: ID\n", ""),
        ("syncs/*.yaml", VISITS, "via: patients, ", ""),
        ("streams/*.yaml", PEOPLE, "look_back:", "lookback:"),
        ("streams/*.yaml", PEOPLE, "path: nick_name, ", ""),
        ("streams/*.yaml", PEOPLE, "path: nick_name", "path: [[nick_name]]"),
        ("streams/*.yaml", PEOPLE, "phi: contact", "phi: private"),
        ("streams/*.yaml", NOTES, "table: scribe_notes", "table: scribe-notes"),
        ("streams/*.yaml", NOTES, "    to: visits\n", ""),
        ("streams/*.yaml", CALLS, "type: integer", "type: int"),
    ],
)
def test_an_editor_underlines_what_the_loader_refuses(name: str, text: str, old: str, new: str) -> None:
    assert old in text
    assert complaints(name, text.replace(old, new, 1))


@pytest.mark.parametrize("blueprint", ["amd-hubspot", "drchrono-clinical"])
def test_a_blueprint_pleases_the_schema_of_the_real_rooms(blueprint: str) -> None:
    schemas = json_schema(rooms())
    folder = Path(__file__).parents[2] / "blueprints" / blueprint
    files = {"careloom.yaml": ["careloom.yaml"]} | {
        f"{part}/*.yaml": [f"{part}/{path.name}" for path in (folder / part).glob("*.yaml")]
        for part in ("syncs", "streams")
    }
    assert sum(map(len, files.values())) > 2
    for name, named in files.items():
        for file in named:
            content = YAML(typ="safe", pure=True).load((folder / file).read_text(encoding="utf-8"))
            assert [error.message for error in Draft7Validator(schemas[name]).iter_errors(content)] == [], file
