"""Scores a whole population by one statement in an embedded DuckDB: Parquet, Arrow or data frames in and out."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import overload

import pyarrow as pa
import pyarrow.parquet as pq
from sqlglot import exp

from careloom.risk.embedded import IN_PLACE, MEMORY, connect, write_whole
from careloom.risk.payment.factors import standard_money
from careloom.risk.payment.payment_factors import Money
from careloom.risk.population.input_tables import Data, check_people, diagnoses_view, keys_as_text, people_view, take
from careloom.risk.published.lookup_tables import lookups
from careloom.risk.scores.trace import trace_scores
from careloom.risk.sql.statement import Names, build


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
    diagnosis of no one count for nothing. Someone without a usable age or sex keeps a row with the reason in `held` and
    no scores. With `trace`, a column `trace` lists how each score came about. With `out`, the rows are written to that
    Parquet file, whole or not at all and readable by its owner only, and their number comes back instead.

    Raises:
        Fix: no such model, year or mode; a column is missing; a person is there twice or has no key.
        Later: memory or disk ran out.

    """
    edition = lookups(model, year, mode)
    with connect(memory, threads) as db:
        persons, codes = take(db, "people", people), take(db, "diagnoses", diagnoses)
        as_text = keys_as_text(persons, codes)
        people_view(db, persons, year, mode, as_text=as_text)
        diagnoses_view(db, codes, as_text=as_text)
        rows = check_people(db)
        for name, table in edition.tables.items():
            db.register(name, table)
        statement = _render(model, year, mode, money or standard_money(model, year, mode))
        parts = trace_scores(db, edition, statement, rows) if trace else None
        if out is None:
            return pa.concat_tables(parts) if parts else db.execute(statement).to_arrow_table()
        with write_whole(Path(out)) as part:
            if parts:
                _append(parts, part)
            else:
                file = exp.Literal.string(str(part)).sql("duckdb")
                db.execute(f"copy ({statement}) to {file} (format parquet, {IN_PLACE})")
        return rows


@lru_cache(maxsize=32)
def _render(model: str, year: int, mode: str, money: Money) -> str:
    """The statement, written once a process: writing takes longer than scoring a few people."""
    return build(lookups(model, year, mode), money, Names(), "duckdb").sql(dialect="duckdb")


def _append(parts: Iterator[pa.Table], file: Path) -> None:
    first = next(parts)
    with pq.ParquetWriter(file, first.schema) as writer:
        for part in chain([first], parts):
            writer.write_table(part)
