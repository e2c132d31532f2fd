"""DuckDB files and folders of CSV and Parquet files, read as they are and nothing beside them."""

from __future__ import annotations

import subprocess
import sys
import traceback
from datetime import date
from decimal import Decimal

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from careloom.core.errors import ProjectFault
from careloom.core.ports import Query, Since
from careloom.systems.sql.room import ROOM
from systems.sql.source_checks import rows


def code(caught) -> str:
    (fault,) = caught.value.faults
    return fault.code


def crash_report(caught) -> str:
    """What a crash report would hold: the exception with all that it hangs on."""
    return "".join(traceback.format_exception(caught.value))


@pytest.fixture
def clinic(tmp_path, open_source):
    with duckdb.connect(str(tmp_path / "clinic.duckdb")) as connection:
        connection.execute(
            "create table Patients (Id integer, name varchar, born date, paid decimal(9,2), seen timestamp)"
        )
        connection.execute("insert into Patients values (1, 'Testa One', '1980-01-02', 12.50, '2026-01-01 10:00')")
        connection.execute("insert into Patients values (2, 'Testa Two', null, null, '2026-01-02 10:00')")
        connection.execute("create schema amd")
        connection.execute('create view amd."open claims" as select 7 as claim')
        connection.execute("create table amd.visits as select i as visit from range(120000) t(i)")
    return open_source(url="duckdb://clinic.duckdb")


def test_a_duckdb_table_is_read_with_its_types(clinic):
    assert dict(clinic.columns(Query(table="patients"))) == {
        "Id": "INTEGER",
        "name": "VARCHAR",
        "born": "DATE",
        "paid": "DECIMAL(9,2)",
        "seen": "TIMESTAMP",
    }
    first, second = rows(clinic, table="PATIENTS")
    assert (first["born"], first["paid"]) == (date(1980, 1, 2), Decimal("12.50"))
    assert second["born"] is None


@pytest.mark.parametrize("name", ['amd."open claims"', '"AMD"."Open Claims"', '"open claims"'])
def test_a_quoted_name_and_a_schema_are_understood(clinic, name):
    assert rows(clinic, table=name) == [{"claim": 7}]


def test_batches_are_bounded(clinic):
    sizes = [batch.num_rows for batch in clinic.read(Query(table="amd.visits"))]
    assert sum(sizes) == 120_000
    assert max(sizes) <= 50_000


def test_a_statement_is_read(clinic):
    assert rows(clinic, sql="with p as (select * from patients) select id, upper(name) as n from p where id > 1;") == [
        {"Id": 2, "n": "TESTA TWO"}
    ]


def test_since_is_pushed_down_and_compares_as_the_column_does(clinic):
    (row,) = rows(clinic, Since(column="SEEN", value="2026-01-02T09:00:00+00:00"), table="patients")
    assert row["Id"] == 2
    assert len(rows(clinic, Since(column="id", value="1"), table="patients")) == 2


@pytest.mark.parametrize(
    "sql",
    [
        "drop table patients",
        "select 1; select 2",
        "select 1; drop table patients",
        "insert into patients (id) select 3",
        "with gone as (delete from patients returning id) select * from gone",
        "copy patients to 'out.csv'",
        "select * into other from patients",
        "attach 'other.db'",
        "",
    ],
)
def test_a_statement_that_does_more_than_read_is_refused(clinic, sql):
    with pytest.raises(ProjectFault) as error:
        clinic.columns(Query(sql=sql))
    assert code(error) == "not-a-select"


def test_a_statement_that_is_wrong_is_a_fault(clinic):
    for sql, expected in [
        ("selec 1 frm", "bad-sql"),
        ("select nam from patients", "bad-sql"),
        ("select * from nowhere", "bad-sql"),
    ]:
        with pytest.raises(ProjectFault) as error:
            clinic.columns(Query(sql=sql))
        assert code(error) == expected


def test_a_statement_cannot_leave_the_database(clinic, tmp_path):
    (tmp_path / "other.csv").write_text("a\n1\n")
    with pytest.raises(ProjectFault) as error:
        clinic.columns(Query(sql=f"select * from read_csv('{tmp_path}/other.csv')"))
    assert code(error) == "not-allowed"


