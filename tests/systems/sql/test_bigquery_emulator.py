"""BigQuery, read from an emulator that answers the official client over HTTP and gRPC.

    python3.13 -m venv V && V/bin/pip install local-bigquery==0.3.2 duckdb==1.5.5 duckdb-extension-{ducklake,spatial}==1.5.5
    CARELOOM_TEST_BIGQUERY_EMULATOR="V/bin/python tests/systems/sql/serve_local_bigquery.py" pytest tests/systems/sql

Any other emulator: start it, and set BIGQUERY_EMULATOR_HOST=http://HOST:PORT. Emulators know no permissions and are laxer in
casts; how refusals are read, and what exactly is sent, is proven in test_bigquery.py.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from decimal import Decimal

import pytest

pytest.importorskip("google.cloud.bigquery_storage", reason="the extra gcp is not installed")

import grpc
from google.cloud.bigquery_storage import BigQueryReadClient
from google.cloud.bigquery_storage_v1.services.big_query_read.transports import BigQueryReadGrpcTransport

from careloom.core.errors import Fix, ProjectFault, RemoteUnavailable
from careloom.core.ports import Query, Since, Source
from careloom.systems.hubspot.simulator import RunningSimulator
from careloom.systems.sql import bigquery
from careloom.systems.sql.bigquery import Bigquery
from cli.shell import call
from services.sync_project import Clinic
from systems.sql.bigquery_emulator import COMMAND, PROJECT, RUNNING, WHY_NOT, Emulator, running_emulator
from systems.sql.source_checks import rows

pytestmark = pytest.mark.skipif(not (COMMAND or RUNNING), reason=WHY_NOT)

TABLE = """
create table {dataset}.Patients (
  ID int64, Name string, Weight float64, Paid numeric, Huge bignumeric, Active bool, Born date, Seen timestamp,
  Local datetime, At time, Raw bytes, Doc json, Tags array<string>, Who struct<first string, last string>
)
"""
ROWS = """
insert into {dataset}.Patients values
  (1, 'Testa Öne', 61.5, numeric '12.340000001', bignumeric '12.5', true, date '1950-02-28',
   timestamp '2026-01-02 03:04:05.123456+00', datetime '2026-01-02 10:11:12.123456', time '10:11:12.5', b'ab',
   json '{{"a":1}}', ['x', 'y'], struct('Testa', 'Öne')),
  (2, null, null, null, null, null, null, null, null, null, null, null, null, null),
  (3, '', 0, numeric '-0.5', bignumeric '0', false, date '2999-12-31', timestamp '0001-01-01 00:00:00+00',
   datetime '0001-01-01 00:00:00', time '00:00:00', b'', json '[]', [], struct('', null))
"""
TYPES = {
    "ID": "BIGINT",
    "Name": "VARCHAR",
    "Weight": "DOUBLE",
    "Paid": "DECIMAL(38,9)",
    "Huge": "VARCHAR",
    "Active": "BOOLEAN",
    "Born": "DATE",
    "Seen": "TIMESTAMP WITH TIME ZONE",
    "Local": "TIMESTAMP",
    "At": "TIME",
    "Raw": "BLOB",
    "Doc": "VARCHAR",
    "Tags": "VARCHAR[]",
    "Who": 'STRUCT("first" VARCHAR, "last" VARCHAR)',
}
FIRST = {
    "ID": 1,
    "Name": "Testa Öne",
    "Weight": 61.5,
    "Paid": Decimal("12.340000001"),
    "Active": True,
    "Born": dt.date(1950, 2, 28),
    "Seen": dt.datetime(2026, 1, 2, 3, 4, 5, 123456, dt.UTC),
    "Local": dt.datetime.fromisoformat("2026-01-02T10:11:12.123456"),
    "At": dt.time(10, 11, 12, 500000),
    "Raw": b"ab",
    "Doc": '{"a":1}',
    "Tags": ["x", "y"],
    "Who": {"first": "Testa", "last": "Öne"},
}


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with running_emulator(tmp_path_factory.mktemp("bigquery")) as running:
        yield running


@pytest.fixture(scope="module")
def dataset(emulator: Emulator) -> Iterator[str]:
    with emulator.dataset() as name:
        client = emulator.client()
        for statement in (TABLE, ROWS, "create table {dataset}.visits (ID int64)"):
            client.query_and_wait(statement.format(dataset=name))
        client.close()
        yield name


@pytest.fixture(autouse=True)
def _client_asks_the_emulator(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", emulator.url)


@pytest.fixture
def lake(open_source: Callable[..., Source], dataset: str) -> Source:
    return open_source(url=f"bigquery://{PROJECT}/{dataset}")


@pytest.fixture
def streaming_source(emulator: Emulator, dataset: str) -> Iterator[Bigquery]:
    """The same dataset, whose results come through the emulator's Storage API."""
    if not emulator.storage:
        pytest.skip("where the emulator's Storage API listens is not known")
    transport = BigQueryReadGrpcTransport(channel=grpc.insecure_channel(emulator.storage))
    source = Bigquery(emulator.client(), PROJECT, dataset, BigQueryReadClient(transport=transport))
    yield source
    source.close()
    source.close()


