"""What each part that acts on a service's health is told: what restarts it, what sends it requests, who mends its worker."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest

from careloom.store import readiness
from careloom.store.database import Store
from careloom.web import health
from web.served import Running, paper_project, serve


@pytest.fixture
def service(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    monkeypatch.setattr(health, "FRESH", -1.0)
    monkeypatch.setattr(readiness, "PATIENCE", 1.0)
    with serve(store, paper_project(tmp_path), monkeypatch) as running:
        yield running


def execute(service: Running, statement: str, *values: Any) -> None:
    with service.session.store.transaction() as connection:
        connection.execute(statement.encode(), values)


def lacks(service: Running, path: str) -> list[str]:
    answer = service.ask("GET", path)
    new_lacks: list[str] = answer.json["lacks"]
    assert answer.status == (503 if new_lacks else 200)
    return new_lacks


def test_asking_leaves_nothing_in_the_inbox_and_nothing_in_the_queue(service: Running) -> None:
    assert lacks(service, "/ready") == []
    assert service.kept() == []
    with service.session.store.transaction() as connection:
        assert connection.execute("select count(*) from procrastinate_jobs").fetchone() == (0,)


def test_without_a_database_the_process_lives_and_is_not_ready(service: Running, database: str) -> None:
    name = psycopg.conninfo.conninfo_to_dict(database)["dbname"]
    others = psycopg.sql.SQL("alter database {} allow_connections {}")
    identifier = psycopg.sql.Identifier(str(name))
    with psycopg.connect(database, dbname="postgres", autocommit=True) as connection:
        connection.execute(others.format(identifier, psycopg.sql.SQL("false")))
        connection.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", [name])
        try:
            assert lacks(service, "/ready") == ["database"]
            assert lacks(service, "/progress") == ["database"]
            assert service.ask("GET", "/health").json == {"status": "ok"}
        finally:
            connection.execute(others.format(identifier, psycopg.sql.SQL("true")))


def test_a_database_of_another_release_is_not_ready(service: Running) -> None:
    execute(service, "delete from migration where number = (select max(number) from migration where number < 1000)")
    assert lacks(service, "/ready") == ["migrations"]


def test_a_database_that_takes_no_writes_is_not_ready(service: Running) -> None:
    execute(service, "create function refuse() returns trigger language plpgsql as 'begin raise exception $$no$$; end'")
    execute(service, "create trigger refuse before insert on inbox for each row execute function refuse()")
    assert lacks(service, "/ready") == ["writes"]
    execute(service, "drop trigger refuse on inbox")
    assert lacks(service, "/ready") == []


def test_a_backlog_or_a_worker_that_is_away_never_makes_the_receiver_refuse(service: Running) -> None:
    assert service.post(b"[1]").status == 200
    execute(service, "update inbox set due_at = now() - make_interval(secs => %s)", health.LATE + 60)
    assert lacks(service, "/ready") == []
    assert lacks(service, "/progress") == ["late"]


def test_what_a_person_must_mend_is_the_works_lack_and_not_the_receivers(service: Running) -> None:
    assert service.post(b"[1]").status == 200
    execute(service, "update inbox set code = 'fix', due_at = now() + interval '10 minutes'")
    assert lacks(service, "/progress") == ["stopped"]
    execute(service, "insert into resting (what, attempts, due_at) values ('scan:visits', 3, now())")
    assert lacks(service, "/progress") == ["stopped", "failing"]
    assert lacks(service, "/ready") == []


def test_strangers_are_told_no_names_and_no_numbers(service: Running) -> None:
    assert service.post(b"[1]").status == 200
    execute(service, "update inbox set due_at = now() - make_interval(secs => %s)", health.LATE + 60)
    for path in ("/ready", "/progress"):
        answer = service.ask("GET", path)
        assert set(answer.json) == {"status", "lacks"}
        assert "ehr" not in answer.body.decode()


def test_after_an_event_found_no_room_one_of_its_size_is_tried(service: Running) -> None:
    """A full disk: small rows may still find room in pages that are there, while events are refused."""
    execute(service, "create function full_disk() returns trigger language plpgsql as $$"
            "begin if octet_length(new.body) > 5000 then raise disk_full; end if; return new; end $$")  # fmt: skip
    execute(service, "create trigger full_disk before insert on inbox for each row execute function full_disk()")
    assert lacks(service, "/ready") == []
    assert service.post(b"x" * 6000).status == 503
    assert lacks(service, "/ready") == ["disk"]
    execute(service, "drop trigger full_disk on inbox")
    assert lacks(service, "/ready") == []
    assert service.post(b"x" * 6000).status == 200


def test_however_many_ask_the_database_is_asked_once_in_a_while_and_by_no_new_connection(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, real = [], readiness.pending_in
    monkeypatch.setattr(readiness, "pending_in", lambda connection: asked.append(connection) or real(connection))
    monkeypatch.setattr(health, "FRESH", 60.0)
    opened: list[str] = []
    with (
        serve(store, paper_project(tmp_path), monkeypatch) as service,
        monkeypatch.context() as patch,
        ThreadPoolExecutor(20) as threads,
    ):
        patch.setattr(psycopg, "connect", lambda url, **_more: opened.append(url))
        statuses = list(threads.map(lambda _: service.ask("GET", "/ready").status, range(60)))
    assert statuses == [200] * 60
    assert (len(asked), opened) == (1, [])


def test_requests_that_hang_in_threads_do_not_hold_up_the_answer(
    service: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = threading.Event()
    monkeypatch.setattr(service.app.state.callers.__class__, "check", lambda *_: go.wait(30))
    token = {"Authorization": "Bearer x.y.z"}
    with ThreadPoolExecutor(60) as threads:
        for _ in range(60):
            threads.submit(service.ask, "POST", "/sync/all", None, token)
        try:
            assert lacks(service, "/ready") == []
        finally:
            go.set()
