"""What callers hand in, as the two typed tables that the statement reads: `people` and `diagnoses`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from sqlglot import exp

from careloom.core.errors import Fix
from careloom.risk.population.clean import day, whole_text
from careloom.risk.population.columns import CONTRADICTED_AGE, DIAGNOSES, PEOPLE, UNREADABLE_AGE

Data = Any
"""Rows: an Arrow table, a path of Parquet files (`*` allowed), a DuckDB relation, a pandas or a Polars frame."""
YES = ("1", "true", "t", "yes", "y")
NO = ("0", "false", "f", "no", "n")
MEN, WOMEN = ("M", "1", "MALE", "MAN"), ("F", "2", "FEMALE", "WOMAN")
"""Words for a sex, whole: `FTM` and `Mx` are neither."""
_FRACTIONS = ("FLOAT", "DOUBLE")
_NUMBERS = (
    "DECIMAL",
    *_FRACTIONS,
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "UTINYINT",
    "USMALLINT",
    "UINTEGER",
    "UBIGINT",
    "HUGEINT",
)
_EXACT = 2**53
"""Up to here a double is one whole number and no other."""
_TABLE = "the {what} have no column {column!r}; they need {needed}"
_NO_ROWS = "the {what} are no rows: give an Arrow table, a Parquet path, a DuckDB relation, or a data frame"


def take(db: duckdb.DuckDBPyConnection, name: str, data: Data) -> dict[str, str]:
    """Make `data` a view called `given_<name>`; its columns with their DuckDB types come back.

    Raises:
        Fix: it cannot be read as rows.

    """
    view = f"given_{name}"
    if isinstance(data, (str, Path)):
        path = exp.Literal.string(str(data)).sql("duckdb")
        try:
            many = str("*" in str(data)).lower()  # whose columns may differ
            db.execute(
                f"create or replace temp view {view} as select * from read_parquet({path}, union_by_name = {many})"
            )
        except duckdb.Error as error:
            raise Fix(f"the {name} cannot be read from {data}: give a Parquet file that exists") from error
    else:
        try:
            db.register(view, rows(data, name))
        except (duckdb.Error, pa.ArrowException) as error:
            raise Fix(_NO_ROWS.format(what=name)) from error
    description = db.execute(f"describe {view}").fetchall()
    return {column.lower(): kind for column, kind, *_ in description}


def rows(data: Data, name: str) -> Any:
    """`data` as rows that can be read more than once; `name` says what they are.

    Raises:
        Fix: they are no rows.

    """
    if isinstance(data, duckdb.DuckDBPyRelation):  # it belongs to another connection, which this one cannot see into
        return data.to_arrow_table()
    if isinstance(data, (pa.Table, pa.RecordBatch)):
        return data
    if hasattr(data, "__arrow_c_stream__"):  # read twice, so not as a stream
        return pa.table(data)
    if isinstance(data, (list, dict)) or not hasattr(data, "columns"):
        raise Fix(_NO_ROWS.format(what=name))
    return data


def people_view(
    db: duckdb.DuckDBPyConnection, columns: Mapping[str, str], year: int, mode: str, *, as_text: bool
) -> None:
    """Make `people` of `given_people`: every column of `columns.PEOPLE`, NULL where the caller has none.

    Raises:
        Fix: a column that cannot have a default is not there.

    """
    if "age" not in columns and "birth_date" not in columns:
        raise Fix(_TABLE.format(what="people", column="age", needed="person_id, sex, and age or birth_date"))
    for name in ("person_id", "sex"):
        if name not in columns:
            raise Fix(_TABLE.format(what="people", column=name, needed="person_id, sex, and age or birth_date"))
    key = key_text(columns["person_id"]) if as_text else "person_id"
    expressions = [f"{key} as person_id", f"{_age(columns, year)} as age"]
    expressions += [
        f"{_read(name, kind, columns, mode)} as {name}"
        for name, kind in PEOPLE.items()
        if name not in ("person_id", "age")
    ]
    db.execute(f"create or replace temp view people as select {', '.join(expressions)} from given_people")


def diagnoses_view(
    db: duckdb.DuckDBPyConnection, columns: Mapping[str, str], *, as_text: bool, more_columns: Sequence[str] = ()
) -> None:
    """Make `diagnoses` of `given_diagnoses`, with the columns `more_columns` as they are; `people` is there.

    Raises:
        Fix: it has no person or no code.

    """
    for name in DIAGNOSES:
        if name not in columns:
            raise Fix(_TABLE.format(what="diagnoses", column=name, needed=" and ".join(DIAGNOSES)))
    ((_, of_people, *_), *_) = db.execute("describe select person_id from people").fetchall()
    key = key_text(columns["person_id"]) if as_text else _number_key(columns["person_id"], of_people)
    code = "diagnosis_code" if columns["diagnosis_code"] == "VARCHAR" else "cast(diagnosis_code as varchar)"
    expressions = ", ".join([f"{key} as person_id", f"{code} as diagnosis_code", *more_columns])
    db.execute(f"create or replace temp view diagnoses as select {expressions} from given_diagnoses")


def keys_as_text(people: Mapping[str, str], diagnoses: Mapping[str, str]) -> bool:
    """Whether persons' keys must be compared as text: one side has numbers, the other has not."""
    kinds = {_family(columns.get("person_id", "")) for columns in (people, diagnoses)}
    return len(kinds) > 1


