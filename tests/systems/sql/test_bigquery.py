"""BigQuery, tested at its client's own seam.

What an emulator cannot show (test_bigquery_emulator.py asks one): permissions, quotas, what the service is strict about. So
the client is a thin fake: it answers `query`, `list_tables` and `close` with objects of the
official library's own classes where it has public ones (schema fields, job configurations, exceptions), and with a schema
and Arrow batches as the service gives them. What is proven is what is sent and how the answer is read, not the service.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from types import SimpleNamespace

import pyarrow as pa
import pytest

pytest.importorskip("google.cloud.bigquery", reason="the extra gcp is not installed")

from google.api_core import exceptions
from google.auth.exceptions import RefreshError, TransportError
from google.cloud.bigquery import SchemaField

from careloom.core.errors import Fix, NotPermitted, ProjectFault, RemoteUnavailable
from careloom.core.ports import Query, Since
from careloom.systems.sql import bigquery
from careloom.systems.sql.bigquery import Bigquery
from systems.sql.source_checks import rows

SCHEMA = [
    SchemaField("id", "INTEGER"),
    SchemaField("paid", "NUMERIC"),
    SchemaField("huge", "BIGNUMERIC"),
    SchemaField("seen", "TIMESTAMP"),
    SchemaField("local", "DATETIME"),
    SchemaField("tags", "STRING", mode="REPEATED"),
    SchemaField("name", "RECORD", fields=[SchemaField("first", "STRING"), SchemaField("last", "STRING")]),
    SchemaField("doc", "JSON"),
    SchemaField("born", "DATE"),
]
BATCH = pa.RecordBatch.from_arrays(
    [
        pa.array([1], pa.int64()),
        pa.array([Decimal("1.500000000")], pa.decimal128(38, 9)),
        pa.array(["0.1"], pa.string()),
        pa.array([datetime(2026, 1, 1, tzinfo=UTC)], pa.timestamp("us", "UTC")),
        pa.array([datetime.fromisoformat("2026-01-01T10:00:00")], pa.timestamp("us")),
        pa.array([["a", "b"]], pa.list_(pa.string())),
        pa.array([{"first": "Testa", "last": "One"}], pa.struct([("first", pa.string()), ("last", pa.string())])),
        pa.array(['{"a":1.10}'], pa.string()),
        pa.array([date(1950, 2, 28)], pa.date32()),
    ],
    [field.name for field in SCHEMA],
)


class FakeClient:
    def __init__(self) -> None:
        self.jobs: list[tuple[str, object]] = []
        self.refusal: Exception | None = None
        self.no_session: Exception | None = None
        self.fetched: list[object] = []

    def list_tables(self, dataset: str, retry: object) -> list[SimpleNamespace]:
        assert dataset == "clinic-1.lake"
        return [SimpleNamespace(dataset_id="lake", table_id=name) for name in ("Patients", "visits")]

    def query(self, sql: str, job_config: object, retry: object) -> SimpleNamespace:
        if self.refusal is not None:
            raise self.refusal
        self.jobs.append((sql, job_config))
        return SimpleNamespace(schema=SCHEMA, result=lambda: SimpleNamespace(to_arrow_iterable=self.fetch))

    def fetch(self, bqstorage_client: object = None, max_stream_count: int | None = None) -> Iterator[pa.RecordBatch]:
        """Lazily, as the client does: a refusal comes with the first batch."""
        self.fetched.append(bqstorage_client)
        if bqstorage_client is not None and self.no_session is not None:
            raise self.no_session
        yield BATCH

    def close(self) -> None:
        self.closed = True


@pytest.fixture(autouse=True)
def _no_emulator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BIGQUERY_EMULATOR_HOST", raising=False)


@pytest.fixture
def client() -> FakeClient:
    return FakeClient()


@pytest.fixture
def lake(client: FakeClient) -> Bigquery:
    return Bigquery(client, "clinic-1", "lake")


def test_types_are_described_by_a_dry_run(lake, client):
    assert dict(lake.columns(Query(table="Patients"))) == {
        "id": "BIGINT",
        "paid": "DECIMAL(38,9)",
        "huge": "VARCHAR",
        "seen": "TIMESTAMP WITH TIME ZONE",
        "local": "TIMESTAMP",
        "tags": "VARCHAR[]",
        "name": 'STRUCT("first" VARCHAR, "last" VARCHAR)',
        "doc": "VARCHAR",
        "born": "DATE",
    }
    ((sql, config),) = client.jobs
    assert sql == "SELECT * FROM (SELECT * FROM `lake`.`Patients`) AS q"
    assert config.dry_run
    assert (config.default_dataset.project, config.default_dataset.dataset_id) == ("clinic-1", "lake")


def test_rows_are_read_with_the_types_that_were_described(lake):
    (row,) = rows(lake, table="Patients")
    assert row["huge"] == "0.1"
    assert row["tags"] == ["a", "b"]
    assert row["seen"] == datetime(2026, 1, 1, tzinfo=UTC)


def test_the_service_itself_writes_what_arrow_would_write_as_an_exponent(lake, client):
    rows(lake, table="Patients")
    sql = next(sql for sql, config in client.jobs if not config.dry_run)
    assert sql.startswith("SELECT * REPLACE (CAST(`huge` AS STRING) AS `huge`) FROM (")


def test_since_is_a_parameter_cast_to_the_columns_type(lake, client):
    rows(lake, Since(column="SEEN", value="2026-01-01T02:00:00+02:00"), sql="select * from lake.Patients")
    sql, config = next((sql, config) for sql, config in client.jobs if not config.dry_run)
    assert sql.endswith("AS q WHERE `seen` >= CAST(@since AS TIMESTAMP)")
    (parameter,) = config.query_parameters
    assert (parameter.name, parameter.type_, parameter.value) == ("since", "STRING", "2026-01-01 00:00:00+00:00")


def test_a_look_back_from_a_day_is_asked_as_a_day(lake, client):
    rows(lake, Since(column="born", value="1950-02-27 23:00:00"), table="Patients")
    sql, config = next((sql, config) for sql, config in client.jobs if not config.dry_run)
    assert sql.endswith("WHERE `born` >= CAST(@since AS DATE)")
    assert config.query_parameters[0].value == "1950-02-27"


def test_results_come_through_the_storage_api(client):
    storage = object()
    (row,) = rows(Bigquery(client, "clinic-1", "lake", storage), table="Patients")
    assert row["id"] == 1
    assert client.fetched == [storage]


def test_who_may_ask_but_not_stream_gets_the_same_rows_once(client):
    client.no_session = exceptions.PermissionDenied("bigquery.readsessions.create")
    (row,) = rows(Bigquery(client, "clinic-1", "lake", object()), table="Patients")
    assert row["id"] == 1
    assert client.fetched[-1] is None


def test_a_storage_api_that_is_down_is_no_reason_to_go_another_way(client):
    client.no_session = exceptions.ServiceUnavailable("Quentin")
    with pytest.raises(RemoteUnavailable):
        rows(Bigquery(client, "clinic-1", "lake", object()), table="Patients")
    assert None not in client.fetched


def test_a_column_that_cannot_be_read_is_a_fault_of_the_project(lake, client, monkeypatch):
    monkeypatch.setattr(client, "fetch", lambda: iter([BATCH.set_column(0, "id", pa.array(["Quentin"]))]))
    with pytest.raises(ProjectFault, match="bad-value") as error:
        rows(lake, table="Patients")
    assert "Quentin" not in str(error.value)


def test_table_names_keep_their_case(lake):
    with pytest.raises(ProjectFault, match="Patients"):
        lake.columns(Query(table="PATIENTS"))


@pytest.mark.parametrize(
    ("refusal", "expected"),
    [
        (exceptions.Forbidden("Quentin"), NotPermitted),
        (exceptions.NotFound("Quentin"), ProjectFault),
        (exceptions.BadRequest("Quentin"), ProjectFault),
        (exceptions.Forbidden("Quentin", errors=[{"reason": "accessDenied"}]), NotPermitted),
        (exceptions.Forbidden("Quentin", errors=[{"reason": "rateLimitExceeded"}]), RemoteUnavailable),
        (exceptions.ServiceUnavailable("Quentin"), RemoteUnavailable),
        (exceptions.RetryError("Quentin", ConnectionError()), RemoteUnavailable),
        (RefreshError("Quentin"), NotPermitted),
        (TransportError("Quentin"), RemoteUnavailable),
    ],
)
def test_refusals_say_what_to_do_and_quote_nothing(lake, client, refusal, expected):
    client.refusal = refusal
    with pytest.raises(expected) as error:
        lake.columns(Query(sql="select 1 as one"))
    assert "Quentin" not in str(error.value)
    assert error.value.__suppress_context__


def test_of_googles_words_only_names_in_the_statement_are_said(lake, client):
    client.refusal = exceptions.BadRequest("Bad int64 value: Quentin for `weigth` in weight")
    with pytest.raises(ProjectFault, match=r"\(it names weigth\)") as error:
        lake.columns(Query(sql="select weigth from Patients where name = 'Quentin'"))
    assert "Quentin" not in str(error.value)


def test_without_the_extra_the_fix_is_named(open_source, monkeypatch):
    monkeypatch.setitem(sys.modules, "google.cloud.bigquery", None)
    with pytest.raises(Fix, match=r"pip install 'careloom\[gcp\]'"):
        bigquery._clients("clinic-1", "")


def test_a_password_that_is_no_key_is_refused_without_being_quoted(open_source):
    with pytest.raises(NotPermitted) as error:
        open_source(url="bigquery://clinic-1/lake", password="secret:clinic-db")
    assert "pass-word-7" not in str(error.value)


def test_closing_closes_the_client(lake, client):
    lake.close()
    assert client.closed
