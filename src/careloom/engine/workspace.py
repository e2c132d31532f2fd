"""The DuckDB in which one run works: in process, spilling to a private folder, never the only copy of anything."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from tempfile import mkdtemp

import duckdb
import pyarrow as pa

from careloom.core.errors import Later

MEMORY_LIMIT = "1200MB"
"""What DuckDB may hold before it spills; leaves room for Arrow batches within 2 GiB."""


@contextmanager
def open_workspace(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A fresh database whose spill files live under `folder` and go with it. It cannot reach files or the network.

    It has the macros of wire.sql and the empty tables of sync/tables.sql.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    spill = Path(mkdtemp(prefix="work-", dir=folder))
    db = duckdb.connect(":memory:", config={"memory_limit": MEMORY_LIMIT, "temp_directory": str(spill)})
    try:
        db.execute("set preserve_insertion_order = false; set TimeZone = 'UTC'; set autoload_known_extensions = false")
        db.execute("set enable_progress_bar = false")
        for script in ("sql/wire.sql", "sync/tables.sql"):
            db.execute((files("careloom.engine") / script).read_text(encoding="utf-8"))
        yield db
    except duckdb.OutOfMemoryException as error:
        raise Later(f"out of memory or disk while working in {spill}; free some space there, then run again") from error
    finally:
        db.close()
        shutil.rmtree(spill, ignore_errors=True)


@contextmanager
def incoming(db: duckdb.DuckDBPyConnection, rows: pa.Table | pa.RecordBatchReader) -> Iterator[None]:
    """`rows` as the view `incoming`, for as long as the context lasts."""
    db.register("incoming", rows)
    try:
        yield
    finally:
        db.unregister("incoming")


def text_columns(columns: Mapping[str, Sequence[str | None]]) -> pa.Table:
    """`columns` of text as rows, for `fill` and `incoming`.

    Never by parameters: a list of them is searched again for each row, and each one is looked at for what kind it is.
    """
    return pa.table({column: pa.array(values, pa.string()) for column, values in columns.items()})
