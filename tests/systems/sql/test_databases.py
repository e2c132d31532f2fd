"""PostgreSQL and MySQL, read from real servers: the embedded one, and whatever listens on this machine."""

from __future__ import annotations

import traceback
import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal

import psycopg
import pymysql
import pytest

from careloom.core.errors import CareloomError, NotPermitted, ProjectFault, RemoteUnavailable
from careloom.core.ports import Query, Since
from careloom.systems.sql.postgres import Postgres
from systems.sql.source_checks import rows


def code(caught) -> str:
    (fault,) = caught.value.faults
    return fault.code


# ---------------------------------------------------------------- PostgreSQL


@pytest.fixture
def clinic(database, open_source):
    with psycopg.connect(database) as connection:
        connection.execute("""
            create table patients (
                id int primary key, name text, code char(5), big bigint, paid numeric(12,2), ratio numeric, huge numeric(50,2),
                born date, seen timestamptz, local timestamp, at time, active bool, key uuid, doc jsonb, tags text[],
                raw bytea, price money, gap interval, score real, weight double precision
            )""")
        connection.execute("""
            insert into patients values
                (1, 'Zoë % One', 'ab', 9007199254740993, 1234567890.12, 1.2e-20, 12345678901234567890123456789012345678901234567.89,
                 '1980-01-02', '2026-01-01 10:00+02', '2026-01-01 10:00', '12:30', true,
                 '00000000-0000-0000-0000-000000000001', '{"a": 1.10}', '{x,y}', '\\x00ff', '12.50', '1 day', 1.5, 0.1),
                (2, null, null, null, 'NaN', 'NaN', null, 'infinity', '-infinity', 'infinity', null, null, null, 'null',
                 null, null, null, null, 'NaN', null)""")
        connection.execute(
            'create schema amd; create table amd."Open Claims" (claim int); create table amd."Mixed" (a int)'
        )
    return open_source(url=database)


def test_postgres_types_arrive_exactly(clinic):
    assert dict(clinic.columns(Query(table="patients"))) == {
        "id": "INTEGER",
        "name": "VARCHAR",
        "code": "VARCHAR",
        "big": "BIGINT",
        "paid": "DECIMAL(12,2)",
        "ratio": "VARCHAR",
        "huge": "VARCHAR",
        "born": "DATE",
        "seen": "TIMESTAMP WITH TIME ZONE",
        "local": "TIMESTAMP",
        "at": "TIME",
        "active": "BOOLEAN",
        "key": "VARCHAR",
        "doc": "VARCHAR",
        "tags": "VARCHAR",
        "raw": "BLOB",
        "price": "DECIMAL(19,2)",
        "gap": "VARCHAR",
        "score": "FLOAT",
        "weight": "DOUBLE",
    }
    first, second = rows(clinic, table="patients")
    assert first["code"] == "ab"
    assert first["big"] == 9_007_199_254_740_993
    assert first["paid"] == Decimal("1234567890.12")
    assert first["ratio"] == "0.000000000000000000012"
    assert first["huge"] == "12345678901234567890123456789012345678901234567.89"
    assert first["seen"] == datetime(2026, 1, 1, 8, tzinfo=UTC)
    assert first["local"] == datetime.fromisoformat("2026-01-01T10:00:00")
    assert (first["key"], first["doc"], first["tags"]) == (
        "00000000-0000-0000-0000-000000000001",
        '{"a": 1.10}',
        "{x,y}",
    )
    assert (first["raw"], first["price"], first["gap"]) == (b"\x00\xff", Decimal("12.50"), "1 day")
    assert [second[name] for name in ("paid", "ratio", "born", "seen", "local")] == [None] * 5


def test_postgres_filters_since_as_the_column_does(clinic):
    since = Since(column="seen", value="2026-01-01T09:00:00+01:00")
    assert [row["id"] for row in rows(clinic, since, table="patients")] == [1]
    later = Since(column="seen", value="2026-01-01T08:00:01+00:00")
    assert rows(clinic, later, table="patients") == []
    assert [row["id"] for row in rows(clinic, Since(column="ID", value="2"), sql="select id from patients")] == [2]


def test_what_a_since_holds_is_never_run(clinic):
    attack = Since(column="name", value="x' or 'a' = 'a'; drop table patients; --")
    assert [row["id"] for row in rows(clinic, attack, table="patients")] == []
    assert len(rows(clinic, table="patients")) == 2


