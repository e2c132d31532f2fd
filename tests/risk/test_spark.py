"""The rendering for Spark, executed by Spark itself: two worker processes where they can be had, and every row compared."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from careloom.risk import COLUMNS, Money, lookups, score, scoring_statement
from careloom.risk.population.columns import PEOPLE
from risk.people import diagnoses, people

py4j = pytest.importorskip("py4j.protocol", reason="pyspark is not installed; make spark")
spark_sql = pytest.importorskip("pyspark.sql", reason="pyspark is not installed; make spark")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("spark"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),  # the bridge to Java leaves a socket
    pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs a Java 17 or newer, and there is none"),
]

MONEY = Money(normalization=1.067, coding_intensity=0.059, grafts=1.104)
ARROW = {"": pa.int64(), "DOUBLE": pa.float64(), "VARCHAR": pa.string(), "BOOLEAN": pa.bool_(), "INTEGER": pa.int32()}
JAVA = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
"""A few hundred rows are not worth a compiler's time."""
WORKERS = ("local-cluster[2,1,1024]", "local[2]")
"""Workers in processes of their own, that shuffle rows between them; where these cannot start, threads of one."""


def _start_spark(master: str, folder: Path) -> Any:
    settings = {
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.executor.memory": "768m",
        "spark.executor.extraJavaOptions": JAVA,
        "spark.driver.extraJavaOptions": JAVA,
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.codegen.wholeStage": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.ansi.enabled": "true",
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.local.dir": str(folder / "local"),
        "spark.log.level": "ERROR",
    }
    builder = spark_sql.SparkSession.builder.master(master).appName("risk")
    for name, value in settings.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sql("select sum(id) from range(10)").collect()  # workers that cannot start fail here
    return session


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    folder = tmp_path_factory.mktemp("spark")
    former_environment = os.environ.copy()
    os.environ |= {"SPARK_LOCAL_IP": "127.0.0.1", "SPARK_WORKER_DIR": str(folder / "work")}
    try:
        session = _start_spark(WORKERS[0], folder)
    except py4j.Py4JError as error:
        sys.stderr.write(f"no workers in processes of their own, so threads: {error}\n")
        session = _start_spark(WORKERS[1], folder)
    yield session
    session.stop()
    os.environ.clear()
    os.environ.update(former_environment)


def _population(model: str) -> tuple[pa.Table, pa.Table]:
    population = people(400, seed=71)
    codes_by_person = diagnoses(population, model=model, seed=72)
    pairs = [(number, code) for number, mine in codes_by_person.items() for code in mine]
    schema = pa.schema([(name, ARROW[kind] if name != "person_id" else pa.int64()) for name, kind in PEOPLE.items()])
    codes = {"person_id": [number for number, _ in pairs], "diagnosis_code": [code for _, code in pairs]}
    return pa.Table.from_pylist(population, schema), pa.table(codes)


def _on_spark(spark: Any, folder: Path, statement: str, tables: dict[str, pa.Table]) -> dict[int, dict[str, Any]]:
    for name, table in tables.items():
        pq.write_table(table, folder / f"{name}.parquet")
        frame = spark.read.parquet(str(folder / f"{name}.parquet"))
        (frame.repartition(2) if name in ("people", "diagnoses") else frame).createOrReplaceTempView(name)
    score_rows = spark.sql(statement)
    assert tuple(score_rows.columns) == COLUMNS
    return {row["person_id"]: row.asDict() for row in score_rows.collect()}


@pytest.mark.parametrize(("model", "mode"), [("V28", "cms"), ("V24", "cms")])
def test_spark_says_what_duckdb_says_of_every_person(spark: Any, tmp_path: Path, model: str, mode: str) -> None:
    persons, codes = _population(model)
    statement = scoring_statement(model, 2026, mode=mode, money=MONEY, dialect="spark")
    tables = {"people": persons, "diagnoses": codes} | dict(lookups(model, 2026, mode).tables)
    there = _on_spark(spark, tmp_path, statement, tables)
    rows = score(persons, codes, model=model, year=2026, mode=mode, money=MONEY).to_pylist()
    assert len(there) == len(rows) == persons.num_rows
    assert sum(row["risk_score"] is not None for row in rows) > 300
    for row in rows:
        other = there[row["person_id"]]
        assert other.pop("risk_score_payment") == pytest.approx(row.pop("risk_score_payment"), abs=1e-12)
        assert other == row
