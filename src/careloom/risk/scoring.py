"""Scores a whole population by one statement in an embedded DuckDB: Parquet, Arrow or data frames in and out."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fcntl import LOCK_EX, LOCK_NB, flock
from functools import lru_cache
from itertools import chain
from pathlib import Path
from tempfile import mkdtemp
from typing import overload

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from sqlglot import exp

from careloom.core.errors import Fix, Later
from careloom.risk.factors import standard_money
from careloom.risk.lookup_tables import lookups
from careloom.risk.money import Money
from careloom.risk.reading import Data, check_people, diagnoses_view, keys_as_text, people_view, take
from careloom.risk.statement import Names, build
from careloom.risk.tracing import traced

ONLY_MINE = 0o600
IN_PLACE = "use_tmp_file false"
"""DuckDB would write beside the file that only its owner may read, where everybody may."""
MEMORY = "2GB"
"""What DuckDB may hold before it spills to disk; a million people need a third of it."""


@overload
def score(
    people: Data,
    diagnoses: Data,
    *,
    model: str,
    year: int,
    mode: str = ...,
    trace: bool = ...,
    out: None = None,
    money: Money | None = ...,
    memory: str = ...,
    threads: int | None = ...,
) -> pa.Table: ...
@overload
def score(
    people: Data,
    diagnoses: Data,
    *,
    model: str,
    year: int,
    mode: str = ...,
    trace: bool = ...,
    out: str | Path,
    money: Money | None = ...,
    memory: str = ...,
    threads: int | None = ...,
) -> int: ...
def score(  # noqa: PLR0913 - the public door: every argument after the data is named
    people: Data,
    diagnoses: Data,
    *,
    model: str,
    year: int,
    mode: str = "cms",
    trace: bool = False,
    out: str | Path | None = None,
    money: Money | None = None,
    memory: str = MEMORY,
    threads: int | None = None,
) -> pa.Table | int:
    """The scores of `people`, one row each in no particular order, with the columns of `statement.COLUMNS`.

    `people` has `person_id`, `sex`, and `age` or `birth_date`; where `dual_elgbl_cd`, `orec`, `crec`, `new_enrollee`,
    `snp`, `lti`, `low_income` or `graft_months` are missing, CMS's default holds and `defaults_taken` says so.
    `diagnoses` has `person_id` and `diagnosis_code` (ICD-10-CM; dots and case do not matter); an unknown code and a
    diagnosis of nobody count for nothing. Someone without a usable age or sex keeps a row with the reason in `held` and
    no scores. With `trace`, a column `trace` lists how each score came about. With `out`, the rows are written to that
    Parquet file, whole or not at all and readable by its owner only, and their number comes back instead.

    Raises:
        Fix: no such model, year or mode; a column is missing; a person is there twice or has no key.
        Later: memory or disk ran out.

    """
    known = lookups(model, year, mode)
    with bench(memory, threads) as db:
        persons, codes = take(db, "people", people), take(db, "diagnoses", diagnoses)
        as_text = keys_as_text(persons, codes)
        people_view(db, persons, year, mode, as_text=as_text)
        diagnoses_view(db, codes, as_text=as_text)
        rows = check_people(db)
        for name, table in known.tables.items():
            db.register(name, table)
        made = _rendered(model, year, mode, money or standard_money(model, year, mode))
        parts = traced(db, known, made, rows) if trace else None
        if out is None:
            return pa.concat_tables(parts) if parts else db.execute(made).to_arrow_table()
        with whole(Path(out)) as part:
            if parts:
                _append(parts, part)
            else:
                file = exp.Literal.string(str(part)).sql("duckdb")
                db.execute(f"copy ({made}) to {file} (format parquet, {IN_PLACE})")
        return rows


@lru_cache(maxsize=32)
def _rendered(model: str, year: int, mode: str, money: Money) -> str:
    """The statement, written once a process: writing takes longer than scoring a few people."""
    return build(lookups(model, year, mode), money, Names(), "duckdb").sql(dialect="duckdb")


@contextmanager
def whole(out: Path) -> Iterator[Path]:
    """A file beside `out` that takes its name once it is written; only its owner may read it.

    Raises:
        Fix: another process is writing it.

    """
    part = out.with_name(f".{out.name}.part")
    lock = os.open(part, os.O_CREAT | os.O_WRONLY, ONLY_MINE)
    try:
        _alone(lock, part, out)
        try:
            yield part
            part.replace(out)
        finally:
            with suppress(OSError):  # what went wrong is on its way already
                part.unlink(missing_ok=True)
    finally:
        os.close(lock)


def _alone(lock: int, part: Path, out: Path) -> None:
    """The lock goes with the process, so that what a killed one left is in nobody's way."""
    with suppress(OSError):
        flock(lock, LOCK_EX | LOCK_NB)
        os.fchmod(lock, ONLY_MINE)
        if part.stat().st_ino == os.fstat(lock).st_ino:
            return
    raise Fix(f"{out} is being written by another run; wait for it, or write to another file")


def _append(parts: Iterator[pa.Table], file: Path) -> None:
    first = next(parts)
    with pq.ParquetWriter(file, first.schema) as writer:
        for part in chain([first], parts):
            writer.write_table(part)


@contextmanager
def bench(memory: str, threads: int | None) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection of its own for one piece of work, which spills beyond `memory` to a folder that goes with it.

    Raises:
        Fix: `memory` or `threads` is none.
        Later: memory or disk ran out.

    """
    spill = mkdtemp(prefix="careloom-risk-")
    config: dict[str, str | bool | int | float | list[str]] = {"memory_limit": memory, "temp_directory": spill}
    if threads is not None:
        config["threads"] = threads
    try:
        with _connected(config) as db:
            db.execute("set preserve_insertion_order = false; set enable_progress_bar = false")
            yield db
    except duckdb.OutOfMemoryException as error:
        raise Later(
            f"out of memory or disk while scoring within {memory}; give more memory, or free disk space"
        ) from error
    finally:
        shutil.rmtree(spill, ignore_errors=True)


def _connected(config: dict[str, str | bool | int | float | list[str]]) -> duckdb.DuckDBPyConnection:
    try:
        return duckdb.connect(":memory:", config=config)
    except duckdb.Error as error:
        raise Fix("memory is a size such as '2GB', and threads a whole number from 1") from error
