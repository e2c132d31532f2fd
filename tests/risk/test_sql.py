"""One statement on every engine: executed on DuckDB and PostgreSQL, parsed as BigQuery and Spark read it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import psycopg
import pyarrow as pa
import pytest
import sqlglot
from psycopg import sql

from careloom.core.errors import Fix
from careloom.risk.model.models import MODELS
from careloom.risk.payment.payment_factors import Money
from careloom.risk.population.columns import PEOPLE
from careloom.risk.published.lookup_tables import lookups
from careloom.risk.scores.score import score
from careloom.risk.sql.dialects import DIALECTS
from careloom.risk.sql.statement import COLUMNS, Names, scoring_statement
from risk.people import diagnoses, people

MONEY = Money(normalization=1.067, coding_intensity=0.059, grafts=1.104)
POSTGRES = {"VARCHAR": "text", "DOUBLE": "double precision", "BOOLEAN": "boolean", "INTEGER": "integer", "": "bigint"}
ARROW = {"string": "text", "int64": "bigint", "int32": "integer", "bool": "boolean"}


def _fill(connection: psycopg.Connection, name: str, kinds: dict[str, str], rows: list[tuple[Any, ...]]) -> None:
    columns = sql.SQL(", ").join(sql.SQL("{} {}").format(sql.Identifier(c), sql.SQL(k)) for c, k in kinds.items())
    connection.execute(sql.SQL("create temp table {} ({})").format(sql.Identifier(name), columns))
    with connection.cursor().copy(sql.SQL("copy {} from stdin").format(sql.Identifier(name))) as copy:
        for row in rows:
            copy.write_row(row)


def _on_postgres(database: str, model: str, mode: str, population: Any, codes: Any) -> dict[int, dict[str, Any]]:
    with psycopg.connect(database) as connection:
        for name, table in lookups(model, 2026, mode).tables.items():
            kinds = {field.name: ARROW[str(field.type)] for field in table.schema}
            _fill(connection, name, kinds, [tuple(row.values()) for row in table.to_pylist()])
        kinds = {name: POSTGRES[kind] for name, kind in PEOPLE.items()}
        _fill(connection, "people", kinds, [tuple(person[name] for name in PEOPLE) for person in population])
        pairs = [(number, code) for number, found in codes.items() for code in found]
        _fill(connection, "diagnoses", {"person_id": "bigint", "diagnosis_code": "text"}, pairs)
        cursor = connection.execute(scoring_statement(model, 2026, mode=mode, money=MONEY, dialect="postgres").encode())
        return {row[0]: dict(zip(COLUMNS, row, strict=True)) for row in cursor}


@pytest.mark.parametrize(
    ("model", "mode"), [("V28", "cms"), ("V24", "compat"), ("ESRD-V24", "cms"), ("ESRD-V21", "cms"), ("V22", "cms")]
)
def test_postgresql_says_what_duckdb_says_of_every_person(database: str, model: str, mode: str) -> None:
    population = people(400, seed=21)
    codes = diagnoses(population, model=model, seed=22)
    pairs = pa.table(
        {
            "person_id": [number for number, found in codes.items() for _ in found],
            "diagnosis_code": [code for person_codes in codes.values() for code in person_codes],
        }
    )
    table = pa.Table.from_pylist(population)
    score_rows = score(table, pairs, model=model, year=2026, mode=mode, money=MONEY).to_pylist()
    there = _on_postgres(database, model, mode, population, codes)
    assert len(there) == len(score_rows) == len(population)
    for here in score_rows:
        row = there[here["person_id"]]
        assert row.pop("risk_score_payment") == pytest.approx(here.pop("risk_score_payment"), abs=1e-12)
        assert row == here


@pytest.mark.parametrize(
    ("model", "dialect"),
    [
        (name, dialect)
        for name, one in MODELS.items()
        for dialect in DIALECTS
        if not one.variant or dialect == "spark"
        if name != "RX-V08"
    ],
)
def test_every_rendering_is_read_back_as_one_statement_with_the_same_columns(model: str, dialect: str) -> None:
    year = 2027 if MODELS[model].variant or MODELS[model].proposed else 2026
    trees = sqlglot.parse(scoring_statement(model, year, dialect=dialect), read=dialect)
    assert len(trees) == 1
    assert trees[0] is not None
    assert tuple(column.alias_or_name for column in trees[0].selects) == COLUMNS


@pytest.mark.parametrize("dialect", ["bigquery", "spark"])
def test_renderings_use_the_words_of_their_engine(dialect: str) -> None:
    text = scoring_statement("V28", 2026, dialect=dialect)
    words = {"bigquery": ("INT64", "ARRAY_CONCAT", "BIT_OR"), "spark": ("SHIFTRIGHT", "ARRAY_REMOVE", "BIT_OR")}
    for word in words[dialect]:
        assert word in text or word == "INT64"
    assert "STRING_TO_ARRAY" not in text
    assert "LIST_CONCAT" not in text


def test_tables_may_be_called_otherwise() -> None:
    names = Names(people="clinic.members", diagnoses="clinic.dx", lookups={"hcc_codes": "seeds.codes"})
    tree = sqlglot.parse_one(scoring_statement("V24", 2026, names=names), read="duckdb")
    rows = {table.sql() for table in tree.find_all(sqlglot.exp.Table)}
    assert any(name.startswith("clinic.members") for name in rows)
    assert any(name.startswith("seeds.codes") for name in rows)
    assert not any(name.startswith("people") for name in rows)


def test_an_engine_that_nobody_made_it_for_is_said_so() -> None:
    with pytest.raises(Fix, match="oracle"):
        scoring_statement("V28", 2026, dialect="oracle")


def test_scores_are_decimals_of_three_places() -> None:
    person = pa.table({"person_id": [1], "age": [70], "sex": ["F"]})
    table = pa.table({"person_id": pa.array([], pa.int64()), "diagnosis_code": pa.array([], pa.string())})
    scores = score(person, table, model="V28", year=2026)
    assert scores.schema.field("risk_score").type == pa.decimal128(12, 3)
    assert isinstance(scores["risk_score"][0].as_py(), Decimal)
    assert scores.schema.field("risk_score_payment").type == pa.float64()
