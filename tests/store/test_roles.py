"""Each role of the database may do its part, and nothing of another's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

import psycopg
import pytest

from careloom.core.errors import Fix
from careloom.services.landing.process import process_inbox
from careloom.store.audit import verify_audit, write_audit
from careloom.store.database import open_store
from careloom.store.roles import READER, RECEIVER, ROLES, WORKER, make_roles, running_role
from services.fake_rooms import NOON
from web.served import paper_project, serve


@pytest.fixture
def as_member(database: str) -> Iterator[object]:
    """Gives the URL of a login that is a member of one role."""
    assert make_roles(database) == list(ROLES)
    logins: list[str] = []

    def url(role: str) -> str:
        login = f"test_{uuid4().hex}"
        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute(f"create role {login} login in role {role}".encode())
            connection.execute(f"alter role {login} set role = {role}".encode())
        logins.append(login)
        return database.replace("user=careloom", f"user={quote(login)}")

    yield url
    with psycopg.connect(database, autocommit=True) as connection:
        for login in logins:
            connection.execute(
                f"select pg_terminate_backend(pid) from pg_stat_activity where usename = '{login}'".encode()
            )
            connection.execute(f"drop owned by {login}".encode())
            connection.execute(f"drop role {login}".encode())


def refusals(url: str, *statements: str) -> list[str]:
    """The statements that the role is not let do."""
    row = []
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("set search_path = careloom")
        for statement in statements:
            try:
                connection.execute(statement.encode())
            except psycopg.errors.InsufficientPrivilege:
                row.append(statement)
    return row


def test_the_receiver_keeps_events_and_says_how_it_is_under_its_own_role(
    as_member, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(as_member(RECEIVER))
    try:
        with serve(store, paper_project(tmp_path), monkeypatch) as service:
            assert service.ask("GET", "/ready").json == {"status": "ready", "lacks": []}
            assert service.ask("GET", "/progress").json == {"status": "well", "lacks": []}
            assert [service.post(b"[1]").status for _ in range(2)] == [200, 200]
            assert service.post(b"[2]").status == 200
    finally:
        store.close()


def test_the_receiver_can_neither_read_nor_change_what_is_there(as_member) -> None:
    forbidden = (
        "select body from inbox",
        "update inbox set state = 'done'",
        "delete from inbox",
        "select * from audit",
        "insert into audit values (1, now(), '', '', '', '', '')",
        "select * from sealed_token",
        "select * from change_log",
        "select * from landing_held",
        "delete from procrastinate_jobs",
        "insert into migration values (9999, '', '')",
        "create table clinical.x ()",
        "alter table audit disable trigger all",
        "create role x",
    )
    assert refusals(as_member(RECEIVER), *forbidden) == list(forbidden)


def test_the_worker_lands_and_audits_under_its_own_role_and_cannot_rewrite_the_audit(
    as_member, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = as_member(WORKER)
    store = open_store(url)
    try:
        with serve(store, paper_project(tmp_path), monkeypatch) as service:
            assert service.post(b"[1]").status == 200
            counts = process_inbox(service.session, "ehr", stop=service.app.state.stop)
        assert counts["done"] == 1
        write_audit(store, moment=NOON, actor="ops", action="x", subject="y")
        assert (verify_audit(store).rows, verify_audit(store).loss) == (1, "")
        assert not running_role(store).superuser
    finally:
        store.close()
    forbidden = (
        "update audit set actor = ''",
        "delete from audit",
        "truncate audit",
        "alter table audit disable trigger all",
        "delete from audit_head",
        "update migration set digest = ''",
        "drop table inbox",
        "create role x",
    )
    assert refusals(url, *forbidden) == list(forbidden)
    with psycopg.connect(database) as connection:
        owners = connection.execute(
            "select distinct tableowner from pg_tables where schemaname = 'clinical'"
        ).fetchall()
    assert owners == [(WORKER,)]


def test_a_reader_reads_what_was_landed_before_and_after_and_nothing_of_the_insides(as_member, database: str) -> None:
    with psycopg.connect(as_member(WORKER), autocommit=True) as connection:
        connection.execute("create table clinical.later (id integer)")
    url = as_member(READER)
    assert refusals(url, "select * from clinical.later", "select * from sync_log", "select * from run") == []
    forbidden = (
        "insert into clinical.later values (1)",
        "select * from inbox",
        "select * from audit",
        "select * from sealed_token",
        "select * from change_log",
        "create table clinical.x ()",
    )
    assert refusals(url, *forbidden) == list(forbidden)


def test_tables_that_another_role_had_made_become_the_workers_and_a_second_time_changes_nothing(
    as_member, database: str
) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("create table clinical.former (id bigint generated always as identity)")
        connection.execute("create view reports.former as select * from clinical.former")
        make_roles(database)
        make_roles(database)
        connection.execute("create table careloom.of_a_later_release (id integer)")
        make_roles(database)
    assert (
        refusals(as_member(WORKER), "alter table clinical.former add x integer", "select * from of_a_later_release")
        == []
    )


def test_who_may_not_make_roles_is_told_whom_to_ask(as_member) -> None:
    with pytest.raises(Fix, match="as the owner of the database"):
        make_roles(as_member(WORKER))
