"""The rendering for BigQuery, executed by an emulator of it, and every row compared.

The emulator is not Google's: it translates BigQuery's SQL and runs it on DuckDB. What it cannot tell (a function that BigQuery has not,
types that BigQuery does not compare) is what `test_bigquery_types.py` looks at.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from careloom.risk import COLUMNS, Money, lookups, score, scoring_statement
from risk.bigquery_emulator import Dataset, dataset, population

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("bigquery")]

MONEY = Money(normalization=1.067, coding_intensity=0.059, grafts=1.104)
SIZE = 400


@pytest.fixture(scope="module")
def bigquery() -> Iterator[Dataset]:
    with dataset() as new_dataset:
        yield new_dataset


@pytest.mark.parametrize("model", ["V28", "ESRD-V24"])
def test_bigquery_says_what_duckdb_says_of_every_person(bigquery: Dataset, model: str) -> None:
    persons, codes = population(model, size=SIZE, seed=71)
    tables = {"people": persons, "diagnoses": codes} | dict(lookups(model, 2026).tables)
    for name, table in tables.items():
        bigquery.fill(name, table)
    rows = bigquery.run(scoring_statement(model, 2026, money=MONEY, dialect="bigquery"))
    assert tuple(rows[0]) == COLUMNS
    rows_by_person_id = {row["person_id"]: row for row in rows}
    row_list = score(persons, codes, model=model, year=2026, money=MONEY).to_pylist()
    assert len(rows_by_person_id) == len(rows) == len(row_list) == SIZE
    assert sum(row["risk_score"] is not None for row in row_list) > SIZE * 3 / 4
    assert sum(len(row["hcc_list"]) < len(row["hcc_list_before"]) for row in row_list) > SIZE / 10
    for row in row_list:
        other = rows_by_person_id[row["person_id"]]
        assert other.pop("risk_score_payment") == pytest.approx(row.pop("risk_score_payment"), abs=1e-12)
        assert other == row
