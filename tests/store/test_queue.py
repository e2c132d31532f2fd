"""A wake is a row in the queue: at most one that waits, and only if the caller's transaction stands."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from careloom.store.database import Store, open_store
from careloom.store.queue import enqueue
from hang import HANG


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    store = open_store(database)
    yield store
    store.close()


def jobs(store: Store) -> list[tuple[str, str, str, str, dict[str, str]]]:
    with store.transaction() as connection:
        return connection.execute(
            "select task_name, lock, queueing_lock, status::text, args from procrastinate_jobs order by id"
        ).fetchall()


def test_many_wakes_are_one_waiting_job_with_the_subject_and_nothing_else(store: Store) -> None:
    for _ in range(3):
        with store.transaction() as connection:
            enqueue(connection, "scan", "patients")
            enqueue(connection, "scan", "patients")
    assert jobs(store) == [("scan", "scan:patients", "scan:patients", "todo", {"subject": "patients"})]


def test_other_subjects_and_other_jobs_are_woken_beside_it(store: Store) -> None:
    with store.transaction() as connection:
        enqueue(connection, "scan", "patients")
        enqueue(connection, "scan", "notes")
        enqueue(connection, "reconcile", "patients")
    assert [lock for _, lock, *_ in jobs(store)] == ["scan:patients", "scan:notes", "reconcile:patients"]


def test_a_transaction_that_is_taken_back_wakes_nobody(store: Store) -> None:
    with store.transaction() as connection:
        enqueue(connection, "scan", "patients")
        connection.rollback()
    assert jobs(store) == []


def test_while_one_runs_another_one_may_wait(store: Store) -> None:
    with store.transaction() as connection:
        enqueue(connection, "scan", "patients")
        connection.execute("update procrastinate_jobs set status = 'doing'")
        enqueue(connection, "scan", "patients")
        enqueue(connection, "scan", "patients")
    assert [state for *_, state, _ in jobs(store)] == ["doing", "todo"]


def test_many_that_wake_at_once_leave_one_and_none_of_them_fails(store: Store) -> None:
    def once(_: int) -> None:
        with store.transaction() as connection:
            enqueue(connection, "process_inbox", "ehr")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(once, range(80)))
    assert len(jobs(store)) == 1


def test_listeners_are_told_of_it_when_it_is_committed(store: Store, database: str) -> None:
    with psycopg.connect(database, autocommit=True) as listener:
        listener.execute("listen procrastinate_any_queue_v1")
        with store.transaction() as connection:
            enqueue(connection, "scan", "patients")
        assert len(list(listener.notifies(timeout=HANG, stop_after=1))) == 1


def test_the_search_for_earlier_jobs_of_a_lock_has_its_index(store: Store) -> None:
    with store.transaction() as connection:
        connection.execute(
            "insert into procrastinate_jobs (queue_name, task_name, lock)"
            " select 'careloom', 'scan', 'scan:' || n from generate_series(1, 5000) n"
        )
        connection.execute("analyze procrastinate_jobs")
        plan = connection.execute(
            "explain select from procrastinate_jobs where lock = 'scan:77' and status in ('todo', 'doing') and id < 99"
        ).fetchall()
    assert "careloom_jobs_lock" in "".join(line for (line,) in plan)