@pytest.mark.parametrize(
    "name", ['amd."Open Claims"', '"Open Claims"', "Mixed", "amd.mixed", "PATIENTS", "careloom.patients"]
)
def test_postgres_names_may_be_quoted_folded_or_with_a_schema(clinic, name):
    assert clinic.columns(Query(table=name))


def test_an_unknown_table_comes_with_the_nearest_names(clinic):
    with pytest.raises(ProjectFault, match="patients") as error:
        clinic.columns(Query(table="patient"))
    assert code(error) == "unknown-table"


def test_postgres_faults_name_the_statement_but_no_value(clinic):
    for sql, expected in [("select nme from patients", "bad-sql"), ("select name::int from patients", "bad-value")]:
        with pytest.raises(ProjectFault) as error:
            list(clinic.read(Query(sql=sql)))
        assert code(error) == expected
        assert "Zoë" not in "".join(traceback.format_exception(error.value))
    with pytest.raises(ProjectFault) as error:
        clinic.columns(Query(sql="select p.id, q.* from patients p join patients q on true"))
    assert code(error) == "same-column"


def test_a_function_that_writes_changes_nothing(clinic, database):
    with psycopg.connect(database) as connection:
        connection.execute(
            "create function spoil() returns int language sql as 'update patients set id = id + 9 returning id'"
        )
    with pytest.raises(CareloomError):
        list(clinic.read(Query(sql="select spoil()")))
    assert [row["id"] for row in rows(clinic, table="patients")] == [1, 2]


def test_a_large_table_comes_in_bounded_batches_of_one_schema(clinic):
    batches = list(clinic.read(Query(sql="select i as n, repeat('x', 200) as t from generate_series(1, 300000) i")))
    assert sum(batch.num_rows for batch in batches) == 300_000
    assert max(batch.nbytes for batch in batches) < 40_000_000
    assert len(batches) > 1
    assert {batch.schema for batch in batches} == {batches[0].schema}


def test_a_server_that_is_gone_can_be_tried_again_later(open_source):
    with pytest.raises(RemoteUnavailable, match=r"127.0.0.1:9") as error:
        open_source(url="postgresql://someone@127.0.0.1:9/x", password="secret:clinic-db").columns(Query(table="t"))
    assert "pass-word-7" not in "".join(traceback.format_exception(error.value))
    with pytest.raises(RemoteUnavailable, match=r"127.0.0.1:9"):
        open_source(url="mysql://someone:pass-word-7@127.0.0.1:9/x").columns(Query(table="t"))


def test_a_refused_password_is_told_apart(database):
    source = Postgres("host=db.test user=someone password=pass-word-7")
    refused = source._explained(psycopg.OperationalError('FATAL: password authentication failed for user "someone"'))
    assert isinstance(refused, NotPermitted)
    assert "pass-word-7" not in str(refused)


def test_an_unknown_database_is_a_fault(database, open_source):
    with pytest.raises(ProjectFault) as error:
        open_source(url=database.replace("///", "///not_")).columns(Query(table="t"))
    assert code(error) == "no-database"


# ---------------------------------------------------------------- MySQL and MariaDB


@pytest.fixture
def shop(open_source) -> Iterator[object]:
    try:
        connection = pymysql.connect(host="127.0.0.1", user="root", charset="utf8mb4", connect_timeout=2)
    except pymysql.MySQLError:
        pytest.skip("no MySQL listens on 127.0.0.1:3306 that lets root in without a password")
    name = f"careloom_{uuid.uuid4().hex[:12]}"
    with connection, connection.cursor() as cursor:
        cursor.execute(f"create database {name} character set utf8mb4")
        cursor.execute(f"use {name}")
        cursor.execute("set sql_mode = '', time_zone = '+00:00'")
        cursor.execute("""
            create table Customers (
                id int unsigned primary key, big bigint unsigned, tiny tinyint(1), paid decimal(12,2), owed decimal(60,2),
                born date, seen timestamp null, local datetime(6), spent time, joined year, name varchar(50), raw varbinary(9),
                note text, kind enum('a','b'), flag bit(1), bits bit(12), doc json, score float, weight double
            )""")
        cursor.execute("""
            insert into Customers values
                (4294967295, 18446744073709551615, 7, -1234567890.12, 1, '1980-01-02', '2026-01-01 10:00:00',
                 '2026-01-01 10:00:00.123456', '-30:00:01', 1999, 'Zoë 😀 100%', x'00ff', 'long', 'b', 1, 1025,
                 '{"a":1.10}', 1.1, 0.1),
                (2, null, null, null, null, '0000-00-00', null, '2026-00-15 00:00:00', null, null, null, null, null, null,
                 null, null, null, null, null)""")
        connection.commit()
        try:
            yield open_source(url=f"mysql://root@127.0.0.1:3306/{name}")
        finally:
            cursor.execute(f"drop database {name}")


