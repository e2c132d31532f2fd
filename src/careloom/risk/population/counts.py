"""What a scoring run read and what became of it, in numbers: no one is lost, and nothing is left out without a word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import duckdb
import pyarrow as pa
from sqlglot import exp

from careloom.risk.population.clean import day
from careloom.risk.population.columns import normal_code
from careloom.risk.population.input_tables import key_text
from careloom.risk.published.tables import read_tables

WRITTEN = "[A-Z][0-9][0-9A-Z]{1,5}"
"""How an ICD-10-CM code is written, without its dot; what is written otherwise is not a code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Numbers of one run. `held` and `defaults` are by reason and by column."""

    people: int
    scored: int
    held: Mapping[str, int]
    without_diagnoses: int
    defaults: Mapping[str, int]
    diagnoses: int
    left_out_by_date: int
    date_unreadable: int
    of_nobody: int
    without_category: int
    not_icd_10: int
    mean: float | None


def counts(
    db: duckdb.DuckDBPyConnection,
    *,
    model: str | Sequence[str],
    year: int,
    mode: str,
    left_out: int,
    score: str = "risk_score",
) -> Counts:
    """The numbers of the views `scores` (with its people) and `diagnoses`; of several models, a code is one of any."""
    held_people = db.execute(
        "select held, count(*) from scores where held is not null group by held order by held"
    ).fetchall()
    defaults = db.execute(
        "select name, count(*) from (select unnest(defaults_taken) as name from scores) group by name"
    )
    default_rows = defaults.fetchall()
    people, mean = db.execute(f"select count(*), avg({score}) from scores").fetchone() or (0, None)
    rows, of_nobody, with_diagnoses = _persons(db)
    without_category, wrong = _codes(db, [model] if isinstance(model, str) else model, year, mode)
    return Counts(
        people=int(people),
        scored=int(people) - sum(number for _, number in held_people),
        held=dict(held_people),
        without_diagnoses=int(people) - with_diagnoses,
        defaults=dict(sorted(default_rows, key=lambda item: (-item[1], item[0]))),
        diagnoses=rows + left_out,
        left_out_by_date=left_out,
        date_unreadable=_unreadable(db),
        of_nobody=of_nobody,
        without_category=without_category,
        not_icd_10=wrong,
        mean=None if mean is None else round(float(mean), 4),
    )


def _unreadable(db: duckdb.DuckDBPyConnection) -> int:
    """Rows whose service date is no day; they count, as those without one do."""
    kinds = {column.lower(): kind for column, kind, *_ in db.execute("describe diagnoses").fetchall()}
    if "service_date" not in kinds:
        return 0
    wrong = f"service_date is not null and {day('service_date', kinds['service_date'])} is null"
    return int((db.execute(f"select count(*) from diagnoses where {wrong}").fetchone() or (0,))[0])


def _persons(db: duckdb.DuckDBPyConnection) -> tuple[int, int, int]:
    """Rows of diagnoses, rows that belong to no one, and people who have some."""
    descriptions = (
        db.execute(f"describe select person_id from {table}").fetchall() for table in ("diagnoses", "scores")
    )
    kinds = [kind for ((_, kind, *_),) in descriptions]
    diagnosis_key, people_key = ("person_id", "person_id") if len({*kinds}) == 1 else map(key_text, kinds)
    row = db.execute(
        f"with had as (select {diagnosis_key} as person_id, count(*) as rows from diagnoses group by all), "
        f"there as (select {people_key} as person_id from scores) "
        "select coalesce(sum(rows), 0), coalesce(sum(rows) filter (where there.person_id is null), 0), "
        "count(*) filter (where there.person_id is not null) from had left join there using (person_id)"
    ).fetchone() or (0, 0, 0)
    return int(row[0]), int(row[1]), int(row[2])


def _codes(db: duckdb.DuckDBPyConnection, models: Sequence[str], year: int, mode: str) -> tuple[int, int]:
    """Rows whose code no model has a category for, and those of them whose code is no ICD-10-CM code by its look."""
    codes = set(chain.from_iterable(read_tables(model, year, mode).codes for model in models))
    db.register("mapped_codes", pa.table({"code": list(codes)}))
    code = normal_code(exp.cast(exp.column("diagnosis_code"), exp.DataType.Type.VARCHAR), mode).sql("duckdb")
    row = db.execute(
        f"with had as (select {code} as code, count(*) as rows from diagnoses group by all) "
        f"select coalesce(sum(rows), 0), coalesce(sum(rows) filter (where not regexp_full_match(code, '{WRITTEN}')), 0) "
        "from had where code is null or code not in (from mapped_codes)"
    ).fetchone() or (0, 0)
    missing = db.execute("select count(*) from diagnoses where diagnosis_code is null").fetchone() or (0,)
    return int(row[0]), int(row[1]) + int(missing[0])
