"""The queue as a worker sees it: jobs that rest after a failure, jobs that nobody carries on, and who wakes whom."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from careloom.core.log import LOG
from careloom.services.session.sessions import Session
from careloom.store.database import OPTIONS
from careloom.store.inbox_queue import Backoff, rest, rested, rests
from careloom.store.queue import QUEUES, abandoned_jobs, drop_ended_jobs, enqueue, jobs_taken_by, wake_again

__all__ = ["CONNECTION_OPTIONS", "QUEUES", "end_rest", "enqueue_publish", "is_resting", "put_back", "rest_job"]

CONNECTION_OPTIONS: Final = OPTIONS
"""What a connection to the queue is opened with."""
BACKOFF = Backoff(first=10.0, maximum=900.0)


def is_resting(session: Session, subject_key: str) -> bool:
    """Whether the job `NAME:SUBJECT` rests after a failure."""
    with session.store.transaction() as connection:
        return rests(connection, subject_key)


def rest_job(session: Session, subject_key: str, after: float | None) -> int:
    """Let a job that failed rest, for `after` seconds where its error says so; returns how often it failed in a row."""
    with session.store.transaction() as connection:
        return rest(connection, subject_key, BACKOFF, after)


def end_rest(session: Session, subject_key: str) -> None:
    """The job went well: its failures count no longer."""
    with session.store.transaction() as connection:
        rested(connection, subject_key)


def enqueue_publish(session: Session) -> None:
    """What was landed is to be published."""
    with session.store.transaction() as connection:
        enqueue(connection, "publish", "outbox")


def put_back(
    session: Session, silence: float, *, worker_ids: list[int], running_ids: Collection[int], strays: set[int]
) -> set[int]:
    """Wake the jobs again that a worker left, `silence` seconds after its last sign; returns the strays of now.

    `worker_ids` and `running_ids` are this process's workers and the jobs that it is at. A job whose end could not be written,
    because the database was away, would be believed to run for ever: its worker lives. Seen so twice, as one of `strays` and
    now, it is no job that is just about to begin or to end.
    """
    with session.store.transaction() as connection:
        drop_ended_jobs(connection)
        jobs = set(abandoned_jobs(connection, silence))
        present_strays = jobs_taken_by(connection, worker_ids) - set(running_ids)
        for id_ in sorted(jobs | (present_strays & strays)):
            if job := wake_again(connection, id_):
                LOG.warning("job.requeued", message="a job that no worker was running was queued again", job=job)
    return present_strays