def by_id(read: list[dict[str, object]]) -> list[dict[str, object]]:
    return sorted(read, key=lambda row: row["ID"])


def test_every_type_is_described_as_it_is_read(lake):
    assert dict(lake.columns(Query(table="Patients"))) == TYPES


def test_values_arrive_as_they_were_stored(lake):
    first, _, third = by_id(rows(lake, table="Patients"))
    assert {name: first[name] for name in FIRST} == FIRST
    assert (third["Name"], third["Weight"], third["Paid"], third["Active"]) == ("", 0.0, Decimal("-0.5"), False)
    assert (third["Born"], third["Seen"].year) == (dt.date(2999, 12, 31), 1)


def test_exact_numbers_are_written_as_people_write_them(lake):
    first, _, third = by_id(rows(lake, table="Patients"))
    assert first["Huge"].rstrip("0") == "12.5"
    assert Decimal(third["Huge"]) == 0
    assert "E" not in third["Huge"]


def test_what_is_not_there_is_null(lake):
    second = by_id(rows(lake, table="Patients"))[1]
    # BigQuery itself stores no array as an empty one.
    assert {name for name, value in second.items() if value is not None} == {"ID", "Tags"}
    assert second["Tags"] == []


# One of Google's packages warns another of them; the call is not ours.
@pytest.mark.filterwarnings("ignore:Retrieving Arrow record batches:PendingDeprecationWarning")
def test_the_storage_api_gives_the_same_rows(lake, streaming_source, monkeypatch):
    sessions = []
    create = streaming_source._storage.create_read_session
    monkeypatch.setattr(
        streaming_source._storage, "create_read_session", lambda **asked: sessions.append(asked) or create(**asked)
    )
    assert by_id(rows(streaming_source, table="Patients")) == by_id(rows(lake, table="Patients"))
    assert len(sessions) == 1


def test_the_storage_api_gives_no_row_where_there_is_none(streaming_source):
    assert rows(streaming_source, sql="select * from Patients where ID > 3") == []


def test_a_dataset_without_rows_reads_as_nothing(lake):
    assert rows(lake, table="visits") == []


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("ID", "2", [2, 3]),
        ("name", "Testa", [1]),
        ("Weight", "0.5", [1]),
        ("Paid", "12.340000001", [1]),
        ("Born", "1950-02-28", [1, 3]),
        ("Born", "1950-02-28 23:00:00", [1, 3]),
        ("Born", "1950-03-01", [3]),
        ("Seen", "2026-01-02T03:04:05.123456+00:00", [1]),
        ("Seen", "2026-01-01 22:04:05.123456-05", [1]),
        ("Seen", "2026-01-02T03:04:05.123457+00:00", []),
        ("Local", "2026-01-02 10:11:12.123456", [1]),
        ("Local", "2026-01-02 10:11:12.123457", []),
    ],
)
def test_since_gives_rows_at_or_after_it(lake, column, value, expected):
    read = rows(lake, Since(column=column, value=value), table="Patients")
    assert [row["ID"] for row in by_id(read)] == expected


