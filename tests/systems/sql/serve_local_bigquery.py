"""Starts the emulator `local-bigquery` where no network is: its DuckDB extensions come from wheels, not from a download.

Run by the Python (3.13 or later) of a venv with local-bigquery, duckdb-extension-ducklake and duckdb-extension-spatial;
takes `serve` and the emulator's own flags, of which --data-dir must be given. Not part of careloom, and imports none of it.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

import duckdb

_connect = duckdb.connect
WHEELS = [Path(find_spec(f"duckdb_extension_{name}").origin).parent for name in ("ducklake", "spatial")]


def connect(*words, config=None, **extra):
    """DuckDB with the extensions installed in the data folder; the time zone is set once the extension that knows it is in."""
    wanted_values = {
        **(config or {}),
        "extension_directory": str(Path(sys.argv[sys.argv.index("--data-dir") + 1]) / "ext"),
    }
    zone = wanted_values.pop("TimeZone", None)
    connection = _connect(*words, config=wanted_values, **extra)
    for file in (file for wheel in WHEELS for file in wheel.rglob("*.duckdb_extension")):
        connection.execute(f"INSTALL '{file}'")
    if zone:
        connection.execute(f"SET TimeZone = '{zone}'")
    return connection


if __name__ == "__main__":
    duckdb.connect = connect
    from local_bigquery.cli import main

    main(sys.argv[1:])
