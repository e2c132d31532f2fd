"""The scores as functions of BigQuery: for each model and year a table function of all people, and what one code is.

They are SQL, so BigQuery runs them where the data are. A Python function there takes one row at a time and cannot see a
table, and a score needs all of a person's diagnoses. The functions stand in the dataset of the tables that the dbt project
builds, and read its staged people and diagnoses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import sqlglot
from sqlglot import exp

from careloom.risk.dbt.emit import FOLDER, edition_name
from careloom.risk.payment.payment_factors import Money
from careloom.risk.population.columns import PEOPLE, normal_code
from careloom.risk.published.lookup_tables import Lookups, lookups
from careloom.risk.sql.statement import Names, build

DIALECT = "bigquery"
PERSONS, CODES = "staging.stg_participants", "intermediate.int_diagnoses"
UNTIL = "coded_until"

_HEADER = """-- written by `careloom risk emit --functions`: change it there, not here
-- It reads what `careloom risk emit --project` writes and dbt builds: {persons}, {codes} and {folder}.*
"""
_PEOPLE = """
SELECT {columns}, COALESCE(p.age, CAST({year} - EXTRACT(YEAR FROM p.birth_date) - CASE
  WHEN EXTRACT(MONTH FROM p.birth_date) * 100 + EXTRACT(DAY FROM p.birth_date) > 201 THEN 1 ELSE 0 END AS FLOAT64)) AS age
FROM {persons} AS p
"""
_DIAGNOSES = """
SELECT d.person_id, d.diagnosis_code FROM {codes} AS d
WHERE d.service_date IS NULL
  OR (d.service_date BETWEEN DATE '{first}' AND DATE '{last}' AND d.service_date <= COALESCE({until}, DATE '{last}'))
"""
_CATEGORIES = """
COALESCE((
  SELECT ARRAY_AGG(c.hcc ORDER BY CAST(c.hcc AS INT64))
  FROM {folder}.hcc_code_categories AS c
  WHERE c.model = '{model}' AND c.payment_year = {year} AND c.applies IN ('always', 'unless') AND c.diagnosis_code = {code}
), [])
"""


def functions(editions: Mapping[tuple[str, int], Money]) -> str:
    """The script that makes, for each model and year, `<edition>_risk_scores(coded_until)` and `<edition>_categories(code)`.

    The first has the columns and rows of `careloom.risk.score` with the diagnoses of the service year up to that day, and
    those without a day; NULL is the whole year. The second is the list of a code's categories, for people whom no edit
    by sex or age concerns.

    Raises:
        Fix: there is no such model, or it has no tables in that year.

    """
    parts = [_HEADER.format(persons=PERSONS, codes=CODES, folder=FOLDER)]
    for (model, year), money in editions.items():
        edition = lookups(model, year)
        prefix = edition_name(edition.read.model.name, year)
        scores, code_categories = (
            query.sql(DIALECT, pretty=True) for query in (scores_until(edition, money), categories(edition))
        )
        signature = f"{FOLDER}.{prefix}_categories(code STRING) RETURNS ARRAY<STRING>"
        parts += [f"-- {model} of {year}: {edition.read.caution}\n"] * bool(edition.read.caution)
        parts.append(
            f"CREATE OR REPLACE TABLE FUNCTION {FOLDER}.{prefix}_risk_scores({UNTIL} DATE) AS (\n{scores}\n);\n"
        )
        parts.append(f"CREATE OR REPLACE FUNCTION {signature} AS (\n{code_categories}\n);\n")
    return "\n".join(parts)


def scores_until(edition: Lookups, money: Money) -> exp.Select:
    """The scoring statement over the project's tables, with `coded_until` free in it."""
    year, prefix = edition.read.year, edition_name(edition.read.model.name, edition.read.year)
    tables = {name: f"{FOLDER}.{prefix}_{name.removeprefix('hcc_')}" for name in edition.tables}
    statement = build(edition, money, Names(people="persons", diagnoses="coded", lookups=tables), DIALECT)
    columns = ", ".join(f"p.{name}" for name in PEOPLE if name != "age")
    first, last = date(year - 1, 1, 1), date(year - 1, 12, 31)
    queries = {
        "persons": _PEOPLE.format(columns=columns, year=year, persons=PERSONS),
        "coded": _DIAGNOSES.format(codes=CODES, first=first, last=last, until=UNTIL),
    }
    _first(statement, queries)
    return statement


def _first(statement: exp.Select, queries: Mapping[str, str]) -> None:
    """Put `queries` before the named queries that the statement has: BigQuery's read only what stands above them."""
    ctes: Sequence[exp.Expr] = statement.args["with_"].expressions
    new_ctes = [
        exp.CTE(this=sqlglot.parse_one(text, read=DIALECT), alias=exp.to_identifier(name))
        for name, text in queries.items()
    ]
    statement.args["with_"].set("expressions", [*new_ctes, *ctes])


def categories(edition: Lookups) -> exp.Expr:
    """The list of the categories of `code` (no column of the table is called so), in their order, and an empty one for a code that has none."""
    code = normal_code(exp.column("code"), edition.read.mode).sql(DIALECT)
    model, year = edition.read.model.name, edition.read.year
    return sqlglot.parse_one(_CATEGORIES.format(folder=FOLDER, model=model, year=year, code=code), read=DIALECT)