def test_an_unknown_table_comes_with_the_nearest_names(clinic):
    with pytest.raises(ProjectFault, match="Patients") as error:
        clinic.columns(Query(table="patient"))
    assert code(error) == "unknown-table"


def test_an_unknown_column_comes_with_the_nearest_names(clinic):
    with pytest.raises(ProjectFault, match="seen") as error:
        rows(clinic, Since(column="sene", value="1"), table="patients")
    assert code(error) == "unknown-column"


def test_two_columns_of_one_name_are_a_fault(clinic):
    with pytest.raises(ProjectFault) as error:
        clinic.columns(Query(sql="select 1 as a, 2 as A"))
    assert code(error) == "same-column"


def test_a_value_that_cannot_be_read_is_a_fault_that_does_not_quote_it(clinic):
    with pytest.raises(ProjectFault) as error:
        list(clinic.read(Query(sql="select cast(name as integer) as n from patients")))
    assert code(error) == "bad-value"
    assert "Testa" not in crash_report(error)


def test_a_missing_file_a_foreign_file_and_a_locked_file_are_told_apart(tmp_path, open_source):
    (tmp_path / "text.duckdb").write_text("not a database, whatever it is called " * 1000)
    locker = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('locked', flush=True); sys.stdin.read()"
    words = [sys.executable, "-c", locker, str(tmp_path / "busy.duckdb")]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        process.stdout.readline()
        for name, expected in [("none", "no-file"), ("text", "not-duckdb"), ("busy", "locked-file")]:
            with pytest.raises(ProjectFault) as error:
                open_source(url=f"duckdb://{name}.duckdb").columns(Query(table="t"))
            assert code(error) == expected


def test_an_absolute_path_is_not_moved_into_the_project(tmp_path, open_source):
    with duckdb.connect(str(tmp_path / "far.duckdb")) as connection:
        connection.execute("create table t as select 1 as one")
    assert rows(open_source(url=f"duckdb://{tmp_path}/far.duckdb"), table="t") == [{"one": 1}]


def test_an_unknown_kind_of_url_is_a_fault(open_source):
    for url in ("mysql://host", "bigquery://project", "secret:odd-db"):
        with pytest.raises(ProjectFault) as error:
            open_source(url=url)
        assert code(error) == "unknown-url"


def test_a_url_that_is_written_out_and_begins_as_none_is_a_fault_of_the_entry():
    for url in ("oracle://x", "csvv://data", "clinic.duckdb"):
        with pytest.raises(ValidationError, match="url"):
            ROOM.options(url=url)


# ---------------------------------------------------------------- folders


@pytest.fixture
def exports(tmp_path, open_source):
    folder = tmp_path / "exports"
    (folder / "amd").mkdir(parents=True)
    (folder / "Plain.csv").write_text('id,zip,flag,name\n007,01234,NO,Testa\n008,,12:30,"Two\nlines, ""quoted"""\n')
    (folder / "amd" / "Patients.csv").write_text("id;born\n1;1980-01-02\n")
    (folder / "drc.Visits.tsv").write_text("id\tseen\n1\t2026-01-02T10:00:00\n2\t2025-01-02 10:00:00\n3\tsoon\n4\t\n")
    return open_source(url="csv://exports")


def test_every_csv_value_stays_the_text_that_it_was(exports):
    assert rows(exports, table="plain") == [
        {"id": "007", "zip": "01234", "flag": "NO", "name": "Testa"},
        {"id": "008", "zip": None, "flag": "12:30", "name": 'Two\nlines, "quoted"'},
    ]


def test_folders_and_dots_are_schemas(exports):
    assert rows(exports, table="amd.Patients") == [{"id": "1", "born": "1980-01-02"}]
    assert rows(exports, table="AMD.patients") == [{"id": "1", "born": "1980-01-02"}]
    assert len(rows(exports, table="drc.Visits")) == 4


def test_a_statement_joins_files(exports):
    sql = "with v as (select id from drc.visits) select p.id from amd.Patients p join v on v.id = p.id"
    assert rows(exports, sql=sql) == [{"id": "1"}]


def test_since_compares_text_as_moments_and_keeps_what_it_cannot_read(exports):
    row_list = rows(exports, Since(column="seen", value="2026-01-01T00:00:00"), table="drc.Visits")
    assert [row["id"] for row in row_list] == ["1", "3"]