def test_mysql_types_arrive_exactly(shop):
    columns = shop.columns(Query(table="Customers"))
    assert {
        name: columns[name] for name in ("id", "big", "tiny", "paid", "owed", "born", "seen", "local", "spent")
    } == {
        "id": "UINTEGER",
        "big": "UBIGINT",
        "tiny": "TINYINT",
        "paid": "DECIMAL(12,2)",
        "owed": "VARCHAR",
        "born": "DATE",
        "seen": "TIMESTAMP WITH TIME ZONE",
        "local": "TIMESTAMP",
        "spent": "VARCHAR",
    }
    second, first = sorted(rows(shop, table="Customers"), key=lambda row: row["id"])
    assert (first["id"], first["big"], first["tiny"]) == (4_294_967_295, 18_446_744_073_709_551_615, 7)
    assert first["paid"] == Decimal("-1234567890.12")
    assert (first["born"], first["seen"]) == (date(1980, 1, 2), datetime(2026, 1, 1, 10, tzinfo=UTC))
    assert first["local"] == datetime.fromisoformat("2026-01-01T10:00:00.123456")
    assert (first["spent"], first["joined"], first["name"]) == ("-30:00:01", 1999, "Zoë 😀 100%")
    assert (first["raw"], first["kind"], first["flag"], first["bits"]) == (b"\x00\xff", "b", True, 1025)
    assert (first["doc"], first["score"], first["weight"]) == ('{"a":1.10}', 1.1, 0.1)
    assert {name for name, value in second.items() if value is not None} == {"id"}


def test_mysql_filters_since_and_never_runs_what_it_holds(shop):
    since = Since(column="SEEN", value="2026-01-01T12:00:00+02:00")
    assert len(rows(shop, since, table="Customers")) == 1
    assert rows(shop, Since(column="seen", value="2026-01-01T10:00:01+00:00"), table="Customers") == []
    attack = Since(column="name", value="zzz' or 1=1 -- %s")
    assert rows(shop, attack, sql="select name from Customers where name like '%100%'") == []
    assert len(rows(shop, sql="select name from Customers where name like '%100%'")) == 1


def test_mysql_is_read_in_batches_that_may_be_left_early(shop):
    batches = shop.read(
        Query(sql="select seq as n from seq_1_to_2000000 as s") if is_mariadb() else Query(table="Customers")
    )
    assert next(batches).num_rows <= 10_000
    batches.close()


def is_mariadb() -> bool:
    with pymysql.connect(host="127.0.0.1", user="root") as connection:
        return "MariaDB" in connection.get_server_info()


def test_mysql_faults_are_told_apart(shop, open_source):
    with pytest.raises(ProjectFault, match="Customers") as error:
        shop.columns(Query(table="Custommer"))
    assert code(error) == "unknown-table"
    with pytest.raises(ProjectFault) as error:
        shop.columns(Query(sql="select nme from Customers"))
    assert code(error) == "bad-sql"
    with pytest.raises(ProjectFault) as error:
        shop.columns(Query(sql="select 1 /*! into outfile '/tmp/x' */; delete from Customers"))
    assert code(error) == "not-a-select"
    with pytest.raises(ProjectFault) as error:
        open_source(url="mysql://root@127.0.0.1:3306/careloom_nowhere").columns(Query(table="t"))
    assert code(error) == "no-database"
    with pytest.raises(NotPermitted) as error:
        open_source(url="mysql://nobody-here@127.0.0.1:3306/mysql", password="secret:clinic-db").columns(
            Query(table="t")
        )
    assert "pass-word-7" not in "".join(traceback.format_exception(error.value))