def test_a_statement_in_bigquerys_words_is_read(lake, dataset):
    row_list = rows(
        lake,
        sql=f"select p.ID, json_value(Doc, '$.a') as a, safe_cast(Name as int64) as n from `{PROJECT}.{dataset}.Patients` as p"
        " where true qualify row_number() over (order by ID) = 1",
    )
    assert row_list == [{"ID": 1, "a": "1", "n": None}]


def test_a_table_may_be_written_with_its_dataset(lake, dataset):
    assert dict(lake.columns(Query(table=f"{dataset}.Patients"))) == TYPES


def test_an_unknown_table_is_answered_with_the_nearest(lake):
    with pytest.raises(ProjectFault, match=r"no table Pateints \[unknown-table\]\n.*: Patients$"):
        lake.columns(Query(table="Pateints"))


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("select wieght from Patients", r"refuses the statement \(it names wieght\) \[bad-sql\]"),
        ("select * from Pateints", r"no such project, dataset or table \(it names Pateints.*\) \[no-dataset\]"),
    ],
)
def test_a_wrong_statement_is_told_by_what_it_names(lake, sql, message):
    with pytest.raises(ProjectFault, match=message):
        lake.columns(Query(sql=sql))


def test_a_value_that_stops_a_read_is_not_quoted(lake):
    with pytest.raises(ProjectFault, match="bad-sql") as error:
        rows(lake, sql="select cast(Name as int64) as n from Patients where ID = 1")
    assert "Testa" not in str(error.value)


def test_an_unknown_dataset_is_a_fault(open_source):
    with pytest.raises(ProjectFault, match="no-dataset"):
        open_source(url=f"bigquery://{PROJECT}/nowhere").columns(Query(table="Patients"))


def test_no_key_is_needed_or_shown(open_source, dataset):
    lake = open_source(url=f"bigquery://{PROJECT}/{dataset}", password="secret:clinic-db")
    assert lake._storage is None
    assert len(rows(lake, table="Patients")) == 3


def test_an_emulator_without_a_scheme_is_refused_with_the_fix(open_source, monkeypatch):
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", "127.0.0.1:9050")
    with pytest.raises(Fix, match="write http://HOST:PORT"):
        open_source(url=f"bigquery://{PROJECT}/lake")


def test_nobody_answering_is_said_soon_and_ends_with_later(open_source, monkeypatch):
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", "http://127.0.0.1:9")
    monkeypatch.setattr(bigquery, "PATIENCE", 0.5)
    with pytest.raises(RemoteUnavailable, match="does not answer"):
        open_source(url=f"bigquery://{PROJECT}/lake").columns(Query(table="Patients"))


# ---------------------------------------------------------------- a whole sync

PEOPLE = """\
sync: people
from: {system: files, table: People, key: ID, cursor: Changed, look_back: 1 day}
to: {system: crm, object: contacts, key: clinic_id}
fields:
  firstname: First
  email: Email
  born: {from: Born, type: date, label: Born}
  owed: {from: Owed, type: number, label: Owed}
"""


def test_a_clinic_in_bigquery_is_kept_equal_in_the_portal(emulator, dataset, database, tmp_path):
    client = emulator.client()
    client.query_and_wait(
        f"create table {dataset}.People (ID int64, First string, Email string, Born date, Owed numeric, Changed date) as"
        " select n, concat('Testa', n), concat('t', n, '@clinic.example'), date '1950-02-28', n + numeric '0.25',"
        " date_add(date '2026-01-01', interval n day) from unnest(generate_array(1, 20)) as n"
    )
    with RunningSimulator("--tier", "unlimited") as portal:
        clinic = Clinic(tmp_path, database, portal, source=f"bigquery://{PROJECT}/{dataset}")
        clinic.write(PEOPLE)
        first = call(clinic, "run")
        assert (first.code, "20 rows read = 20 created" in first.out) == (0, True), first
        client.query_and_wait(f"update {dataset}.People set Owed = 9.5, Changed = date '2026-01-22' where ID = 7")
        second = call(clinic, "run")
        assert (second.code, "3 rows read = 1 updated + 2 the same" in second.out) == (0, True), second
        seven = clinic.record("7")
        assert (seven["born"], seven["owed"]) == ("1950-02-28", "9.5")
    client.close()
