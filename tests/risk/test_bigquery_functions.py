"""The functions for BigQuery: what their script is, and on an emulator that they say what the library says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
import sqlglot
from sqlglot import exp

from careloom.core.errors import Fix
from careloom.risk import COLUMNS, lookups, score, standard_money
from careloom.risk.dbt.functions import functions, scores_until
from careloom.risk.published.tables import read_tables
from risk.bigquery_emulator import Dataset, dataset, population
from risk.bigquery_typing import declare_tables, faults

MODEL, YEAR, SIZE = "V28", 2026, 200
EDITIONS = {(MODEL, YEAR): standard_money(MODEL, YEAR)}
DAYS = (None, date(2025, 1, 31), date(2025, 6, 30), date(2025, 12, 31), date(2024, 12, 31), date(2026, 1, 1))
BORN = {1: date(1956, 2, 1), 2: date(1956, 2, 2), 3: date(1950, 12, 31)}
"""The first is 70 in the year 2026, the second still 69."""


def test_each_model_and_year_has_a_table_function_and_one_of_codes() -> None:
    script = functions(EDITIONS | {("ESRD-V24", 2026): standard_money("ESRD-V24", 2026)})
    trees = sqlglot.parse(script, read="bigquery")
    assert [type(tree) for tree in trees] == [exp.Create] * 4
    assert re.findall(r"^CREATE .*(?= AS \()", script, re.MULTILINE) == [
        "CREATE OR REPLACE TABLE FUNCTION hcc.hcc_v28_2026_risk_scores(coded_until DATE)",
        "CREATE OR REPLACE FUNCTION hcc.hcc_v28_2026_categories(code STRING) RETURNS ARRAY<STRING>",
        "CREATE OR REPLACE TABLE FUNCTION hcc.hcc_esrd_v24_2026_risk_scores(coded_until DATE)",
        "CREATE OR REPLACE FUNCTION hcc.hcc_esrd_v24_2026_categories(code STRING) RETURNS ARRAY<STRING>",
    ]
    assert len(script) < 2 * 256_000  # what BigQuery takes as one statement's text


@pytest.mark.parametrize("model", ["V28", "ESRD-V21"])
def test_bigquery_finds_nothing_to_refuse_in_a_table_function(model: str) -> None:
    statement = scores_until(lookups(model, YEAR), standard_money(model, YEAR)).sql("bigquery")
    declared_tables = declare_tables(model, YEAR)
    tables = {
        f"hcc_{model.lower().replace('-', '_')}_{YEAR}_{name.removeprefix('hcc_')}": one
        for name, one in declared_tables.items()
    }
    people, codes = (
        declared_tables["people"] | {"birth_date": "DATE"},
        declared_tables["diagnoses"] | {"service_date": "DATE"},
    )
    schema: Any = {"hcc": tables, "staging": {"stg_participants": people}, "intermediate": {"int_diagnoses": codes}}
    assert faults(statement.replace("coded_until", "CAST('2025-06-30' AS DATE)"), schema) == []


def test_a_year_without_tables_is_said_so() -> None:
    with pytest.raises(Fix, match="1999"):
        functions({(MODEL, 1999): standard_money(MODEL, YEAR)})


@pytest.fixture(scope="module")
def clinic() -> tuple[pa.Table, pa.Table]:
    """People of whom a few have a birth date instead of an age, and codes on days around the service year."""
    persons, codes = population(MODEL, size=SIZE, seed=91)
    members = persons.to_pylist()
    for number, born in BORN.items():
        members[number] |= {"age": None, "birth_date": born}
    days = pa.array([DAYS[place % len(DAYS)] for place in range(codes.num_rows)], pa.date32())
    schema = persons.schema.append(pa.field("birth_date", pa.date32()))
    return pa.Table.from_pylist(members, schema), codes.append_column("service_date", days)


@pytest.fixture(scope="module")
def bigquery(clinic: tuple[pa.Table, pa.Table]) -> Iterator[Dataset]:
    """The datasets as dbt builds them, with the functions made."""
    with dataset("hcc", "staging", "intermediate") as new_dataset:
        new_dataset.fill("staging.stg_participants", clinic[0])
        new_dataset.fill("intermediate.int_diagnoses", clinic[1])
        for name, table in lookups(MODEL, YEAR).tables.items():
            new_dataset.fill(f"hcc.hcc_v28_2026_{name.removeprefix('hcc_')}", table)
        new_dataset.fill("hcc.hcc_code_categories", _code_categories())
        new_dataset.run(functions(EDITIONS))
        yield new_dataset


def _code_categories() -> pa.Table:
    """As the project's model of that name: an edit's own category only applies if it fires."""
    tables = read_tables(MODEL, YEAR)
    rows = [
        {"diagnosis_code": code, "hcc": hcc, "applies": "unless" if code in tables.edits else "always"}
        for code, found in tables.codes.items()
        for hcc in found
    ]
    rows += [
        {"diagnosis_code": code, "hcc": edit.category, "applies": "if"}
        for code, edit in tables.edits.items()
        if edit.category
    ]
    other_values = [{"diagnosis_code": "E119", "hcc": "19", "applies": "always", "model": "V24"}]
    return pa.Table.from_pylist([{"model": MODEL, "payment_year": YEAR} | row for row in [*rows, *other_values]])


@pytest.mark.parametrize("until", [None, date(2025, 1, 31), date(2025, 11, 30)])
def test_the_table_function_scores_each_person_with_what_was_coded_until_that_day(
    bigquery: Dataset, clinic: tuple[pa.Table, pa.Table], until: date | None
) -> None:
    persons, codes = clinic
    day, last = codes["service_date"], until or date(2025, 12, 31)
    counts = pc.and_(pc.greater_equal(day, pa.scalar(date(2025, 1, 1))), pc.less_equal(day, pa.scalar(last)))
    table = codes.filter(pc.fill_null(counts, fill_value=True)).drop_columns(["service_date"])
    row_list = score(persons, table, model=MODEL, year=YEAR).to_pylist()
    text = f"DATE '{until}'" if until else "NULL"
    rows = bigquery.run(f"SELECT * FROM hcc.hcc_v28_2026_risk_scores({text})")
    rows_by_person_id = {row["person_id"]: row for row in rows}
    assert len(rows) == len(rows_by_person_id) == SIZE
    for row in row_list:
        other = rows_by_person_id[row["person_id"]]
        assert other.pop("risk_score_payment") == pytest.approx(row.pop("risk_score_payment"), abs=1e-12)
        assert {name: other[name] for name in COLUMNS if name in row} == row


def test_a_codes_categories_are_a_list_whatever_way_the_code_is_written(bigquery: Dataset) -> None:
    rows = bigquery.run(
        "SELECT code, hcc.hcc_v28_2026_categories(code) AS found FROM UNNEST([' e11.9', 'I70231', 'C50011', 'Z0000', '', 'nothing']) AS code"
    )
    tables = read_tables(MODEL, YEAR)
    both = sorted(tables.codes["I70231"], key=int)
    assert len(both) == 2
    assert {row["code"]: row["found"] for row in rows} == {
        " e11.9": ["38"],
        "I70231": both,
        "C50011": sorted(tables.codes["C50011"], key=int),
        "Z0000": [],
        "": [],
        "nothing": [],
    }
