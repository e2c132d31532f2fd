"""The dbt project of `hcc-analytics` and a DuckDB file for it, as somebody who has no careloom builds it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from warm_python import warm_python

BLUEPRINT = Path(__file__).parents[2] / "blueprints" / "hcc-analytics"
GENERATED = shutil.ignore_patterns("hcc", "target", "logs")
SCORED = (
    "segment",
    "risk_score",
    "risk_score_demographics",
    "risk_score_hcc",
    "risk_score_chronic_only",
    "hcc_list",
    "hcc_list_before",
    "interactions",
    "payment_hcc_count",
    "defaults_taken",
    "held",
)
Rows = tuple[Sequence[str], Iterable[tuple[Any, ...]]]


def as_text(value: Any) -> str | None:
    return None if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def fill(warehouse: Path, tables: Mapping[str, Rows]) -> None:
    """Make the sources of the schema `raw`, all columns as text."""
    with duckdb.connect(str(warehouse)) as db:
        db.execute("create schema raw")
        for table, (columns, rows) in tables.items():
            row_list = list(rows)
            arrow_table = pa.table(
                {name: pa.array([row[at] for row in row_list], pa.string()) for at, name in enumerate(columns)}
            )
            db.register("given", arrow_table)
            db.execute(f"create table raw.{table} as select * from given")
            db.unregister("given")


def dbt(project: Path, folder: Path, action: str, *extra: str) -> subprocess.CompletedProcess[str]:
    """Plain dbt, as who has no careloom runs it."""
    output = {"type": "duckdb", "path": str(folder / "warehouse.duckdb"), "schema": "analytics", "threads": 2}
    (folder / "profiles.yml").write_text(json.dumps({"careloom": {"target": "it", "outputs": {"it": output}}}))
    places = [
        "--profiles-dir",
        str(folder),
        "--target-path",
        str(folder / "target"),
        "--log-path",
        str(folder / "logs"),
    ]
    command = [
        str(warm_python()),
        "-m",
        "dbt.cli.main",
        action,
        "--project-dir",
        str(project / "models"),
        *places,
        *extra,
    ]
    environment = os.environ | {"DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "DO_NOT_TRACK": "1"}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def rows_of(cursor: Any) -> list[dict[str, Any]]:
    names = [row[0] for row in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
