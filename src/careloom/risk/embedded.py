"""An embedded DuckDB for one piece of work, and files that are written whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from tempfile import mkdtemp

import duckdb

from careloom.core.errors import Fix, Later

ONLY_MINE = 0o600
IN_PLACE = "use_tmp_file false"
"""DuckDB would write beside the file that only its owner may read, where everybody may."""
MEMORY = "2GB"
"""What DuckDB may hold before it spills to disk; a million people need a third of it."""


@contextmanager
def write_whole(output: Path) -> Iterator[Path]:
    """A file beside `output` that takes its name once it is written; only its owner may read it.

    Raises:
        Fix: another process is writing it.

    """
    part = output.with_name(f".{output.name}.part")
    lock = os.open(part, os.O_CREAT | os.O_WRONLY, ONLY_MINE)
    try:
        _alone(lock, part, output)
        try:
            yield part
            part.replace(output)
        finally:
            with suppress(OSError):  # what went wrong is on its way already
                part.unlink(missing_ok=True)
    finally:
        os.close(lock)


def _alone(lock: int, part: Path, output: Path) -> None:
    """The lock goes with the process, so that what a killed one left is in no one's way."""
    with suppress(OSError):
        flock(lock, LOCK_EX | LOCK_NB)
        os.fchmod(lock, ONLY_MINE)
        if part.stat().st_ino == os.fstat(lock).st_ino:
            return
    raise Fix(f"{output} is being written by another run; wait for it, or write to another file")


@contextmanager
def connect(memory: str, threads: int | None) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection of its own for one piece of work, which spills beyond `memory` to a folder that goes with it.

    Raises:
        Fix: `memory` is not a size, or `threads` not a number of threads.
        Later: memory or disk ran out.

    """
    spill = mkdtemp(prefix="careloom-risk-")
    config: dict[str, str | bool | int | float | list[str]] = {"memory_limit": memory, "temp_directory": spill}
    if threads is not None:
        config["threads"] = threads
    try:
        with _connect(config) as db:
            db.execute("set preserve_insertion_order = false; set enable_progress_bar = false")
            yield db
    except duckdb.OutOfMemoryException as error:
        raise Later(
            f"out of memory or disk while scoring within {memory}; give more memory, or free disk space"
        ) from error
    finally:
        shutil.rmtree(spill, ignore_errors=True)


def _connect(config: dict[str, str | bool | int | float | list[str]]) -> duckdb.DuckDBPyConnection:
    try:
        return duckdb.connect(":memory:", config=config)
    except duckdb.Error as error:
        raise Fix("memory is a size such as '2GB', and threads a whole number from 1") from error
