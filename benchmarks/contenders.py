"""Each contender's project folder, and the command that runs it once: whole, as its user would start it."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks.people import COLUMNS

ROOT = Path(__file__).resolve().parents[1]
WAREHOUSE = "warehouse.duckdb"
_QUIET = {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'src'}", "HUBSPOT_TOKEN": "bench", "DO_NOT_TRACK": "1"}

_CARELOOM = """
project: bench
timezone: America/New_York
systems:
  warehouse: {{kind: sql, url: "duckdb://warehouse.duckdb"}}
  crm: {{kind: hubspot, token: secret:hubspot-token, base_url: "{url}"}}
"""
_SYNC = """
sync: people
from: {system: warehouse, table: people, key: patient_id}
to: {system: crm, object: contacts, key: patient_id}
match:
  - [email]
  - [firstname, lastname, birth_date]
  - [address, city, state, zip]
unmatched: create
fields:
"""
_DRT_PROJECT = "name: bench\nversion: '1.0'\nprofile: local\n"
_DRT_PROFILE = "local:\n  type: duckdb\n  database: {warehouse}\n"
_DRT_SYNC = """
name: people
model: "select * from people"
destination:
  type: hubspot
  object_type: contacts
  id_property: email
  auth: {type: bearer, token_env: HUBSPOT_TOKEN}
sync: {mode: full, batch_size: 100, on_error: skip}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """What runs, in which folder, with which environment. `name` is as the table shows it."""

    name: str
    folder: Path
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)


def careloom(folder: Path, url: str, database: str) -> Contender:
    """careloom's command line, with its ledger in `database`."""
    (folder / "syncs").mkdir(parents=True, exist_ok=True)
    (folder / "careloom.yaml").write_text(_CARELOOM.format(url=url), encoding="utf-8")
    fields = "".join(f"  {column}: {column}\n" for column in COLUMNS if column != "patient_id")
    (folder / "syncs" / "people.yaml").write_text(_SYNC + fields, encoding="utf-8")
    return Contender(
        name=f"careloom {_version('careloom')}",
        folder=folder,
        command=[sys.executable, "-m", "careloom.cli.start", "run", "people", "--json"],
        environment={**_QUIET, "CARELOOM_DATABASE_URL": database},
    )


def drt(folder: Path, url: str) -> Contender:
    """drt-core's command line; its home is the folder."""
    (folder / "syncs").mkdir(parents=True, exist_ok=True)
    (folder / ".drt").mkdir(exist_ok=True)
    (folder / "drt_project.yml").write_text(_DRT_PROJECT, encoding="utf-8")
    (folder / ".drt" / "profiles.yml").write_text(_DRT_PROFILE.format(warehouse=folder / WAREHOUSE), encoding="utf-8")
    (folder / "syncs" / "people.yml").write_text(_DRT_SYNC, encoding="utf-8")
    return Contender(
        name=f"drt-core {_version('drt-core')}",
        folder=folder,
        command=[sys.executable, "-m", "benchmarks.drt_peer", url],
        environment={**_QUIET, "HOME": str(folder)},
    )


def dlt(folder: Path, url: str, *, files: int = 1) -> Contender:
    """A dlt pipeline whose destination posts to batch upsert; several `files` are sent side by side."""
    folder.mkdir(parents=True, exist_ok=True)
    return Contender(
        name=f"dlt {_version('dlt')}" + (f", {files} files side by side" if files > 1 else ""),
        folder=folder,
        command=[sys.executable, "-m", "benchmarks.dlt_peer", url, WAREHOUSE, str(files)],
        environment={
            **_QUIET,
            "HOME": str(folder),
            "DLT_DATA_DIR": str(folder / "dlt"),
            "RUNTIME__DLTHUB_TELEMETRY": "false",
            "RUNTIME__LOG_LEVEL": "ERROR",
        },
    )


def missing_peers() -> list[str]:
    """The peers that are not installed here."""
    return [name for name in ("drt-core", "dlt") if _version(name) == "absent"]


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"
