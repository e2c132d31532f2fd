"""Procrastinate as we use it: our schema, our jobs, nothing of what it handles in its logs."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from procrastinate import App, PsycopgConnector
from procrastinate.job_context import JobContext
from procrastinate.worker import Worker

from careloom.core.log import LOG
from careloom.services.operate.job_queue import CONNECTION_OPTIONS


def queue_app(url: str, jobs: Iterable[str], run: Callable[[str, str], None]) -> App:
    """An app whose tasks are `jobs`, each of which calls `run(job, subject)` in a thread."""
    connector = PsycopgConnector(
        conninfo=url, min_size=1, max_size=4, timeout=10, kwargs={"options": CONNECTION_OPTIONS}
    )
    app = App(connector=connector)
    for job in jobs:
        _add(app, job, run)
    return app


def _add(app: App, job: str, run: Callable[[str, str], None]) -> None:
    @app.task(name=job)
    def task(subject: str) -> None:
        run(job, subject)


@dataclass(slots=True)
class JobRun:
    """The jobs that this process is at, to be told from those that the queue only believes to run here."""

    workers: list[Worker] = field(default_factory=list)
    ids: set[int] = field(default_factory=set)

    async def note(self, call: Callable[[], Awaitable[Any]], context: JobContext, _worker: Worker) -> Any:
        """A worker middleware: remembers the job for as long as it runs."""
        id_ = context.job.id or 0
        self.ids.add(id_)
        try:
            return await call()
        finally:
            self.ids.discard(id_)

    def worker_ids(self) -> list[int]:
        """The numbers under which the queue knows this process's workers."""
        return [worker.worker_id for worker in self.workers if worker.worker_id is not None]


class PlainWorker(logging.Handler):
    """Passes on that something was logged, and where, but neither its text nor its arguments: they may quote anything."""

    def emit(self, record: logging.LogRecord) -> None:
        """One line, with the kind of the exception if there is one."""
        error_type = record.exc_info[0] if record.exc_info else None
        LOG.log(
            record.levelno,
            "queue.logged",
            message="the queue logged something",
            logger=record.name,
            action=str(getattr(record, "action", "")),
            error=error_type.__name__ if error_type else "",
        )


def hush_libraries() -> None:
    """Let the queue's own log lines through only as `Bare` tells them."""
    logger = logging.getLogger("procrastinate")
    if not any(isinstance(handler, PlainWorker) for handler in logger.handlers):
        logger.addHandler(PlainWorker(level=logging.WARNING))
    logger.propagate = False