@pytest.mark.parametrize("start", ["\ufeff", ""])
def test_a_byte_order_mark_is_no_part_of_a_name(tmp_path, open_source, start):
    (tmp_path / "t.csv").write_text(start + "id,name\n1,Zoë\n", encoding="utf-8")
    assert rows(open_source(url="csv://."), table="t") == [{"id": "1", "name": "Zoë"}]


def test_what_windows_programs_write_is_read(tmp_path, open_source):
    (tmp_path / "t.csv").write_bytes('id,name,zip\n1,"José’s\nfriend",01234\n2,,\n'.encode("cp1252"))
    assert rows(open_source(url="csv://."), table="t") == [
        {"id": "1", "name": "José’s\nfriend", "zip": "01234"},
        {"id": "2", "name": None, "zip": None},
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("2,Testé,x", "line 3, has 3 fields where the header has 2"),
        ("2", "line 3, has 1 fields"),
        ('2,"Testé', "malformed"),
    ],
)
def test_a_malformed_line_is_named_but_not_quoted(tmp_path, open_source, line, says, encoding):
    (tmp_path / "t.csv").write_text(f"id,name\n1,Zoë\n{line}\n", encoding=encoding)
    with pytest.raises(ProjectFault, match=says) as error:
        list(open_source(url="csv://.").read(Query(table="t")))
    assert code(error) == "bad-csv"
    assert "t.csv" in str(error.value)
    assert "Test" not in crash_report(error)


@pytest.mark.parametrize(
    ("text", "expected"), [("", "no-header"), ("id,,x\n1,2,3\n", "no-header"), ("id,ID\n1,2\n", "same-column")]
)
def test_a_header_that_names_nothing_is_a_fault(tmp_path, open_source, text, expected):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(ProjectFault) as error:
        open_source(url="csv://.").columns(Query(table="t"))
    assert code(error) == expected


def test_a_file_with_a_header_only_has_columns_and_no_rows(tmp_path, open_source):
    (tmp_path / "t.csv").write_text("id,name\n")
    source = open_source(url="csv://.")
    assert list(source.columns(Query(table="t"))) == ["id", "name"]
    assert rows(source, table="t") == []


def test_a_folder_that_is_not_there_and_a_file_outside_are_faults(tmp_path, open_source, exports):
    with pytest.raises(ProjectFault) as error:
        open_source(url="csv://nowhere").columns(Query(table="t"))
    assert code(error) == "no-folder"
    (tmp_path / "secret.csv").write_text("a\n1\n")
    with pytest.raises(ProjectFault) as error:
        exports.columns(Query(sql=f"select * from read_csv('{tmp_path}/secret.csv')"))
    assert code(error) == "not-allowed"


def test_parquet_files_keep_their_types(tmp_path, open_source):
    (tmp_path / "lake" / "amd").mkdir(parents=True)
    pq.write_table(pa.table({"id": [1, 2], "born": [date(1980, 1, 2), None]}), tmp_path / "lake" / "amd" / "p.parquet")
    (tmp_path / "lake" / "bad.parquet").write_text("no parquet")
    source = open_source(url="parquet://lake")
    assert dict(source.columns(Query(table="amd.p"))) == {"id": "BIGINT", "born": "DATE"}
    assert rows(source, Since(column="born", value="1980-01-02"), table="p") == [{"id": 1, "born": date(1980, 1, 2)}]
    with pytest.raises(ProjectFault) as error:
        source.columns(Query(table="bad"))
    assert code(error) == "not-parquet"


def test_a_duckdb_file_of_a_newer_release_is_told_as_one(tmp_path, open_source):
    path = tmp_path / "clinic.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create table t as select 1 as a")
    head = bytearray(path.read_bytes())
    head[12:20] = (999).to_bytes(8, "little")
    path.write_bytes(bytes(head))
    with pytest.raises(ProjectFault) as error:
        open_source(url="duckdb://clinic.duckdb").columns(Query(table="t"))
    assert code(error) == "duckdb-version"
    assert "storage version 999" in str(error.value)
    assert "STORAGE_VERSION" in str(error.value)
    path.write_bytes(b"id,name\n1,Testa\n" * 100)
    with pytest.raises(ProjectFault) as error:
        open_source(url="duckdb://clinic.duckdb").columns(Query(table="t"))
    assert code(error) == "not-duckdb"
