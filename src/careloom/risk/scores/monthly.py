"""Scores as they were known at the end of each month of a service year, all people in each month."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import chain
from pathlib import Path
from typing import overload

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from sqlglot import exp

from careloom.core.errors import Fix
from careloom.risk.embedded import MEMORY, connect, write_whole
from careloom.risk.payment.factors import standard_money
from careloom.risk.payment.payment_factors import Money
from careloom.risk.population.clean import day
from careloom.risk.population.columns import normal_code
from careloom.risk.population.input_tables import Data, check_people, diagnoses_view, keys_as_text, people_view, take
from careloom.risk.published.lookup_tables import Lookups, lookups
from careloom.risk.sql.statement import Names, build

BATCH = 2**16
AT_ONCE = 2**18
"""People scored by one statement."""
MONTHS = 12
FOUND = "found"
"""The statement's step that has each person's categories. Here it is a table, which grows from month to month."""
Said = Callable[[int, int | None], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """What was known at the end of `month`: people with a category, the mean raw score, categories new in it."""

    month: date
    people: int
    with_hcc: int
    mean: float | None
    hccs_added: int


@overload
def snapshots(
    people: Data,
    diagnoses: Data,
    *,
    model: str,
    year: int,
    mode: str = ...,
    through: date | None = ...,
    out: None = None,
    money: Money | None = ...,
    memory: str = ...,
    threads: int | None = ...,
    on_progress: Said | None = ...,
) -> pa.Table: ...
@overload
def snapshots(
    people: Data,
    diagnoses: Data,
    *,
    model: str,
    year: int,
    mode: str = ...,
    through: date | None = ...,
    out: str | Path,
    money: Money | None = ...,
    memory: str = ...,
    threads: int | None = ...,
    on_progress: Said | None = ...,
) -> int: ...
def snapshots(  # noqa: PLR0913 - the public door: every argument after the data is named
    people: Data,
    diagnoses: Data,
    *,
    model: str,
    year: int,
    mode: str = "cms",
    through: date | None = None,
    out: str | Path | None = None,
    money: Money | None = None,
    memory: str = MEMORY,
    threads: int | None = None,
    on_progress: Said | None = None,
) -> pa.Table | int:
    """A row for each person and month of the service year, month by month, to the month of `through` or all twelve.

    A month counts the diagnoses of the year whose `service_date` is not after its last day, and those without a date;
    its scores are those of `score` on them. Columns: `person_id`, `month` (its last day), `risk_score`,
    `risk_score_hcc`, `risk_score_payment`, `hcc_list`, `hccs_added` (what the list has and that of the month before had
    not) and `held`. Data, defaults and held people are as with `score`. With `out`, the rows go to that Parquet file,
    whole or not at all, one month at a time, and their number comes back instead. `on_progress` is told each month's number.

    Raises:
        Fix: as `score`; or the diagnoses have no `service_date`, or `through` is not in the service year.
        Later: memory or disk ran out.

    """
    ends = months(year, through)
    with connect(memory, threads) as db:
        persons, codes = take(db, "people", people), take(db, "diagnoses", diagnoses)
        if "service_date" not in codes:
            raise Fix("the diagnoses have no column 'service_date'; snapshots need person_id, diagnosis_code and it")
        as_text = keys_as_text(persons, codes)
        people_view(db, persons, year, mode, as_text=as_text)
        diagnoses_view(db, codes, as_text=as_text, more_columns=["service_date"])
        rows = check_people(db)
        edition = lookups(model, year, mode)
        for name, table in edition.tables.items():
            db.register(name, table)
        _prepare(db, edition, year, day("service_date", codes["service_date"]))
        parts = _months(db, _steps(edition, money or standard_money(model, year, mode)), ends, on_progress)
        if out is None:
            return pa.Table.from_batches(parts)
        with write_whole(Path(out)) as part:
            _write(parts, part)
        return rows * len(ends)


def months(year: int, through: date | None = None) -> tuple[date, ...]:
    """The last day of each month of the service year of a payment year, to the month of `through`.

    Raises:
        Fix: `through` is in another year.

    """
    if through is not None and through.year != year - 1:
        raise Fix(f"snapshots of payment year {year} are of {year - 1}; they cannot end with {through:%Y-%m}")
    last = through.month if through else MONTHS
    return tuple(date(year - 1, month, monthrange(year - 1, month)[1]) for month in range(1, last + 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Steps:
    """The scoring statement in two: what diagnoses are found to be, and the scores of all that was found so far."""

    words: tuple[str, ...]
    new_categories: str
    scores: str


def _steps(edition: Lookups, money: Money) -> _Steps:
    statement = build(edition, money, Names(), "duckdb")
    steps = {cte.alias: cte for cte in statement.ctes}
    mapped_query, found_query = steps["mapped"].pop(), steps[FOUND].pop()
    new = found_query.this.copy().with_(mapped_query.alias, as_=mapped_query.this, copy=False)
    words = tuple(f"r{word}" for word in range(edition.words))
    return _Steps(words=words, new_categories=new.sql(dialect="duckdb"), scores=statement.sql(dialect="duckdb"))


def _prepare(db: duckdb.DuckDBPyConnection, edition: Lookups, year: int, day_expression: str) -> None:
    """Persons become numbers, by which twelve months are joined; of the diagnoses stays what the model knows."""
    db.execute("create temp table keys as select (row_number() over ())::integer as n, person_id from people")
    db.execute(
        "create temp table numbered as select n as person_id, people.* exclude (person_id) "
        "from people join keys using (person_id)"
    )
    code = normal_code(exp.column("diagnosis_code", table="dx"), edition.read.mode).sql("duckdb")
    db.execute(
        "create temp table dated as select n as person_id, diagnosis_code, month(day)::tinyint as month "
        f"from (select *, {day_expression} as day from diagnoses) as dx join keys using (person_id) "
        f"where coalesce(year(day) = {year - 1}, true) "
        f"and {code} in (select code from hcc_codes union select code from hcc_edits)"
    )
    db.execute(_EVERYBODY)


def _months(
    db: duckdb.DuckDBPyConnection, steps: _Steps, ends: Sequence[date], on_progress: Said | None
) -> Iterator[pa.RecordBatch]:
    """The rows of each month. Who has no new category keeps the row of the month before: nothing else changes a score."""
    zeroes = ", ".join(f"0::bigint as {word}" for word in steps.words)
    db.execute(f"create temp view {FOUND} as select 0 as person_id, {zeroes} where false")
    db.execute(f"create temp table latest as select {zeroes}, {_SCORED} from ({steps.scores}) as scores where false")
    db.execute(f"drop view {FOUND}")
    for number, end in enumerate(ends, 1):
        when = "month = 1 or month is null" if number == 1 else f"month = {end.month}"
        db.execute(f"create or replace temp view diagnoses as select person_id, diagnosis_code from dated where {when}")
        _find(db, steps, everybody=number == 1)
        _score(db, steps)
        _take_over_month(db)
        yield from _some(db.execute(_MONTH, {"end": end}).to_arrow_reader(BATCH))
        if on_progress:
            on_progress(number, len(ends))


def _some(reader: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    """The batches, or one without rows where there are no people, so that the columns are known."""
    empty = True
    for batch in reader:
        empty = False
        yield batch
    if empty:
        yield pa.RecordBatch.from_pylist([], reader.schema)


_EVERYBODY = "create or replace temp view people as from numbered"
_SCORED = "person_id, risk_score, risk_score_hcc, risk_score_payment, hcc_list, held, hcc_list as hccs_added"
_MONTH = """
select keys.person_id, $end::date as month, risk_score, risk_score_hcc, risk_score_payment, hcc_list, hccs_added, held
from latest join keys on keys.n = latest.person_id
"""


def _find(db: duckdb.DuckDBPyConnection, steps: _Steps, *, everybody: bool) -> None:
    """Make `found` the categories, old and new, of those who have new ones; with `everybody`, of all people."""
    union_of_words = ", ".join(f"coalesce(new.{word}, 0) | coalesce(old.{word}, 0) as {word}" for word in steps.words)
    has_new = " or ".join(f"new.{word} & ~coalesce(old.{word}, 0) <> 0" for word in steps.words)
    db.execute(_EVERYBODY)
    db.execute(f"create temp table new as {steps.new_categories}")
    db.execute(
        f"create temp table {FOUND} as select keys.n as person_id, {union_of_words}, row_number() over () as place from keys "
        "left join new on new.person_id = keys.n left join latest as old on old.person_id = keys.n "
        f"where {everybody} or {has_new}"
    )
    db.execute("drop table new")


def _score(db: duckdb.DuckDBPyConnection, steps: _Steps) -> None:
    """Make `now` the scores of everybody in `found`, so many people at a time that memory does not grow with them."""
    db.execute("create temp table now as select * from latest where false")
    (many,) = db.execute(f"select count(*) from {FOUND}").fetchone() or (0,)
    words = ", ".join(f"{FOUND}.{word}" for word in steps.words)
    for first in range(1, many + 1, AT_ONCE):
        db.execute(
            f"create or replace temp view people as select numbered.* from numbered join {FOUND} using (person_id) "
            f"where place between {first} and {first + AT_ONCE - 1}"
        )
        db.execute(
            f"insert into now select {words}, {_SCORED} from ({steps.scores}) as scores join {FOUND} using (person_id)"
        )


def _take_over_month(db: duckdb.DuckDBPyConnection) -> None:
    """Make `latest` everybody's row of this month."""
    db.execute(
        "create temp table after as select now.* replace (case when old.hcc_list is null then now.hcc_list else "
        "list_filter(now.hcc_list, lambda hcc: not list_contains(old.hcc_list, hcc)) end as hccs_added) "
        "from now left join latest as old using (person_id)"
    )
    db.execute(
        "insert into after select * replace (hcc_list[:0] as hccs_added) from latest anti join now using (person_id)"
    )
    db.execute(f"drop table latest; drop table now; drop table {FOUND}; alter table after rename to latest")


def _write(parts: Iterator[pa.RecordBatch], file: Path) -> None:
    first = next(parts)
    with pq.ParquetWriter(file, first.schema) as writer:
        for part in chain([first], parts):
            writer.write_batch(part)


def by_month(db: duckdb.DuckDBPyConnection, snapshots: str) -> tuple[Month, ...]:
    """The numbers of each month of a view with the rows of `snapshots`."""
    rows = db.execute(
        "select month, count(*), count(*) filter (where len(hcc_list) > 0 and held is null), avg(risk_score)::double, "
        f"coalesce(sum(len(hccs_added)) filter (where held is null), 0)::bigint from {snapshots} group by month order by month"
    ).fetchall()
    return tuple(
        Month(
            month=month,
            people=people,
            with_hcc=with_hcc,
            mean=None if mean is None else round(mean, 4),
            hccs_added=added_hccs,
        )
        for month, people, with_hcc, mean, added_hccs in rows
    )
