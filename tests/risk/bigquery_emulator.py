"""A dataset in the BigQuery emulator that `BIGQUERY_EMULATOR_HOST` names; see CONTRIBUTING.md."""

from __future__ import annotations

import io
import os
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from careloom.risk.population.columns import PEOPLE
from risk.people import diagnoses, people

HOST = "BIGQUERY_EMULATOR_HOST"
ABSENT = f"{HOST} names no BigQuery emulator: CONTRIBUTING.md says how to run one"
ARROW: Mapping[str, pa.DataType] = {
    "": pa.int64(),
    "DOUBLE": pa.float64(),
    "VARCHAR": pa.string(),
    "BOOLEAN": pa.bool_(),
    "INTEGER": pa.int32(),
}


@dataclass(frozen=True, slots=True)
class Dataset:
    """What a test does there: fill a table, run a statement."""

    client: Any
    bigquery: Any
    name: str

    def fill(self, table: str, rows: pa.Table) -> None:
        """Load `rows` as a table of that name (DATASET.NAME for another dataset), typed as the Parquet columns are."""
        file = io.BytesIO()
        pq.write_table(rows, file)
        settings = self.bigquery.LoadJobConfig(source_format="PARQUET", write_disposition="WRITE_TRUNCATE")
        file.seek(0)
        place = table if "." in table else f"{self.name}.{table}"
        self.client.load_table_from_file(file, place, job_config=settings).result()

    def run(self, statement: str) -> list[dict[str, Any]]:
        """The rows of `statement`, in which tables without a dataset are of this one."""
        settings = self.bigquery.QueryJobConfig(default_dataset=f"{self.client.project}.{self.name}")
        return [dict(row.items()) for row in self.client.query(statement, job_config=settings).result()]


@contextmanager
def dataset(*extra: str) -> Iterator[Dataset]:
    """An empty dataset, and `others` by name, for as long as the block lasts: in the emulator, never in Google's cloud."""
    if not os.environ.get(HOST):
        pytest.skip(ABSENT)
    bigquery = pytest.importorskip("google.cloud.bigquery", reason="google-cloud-bigquery is not installed")
    credentials = pytest.importorskip("google.auth.credentials", reason="google-auth is not installed")
    with bigquery.Client(project="careloom-tests", credentials=credentials.AnonymousCredentials()) as client:
        name = f"risk_{uuid.uuid4().hex[:12]}"
        for dataset_name in (name, *extra):
            client.create_dataset(dataset_name)
        try:
            yield Dataset(client, bigquery, name)
        finally:
            for dataset_name in (name, *extra):
                client.delete_dataset(dataset_name, delete_contents=True)


def population(model: str, *, size: int, seed: int) -> tuple[pa.Table, pa.Table]:
    """Invented people and their diagnoses, typed as the statement reads them."""
    members = people(size, seed=seed)
    codes_by_person = diagnoses(members, model=model, seed=seed + 1)
    schema = pa.schema([(name, ARROW[kind]) for name, kind in PEOPLE.items()])
    codes = {
        "person_id": [number for number, mine in codes_by_person.items() for _ in mine],
        "diagnosis_code": [code for person_codes in codes_by_person.values() for code in person_codes],
    }
    return pa.Table.from_pylist(members, schema), pa.table(codes)
