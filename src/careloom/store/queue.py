"""Waking a job: a row in the queue that says "look at this subject", never what is to be done with it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import psycopg

from careloom.store.statements import statements

EVENTS, LANDINGS = "events", "landings"
QUEUES = (EVENTS, LANDINGS)
"""Two, each with workers of its own: a first load of hours must not keep an event waiting."""
_QUICK = {"process_inbox", "publish"}


def enqueue(connection: psycopg.Connection, job: str, subject: str) -> None:
    """Ask for a run of `job` over `subject`, when the caller's transaction commits; nothing if one already waits.

    One that is running now does not count as waiting: it may have looked before this transaction committed.
    """
    queue = EVENTS if job in _QUICK else LANDINGS
    connection.execute(_SQL["wake"], {"queue": queue, "job": job, "subject": subject, "lock": f"{job}:{subject}"})


def abandoned_jobs(connection: psycopg.Connection, silence: float) -> list[int]:
    """Jobs that were begun by a worker of which nothing was heard for `silence` seconds."""
    return [id_ for (id_,) in connection.execute(_SQL["abandoned"], {"silence": silence}).fetchall()]


def jobs_taken_by(connection: psycopg.Connection, workers: Sequence[int]) -> set[int]:
    """Jobs that the queue believes to be running with these workers."""
    return {id_ for (id_,) in connection.execute(_SQL["taken_by"], {"workers": list(workers)}).fetchall()}


def wake_again(connection: psycopg.Connection, id_: int) -> str | None:
    """Put a job that no worker continues back into the queue; its name, None if it has ended in the meantime.

    Not by procrastinate's own retry: that fails for ever where another job of the same subject already waits.
    """
    row = connection.execute(_SQL["drop"], {"id": id_}).fetchone()
    if row is None:
        return None
    job, subject = row
    enqueue(connection, job, subject)
    return str(job)


def drop_ended_jobs(connection: psycopg.Connection) -> None:
    """Forget jobs that ended in a way that the worker does not tidy up itself."""
    connection.execute(_SQL["drop_ended"])


def under_way(connection: psycopg.Connection) -> set[str]:
    """The jobs that are running, each as "job:subject"."""
    return {lock for (lock,) in connection.execute(_SQL["under_way"]).fetchall()}


def last_cleanup(connection: psycopg.Connection) -> datetime | None:
    """When the rules of retention were last carried out."""
    row = connection.execute(_SQL["last_cleanup"]).fetchone()
    return row[0] if row else None


_SQL = statements("queue")
