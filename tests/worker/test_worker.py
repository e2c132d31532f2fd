"""A worker does what it is woken for, outlives its database, and what a killed one left is carried on with by the next."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Thread
from types import SimpleNamespace
from typing import Any, cast

import psycopg
import pytest
from procrastinate.worker import Worker

from careloom.project.schedules import parse_schedule
from careloom.services.operate.scheduler import enqueue_due
from careloom.services.session.sessions import Session
from careloom.store.database import Store, open_store
from careloom.store.inbox_queue import Backoff, rest
from careloom.store.queue import enqueue
from careloom.worker import jobs
from careloom.worker.app import JobRun
from careloom.worker.periodic import PeriodicTasks, Timing
from careloom.worker.run import work
from hang import HANG
from services.fake_rooms import Paper, arrive, install, make_session, project, put_changes, rows

QUICK = Timing(pause=0.2, heartbeat=0.3, silence=1.5, poll=0.1, grace=10.0)


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    new_store = open_store(database)
    yield new_store
    new_store.close()


@pytest.fixture
def papers(monkeypatch: pytest.MonkeyPatch) -> dict[str, Paper]:
    values = {"ehr": Paper(), "bus": Paper()}
    install(monkeypatch, values)
    return values


@pytest.fixture
def session(store: Store, papers: dict[str, Paper], tmp_path: Path) -> Session:
    return make_session(store, project(tmp_path, ["ehr", "bus"], publish=["bus"]))


@contextmanager
def working(session: Session, timing: Timing = QUICK) -> Iterator[None]:
    stop = Event()
    thread = Thread(target=work, args=(session,), kwargs={"stop": stop, "timing": timing})
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(HANG)
        assert not thread.is_alive(), "the worker did not stop"


def wait_until(reached: Callable[[], bool], what: str) -> float:
    """Wait until it is so; the seconds that it took."""
    began = time.monotonic()
    while not reached():
        assert time.monotonic() < began + HANG, f"never came: {what}"
        time.sleep(0.02)
    return time.monotonic() - began


def states(store: Store) -> dict[str, int]:
    return dict(rows(store, "select state, count(*) from inbox group by state"))


def visit(number: int) -> dict[str, Any]:
    return {"records": [{"id": f"V{number}", "room": f"room {number}"}]}


def queued_jobs(store: Store) -> list[str]:
    return sorted(lock for (lock,) in rows(store, "select lock from procrastinate_jobs"))


# ---------------------------------------------------------------- at work


def test_an_event_is_landed_and_told_and_the_queue_is_empty_again(
    session: Session, store: Store, papers: dict[str, Paper]
) -> None:
    with working(session):
        arrive(store, "ehr", visit(1))
        with store.transaction() as connection:
            enqueue(connection, "process_inbox", "ehr")
        wait_until(lambda: len(papers["bus"].changes) == 1, "the change event")
        wait_until(lambda: queued_jobs(store) == [], "an empty queue")
    assert states(store) == {"done": 1}
    assert [(change.operation, change.vendor_id) for change in papers["bus"].changes] == [("INSERT", "V1")]
    assert rows(store, "select count(*) from procrastinate_workers") == [(0,)]


def test_a_wake_that_was_lost_costs_a_round(session: Session, store: Store, papers: dict[str, Paper]) -> None:
    arrive(store, "ehr", visit(1))
    put_changes(store, 3)
    with working(session):
        wait_until(lambda: states(store) == {"done": 1} and len(papers["bus"].changes) == 4, "what nobody woke")


def test_a_job_that_fails_rests_and_says_nothing_of_why_it_failed(
    session: Session, store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ran = []

    def fails(*_: object) -> dict[str, int]:
        ran.append(1)
        raise ValueError("Ada Abel, born 1931")

    monkeypatch.setitem(jobs.JOBS, "process_inbox", fails)  # type: ignore[arg-type]
    arrive(store, "ehr", visit(1))
    with working(session):
        wait_until(lambda: len(ran) == 1, "the first run")
        wait_until(lambda: rows(store, "select what from resting") == [("process_inbox:ehr",)], "a rest")
        with store.transaction() as connection:
            enqueue(connection, "process_inbox", "ehr")
        wait_until(lambda: queued_jobs(store) == [], "an empty queue")
    assert len(ran) == 1
    output = capsys.readouterr()
    assert "ValueError" in output.out
    assert "Abel" not in output.out + output.err


def test_a_landing_of_hours_keeps_no_event_waiting(
    session: Session, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, go_on = [], Event()

    def hours(*_: object) -> dict[str, int]:
        began.append(1)
        assert go_on.wait(HANG)
        return {}

    monkeypatch.setitem(jobs.JOBS, "scan", hours)  # type: ignore[arg-type]
    with working(session):
        with store.transaction() as connection:
            for number in range(9):
                enqueue(connection, "scan", f"stream {number}")
        wait_until(lambda: len(began) == 4, "as many scans as may run")
        arrive(store, "ehr", visit(1))
        wait_until(lambda: states(store) == {"done": 1}, "the event")
        assert len(began) == 4
        go_on.set()
        wait_until(lambda: len(began) == 9, "the other scans")


def test_one_subject_is_never_worked_on_twice_at_a_time(
    session: Session, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_it: list[str] = []
    most: list[int] = []

    def one(_: object, subject: str) -> dict[str, int]:
        at_it.append(subject)
        most.append(at_it.count(subject))
        time.sleep(0.02)
        at_it.remove(subject)
        return {}

    monkeypatch.setitem(jobs.JOBS, "scan", one)  # type: ignore[arg-type]
    with working(session), working(session):
        for _ in range(40):
            with store.transaction() as connection:
                enqueue(connection, "scan", "a")
                enqueue(connection, "scan", "b")
            time.sleep(0.01)
        wait_until(lambda: queued_jobs(store) == [], "an empty queue")
    assert set(most) == {1}
    assert len(most) > 4


# ---------------------------------------------------------------- dying


@contextmanager
def process(database: str, folder: Path, notes: Path, delay: float) -> Iterator[subprocess.Popen[str]]:
    script = Path(__file__).with_name("a_worker.py")
    new_process = subprocess.Popen(
        [sys.executable, str(script), database, str(folder), str(notes), str(delay)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert new_process.stdout is not None
    assert new_process.stdout.readline() == "working\n"
    try:
        yield new_process
    finally:
        if new_process.poll() is None:
            new_process.terminate()
        new_process.communicate(timeout=HANG)


def read_by(notes: Path) -> list[list[str]]:
    return [line.split() for line in notes.read_text().splitlines()] if notes.exists() else []


def test_a_worker_killed_in_the_middle_of_a_batch_loses_nothing_and_doubles_nothing(
    store: Store, database: str, tmp_path: Path
) -> None:
    notes = tmp_path / "notes"
    ids = arrive(store, "ehr", *(visit(number) for number in range(40)))
    with store.transaction() as connection:
        enqueue(connection, "process_inbox", "ehr")
    with process(database, tmp_path, notes, 0.05) as first:
        wait_until(lambda: len(read_by(notes)) >= 5, "the middle of the batch")
        first.kill()
        first.wait()
    assert rows(store, "select status::text from procrastinate_jobs where task_name = 'process_inbox'")[0] == ("doing",)
    assert states(store) == {"new": 40}
    with process(database, tmp_path, notes, 0.0):
        took = wait_until(lambda: states(store) == {"done": 40}, "the second worker's end")
        wait_until(lambda: rows(store, "select count(*) from outbox") == [(0,)], "the change events")
    assert took < 10
    assert {int(id_) for _, id_ in read_by(notes)} == set(ids)
    assert rows(store, "select count(*), count(distinct paper_id) from clinical.paper_visits") == [(40, 40)]


def test_the_job_of_a_killed_worker_is_put_back_even_if_another_of_its_subject_waits(
    store: Store, database: str, tmp_path: Path
) -> None:
    notes = tmp_path / "notes"
    arrive(store, "ehr", visit(1), visit(2))
    with process(database, tmp_path, notes, 30.0) as first:
        wait_until(lambda: len(read_by(notes)) == 1, "the first event")
        with store.transaction() as connection:
            enqueue(connection, "process_inbox", "ehr")
        first.kill()
        first.wait()
    assert queued_jobs(store) == ["process_inbox:ehr", "process_inbox:ehr"]
    with process(database, tmp_path, notes, 0.0):
        assert wait_until(lambda: states(store) == {"done": 2}, "the second worker's end") < 10


def test_a_worker_that_is_asked_to_stop_ends_its_batch_and_goes(store: Store, database: str, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    arrive(store, "ehr", *(visit(number) for number in range(205)))
    with process(database, tmp_path, notes, 0.01) as only:
        wait_until(lambda: len(read_by(notes)) >= 3, "the middle of the batch")
        only.send_signal(signal.SIGTERM)
        assert only.wait(HANG) == 0
    assert states(store) == {"done": 200, "new": 5}
    assert rows(store, "select count(*) from procrastinate_jobs where status = 'doing'") == [(0,)]
    assert rows(store, "select count(*) from procrastinate_workers") == [(0,)]


def test_a_job_whose_end_could_not_be_written_is_woken_again(session: Session, store: Store) -> None:
    """Its worker lives, so its heart beats: by the heartbeat alone it would be believed to run for ever."""
    with store.transaction() as connection:
        enqueue(connection, "process_inbox", "ehr")
        worker = connection.execute("select worker_id from procrastinate_register_worker_v1()").fetchone()
        assert worker
        connection.execute("update procrastinate_jobs set status = 'doing', worker_id = %s", worker)
    running = JobRun(workers=[cast("Worker", SimpleNamespace(worker_id=worker[0]))])
    rounds = PeriodicTasks(session=session, running=running, timing=Timing())
    rounds.once()
    assert rows(store, "select status::text from procrastinate_jobs") == [("doing",)]
    rounds.once()
    assert rows(store, "select status::text from procrastinate_jobs") == [("todo",)]


def test_a_database_that_drops_all_connections_is_come_back_to(
    session: Session, store: Store, papers: dict[str, Paper], database: str
) -> None:
    with working(session):
        arrive(store, "ehr", visit(1))
        wait_until(lambda: states(store) == {"done": 1}, "the first event")
        with psycopg.connect(database, autocommit=True) as other:
            other.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where datname = current_database() and pid <> pg_backend_pid()"
            )
            other.execute(
                "insert into careloom.inbox (source, event_id, event, body, body_hash)"
                " values ('ehr', 'later', 'paper', %s, '')",
                [b'{"records": [{"id": "V2", "room": "two"}]}'],
            )
        wait_until(lambda: _quietly(store) == {"done": 2}, "the event after the restart")
        # At least once: what was told just before the database went, and could not be noted, is told again.
        wait_until(lambda: len({event.id for event in papers["bus"].changes}) == 2, "the change events")


def _quietly(store: Store) -> dict[str, int]:
    try:
        return states(store)
    except Exception:  # noqa: BLE001 - the test's own connections were dropped too
        return {}


# ---------------------------------------------------------------- schedules


def test_a_schedule_wakes_once_for_however_many_ticks_were_missed(
    session: Session, store: Store, papers: dict[str, Paper], tmp_path: Path
) -> None:
    now = datetime(2026, 3, 4, 12, tzinfo=UTC)
    scheduled = make_session(
        store,
        project(
            tmp_path,
            ["ehr", "bus"],
            schedule=parse_schedule("every 15 minutes"),
            reconcile=parse_schedule("daily at 04:00"),
        ),
    )
    scheduled.clock = lambda: now

    def done(what: str, when: datetime) -> None:
        with store.transaction() as connection:
            connection.execute("delete from procrastinate_jobs")
            connection.execute(
                "insert into stream_state (stream, scanned_at, reconciled_at) values ('visits', %(at)s, %(at)s)"  # type: ignore[arg-type]
                " on conflict (stream) do update set " + f"{what} = %(at)s",
                {"at": when},
            )

    def woken() -> list[str]:
        enqueue_due(scheduled)
        enqueue_due(scheduled)
        return queued_jobs(store)

    assert woken() == ["scan:visits"], "what never ran is due; a reconcile waits until the scan is over"
    done("scanned_at", now - timedelta(days=3))
    assert woken() == ["scan:visits"], "many ticks were missed"
    done("scanned_at", now)
    assert woken() == ["reconcile:visits"]
    done("reconciled_at", now - timedelta(hours=2))
    assert woken() == [], "04:00 in New York was three hours ago"
    now += timedelta(minutes=15)
    assert woken() == ["scan:visits"]
    with store.transaction() as connection:
        connection.execute("update procrastinate_jobs set status = 'doing'")
    assert woken() == ["scan:visits"], "a second one would do again what the first one is doing"
    with store.transaction() as connection:
        connection.execute("delete from procrastinate_jobs")
        rest(connection, "scan:visits", Backoff(first=60))
    assert woken() == [], "one that failed is not repeated before its rest is over"


def test_a_scan_that_a_schedule_woke_is_made(
    store: Store, papers: dict[str, Paper], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scanned: list[str] = []
    monkeypatch.setitem(jobs.JOBS, "scan", lambda _bench, subject: scanned.append(subject) or {})  # type: ignore[arg-type]
    session = make_session(store, project(tmp_path, ["ehr", "bus"], schedule=parse_schedule("hourly")))
    with working(session):
        wait_until(lambda: scanned[:1] == ["visits"], "the scan")