def _family(kind: str) -> str:
    return "number" if kind.startswith(_NUMBERS) else kind


def key_text(kind: str) -> str:
    """A person's key of that DuckDB type as text: data frames make 1.0 of 1 where some keys are missing."""
    text = "cast(person_id as varchar)"
    return f"regexp_replace({text}, '[.]0+$', '')" if kind.startswith((*_FRACTIONS, "DECIMAL")) else text


def _number_key(kind: str, of_people: str) -> str:
    """A key that can be compared with that of people; DuckDB compares doubles, in which two whole numbers may be one."""
    fraction = kind.startswith(_FRACTIONS)
    if not of_people.startswith(_NUMBERS) or fraction == of_people.startswith(_FRACTIONS):
        return "person_id"
    if fraction:
        whole_number = f"abs(person_id) < {_EXACT} and person_id = floor(person_id)"
        return f"case when {whole_number} then cast(person_id as bigint) end"
    return f"case when person_id between -{_EXACT} and {_EXACT} then cast(person_id as double) end"


def _age(columns: Mapping[str, str], year: int) -> str:
    """The age given, else that on 1 February of the payment year, by which CMS counts."""
    age_in_years = _given_age(columns["age"]) if "age" in columns else "null::double"
    if "birth_date" not in columns:
        return age_in_years
    birth_day, cutoff = day("birth_date", columns["birth_date"]), f"date '{date(year, 2, 1).isoformat()}'"
    computed_age = (
        f"case when {birth_day} <= {cutoff} then cast(date_sub('year', {birth_day}, {cutoff}) as double) "
        f"when {_is_present('birth_date')} then {UNREADABLE_AGE} end"
    )
    return f"coalesce({age_in_years}, {computed_age})" if "age" in columns else computed_age


def _given_age(kind: str) -> str:
    """What is no number, and not nothing, is no age; a data frame's NaN is nothing."""
    number = "try_cast(age as double)"
    if kind.startswith(_FRACTIONS):
        return f"case when isfinite({number}) then {number} end"
    if kind != "VARCHAR":
        return number
    is_age_text = f"{_is_present('age')} and lower(trim(age)) not in ('nan', 'none', 'null', 'na')"
    return f"case when isfinite({number}) then {number} when {is_age_text} then {UNREADABLE_AGE} end"


def _is_present(column: str) -> str:
    return f"trim(cast({column} as varchar)) <> ''"


def _read(name: str, kind: str, columns: Mapping[str, str], mode: str) -> str:
    """A column as its type; text is cleaned in `cms`, and left as it is in `compat`."""
    if name not in columns:
        return f"cast(null as {kind})"
    if kind == "BOOLEAN":
        return name if columns[name] == "BOOLEAN" else _truth(name)
    if kind == "INTEGER":
        integer = f"try_cast(floor(try_cast({name} as double)) as integer)"
        if mode == "compat":
            return integer
        return f"case when {integer} >= 0 then {integer} when {_is_present(name)} and lower(trim(cast({name} as varchar))) <> 'nan' then -1 end"
    numbers = columns[name].startswith(_NUMBERS)
    text = f"cast(try_cast({name} as integer) as varchar)" if numbers else f"cast({name} as varchar)"
    return text if mode == "compat" and not numbers else _clean(name, whole_text(text))


def _clean(name: str, text: str) -> str:
    if name == "sex":
        men, women = (", ".join(f"'{word}'" for word in words) for words in (MEN, WOMEN))
        return f"case when upper({text}) in ({men}) then 'M' when upper({text}) in ({women}) then 'F' end"
    return f"case when length({text}) = 1 then '0' || {text} else {text} end" if name == "dual_elgbl_cd" else text


def _truth(name: str) -> str:
    text = f"lower(trim(cast({name} as varchar)))"
    yes, no = (", ".join(f"'{word}'" for word in (*words, f"{words[0]}.0")) for words in (YES, NO))
    return f"case when {text} in ({yes}) then true when {text} in ({no}) then false end"


def check_people(db: duckdb.DuckDBPyConnection) -> int:
    """The number of people, each of whom has a key and is there once afterwards.

    Rows that say the same of a person are one; a person of whom they say different things keeps one row, which is held.

    Raises:
        Fix: somebody has no key.

    """
    query = "select count(*), count(person_id), count(distinct person_id) from people"
    rows, with_key, distinct = db.execute(query).fetchone() or (0, 0, 0)
    if rows != with_key:
        raise Fix(f"{rows - with_key} people have no person_id; give each a key")
    if rows != distinct:
        _merge(db)
    return int(distinct)


def _merge(db: duckdb.DuckDBPyConnection) -> None:
    other_columns = ", ".join(f"any_value({name}) as {name}" for name in PEOPLE if name not in ("person_id", "age"))
    db.execute(
        "create or replace temp table merged_people as select person_id, "
        f"case when count(*) = 1 then any_value(age) else {CONTRADICTED_AGE} end as age, {other_columns} "
        "from (select distinct * from people) group by person_id"
    )
    db.execute("create or replace temp view people as from merged_people")
