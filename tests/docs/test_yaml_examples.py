"""Every YAML example of the documentation is read by the project's own loader, fragments inside a whole project."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from careloom.core.errors import ProjectFault
from careloom.project.loader import load_project
from careloom.project.schema import WrittenCharts, WrittenProject, WrittenReports, WrittenStream, WrittenSync
from careloom.systems import rooms
from docs.pages import ROOT, Block, blocks, pages

PROJECT = """
project: clinic
timezone: America/New_York
systems:
  warehouse: {kind: sql, url: "csv://data"}
  crm: {kind: hubspot, token: secret:hubspot-token}
  drchrono: {kind: drchrono, client_id: secret:id, client_secret: secret:secret}
  deepcura: {kind: deepcura, secret: secret:shared}
  billing: {kind: collaboratemd, username: secret:user, password: secret:word}
"""
NOTES = "{stream: clinical_notes, from: {system: drchrono, stream: clinical_notes}}"
SESSIONS = """
stream: deepcura_notes
from: {system: deepcura, stream: notes}
rename: {appointment_id: drchrono_appt_id, patient_id: drchrono_patient_id}
"""
SYNC = """
sync: example
from: {system: warehouse, table: Patients, key: ID}
to: {system: crm, object: contacts, key: patient_id, admits: clinical}
fields:
  firstname: FirstName
  lastname: LastName
  email: Email
"""
PATIENTS = SYNC.replace("sync: example", "sync: patients")
WHOLE = {"reports": WrittenReports, "charts": WrittenCharts}
"""Files that stand for themselves, by the key that only they have."""
ALIASES = {"from_": "from", "else_": "else"}
EXAMPLES = [
    pytest.param(block, id=str(block)) for page in pages() for block in blocks(page) if block.language == "yaml"
]


@pytest.mark.parametrize("block", EXAMPLES)
def test_a_yaml_example_is_a_project_without_faults(block: Block, tmp_path: Path) -> None:
    keys = _read(block.text)
    for_project = set(keys) <= set(WrittenProject.model_fields) and not {"sync", "fields"} & set(keys)
    for_stream = not for_project and bool({"stream", "links"} & set(keys))
    whole = next((part for part in WHOLE if part in keys), "")
    known = WHOLE[whole] if whole else WrittenStream if for_stream else WrittenSync
    assert for_project or set(keys) <= {ALIASES.get(name, name) for name in known.model_fields}
    for folder in ("syncs", "streams"):
        (tmp_path / folder).mkdir()
    _write(tmp_path / "careloom.yaml", _merge(PROJECT, keys if for_project else {}))
    _write(tmp_path / "syncs" / "patients.yaml", _read(PATIENTS))
    if whole:
        (tmp_path / whole).mkdir()
        _write(tmp_path / whole / "example.yaml", keys)
    elif for_stream:
        _write(tmp_path / "streams" / "notes.yaml", _read(NOTES))
        _write(tmp_path / "streams" / "example.yaml", keys if "stream" in keys else _merge(SESSIONS, keys))
    elif not for_project and keys.get("sync") != "patients":
        _write(tmp_path / "syncs" / "example.yaml", _merge(SYNC, keys))
    elif not for_project:
        _write(tmp_path / "syncs" / "patients.yaml", _merge(PATIENTS, keys))
    try:
        load_project(tmp_path, rooms())
    except ProjectFault as fault:
        pytest.fail(f"{block}\n{fault}")


def test_there_are_examples() -> None:
    assert len(EXAMPLES) > 10
    assert {block.values[0].page.name for block in EXAMPLES} >= {"tutorial.md"}
    assert (ROOT / "docs").is_dir()


def _merge(base: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with what is given in place of its own, one level deep; a field list is taken as it is."""
    merged = _read(base)
    for name, value in given.items():
        below = merged.get(name)
        deep = isinstance(below, dict) and isinstance(value, dict) and name != "fields"
        merged[name] = {**below, **value} if deep else value
    if "from" in given and "sql" in given["from"]:
        merged["from"].pop("table", None)
    return merged


def _read(text: str) -> dict[str, Any]:
    return dict(YAML(typ="safe", pure=True).load(text))


def _write(path: Path, value: Mapping[str, Any]) -> None:
    out = io.StringIO()
    YAML(typ="safe", pure=True).dump(dict(value), out)
    path.write_text(out.getvalue(), encoding="utf-8")
