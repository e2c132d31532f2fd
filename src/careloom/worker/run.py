"""A worker: jobs from the queue, run in threads, until it is asked to stop."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Event, Thread
from typing import Any

from procrastinate.jobs import DeleteJobCondition
from procrastinate.worker import Worker

from careloom.core.attempts import ALL, Kind
from careloom.core.log import LOG
from careloom.services.operate.job_queue import QUEUES
from careloom.services.session.attempts import opened_for
from careloom.services.session.sessions import Session
from careloom.services.session.settings import Settings
from careloom.worker.app import JobRun, hush_libraries, queue_app
from careloom.worker.jobs import JOBS, JobContext, run_job
from careloom.worker.listeners import listener_servers, start_listeners
from careloom.worker.periodic import PeriodicTasks, Timing

LOOK = 0.1
"""Seconds between two looks at whether it is time to stop."""


def run_worker(
    folder: Path, settings: Settings, *, stop: Event, concurrency: int = 4, timing: Timing | None = None
) -> None:
    """Work for the project in `folder` until `stop` is set; may run in any thread, and sets no signal handlers."""
    with opened_for(folder, settings, Kind.work, ALL, trigger="worker") as session:
        work(session, stop=stop, concurrency=concurrency, timing=timing)


def work(session: Session, *, stop: Event, concurrency: int = 4, timing: Timing | None = None) -> None:
    """The same for a project that is open. `concurrency`: so many jobs of each of the queues at a time.

    A database that goes away and comes back is no reason to end.
    """
    session, timing = replace(session, trigger="worker"), timing or Timing()
    hush_libraries()
    urgent = session.on_lane("event")
    running = JobRun()
    rounds = PeriodicTasks(session=session, running=running, timing=timing)
    thread = Thread(target=rounds.go, args=(stop,), name="careloom rounds")
    thread.start()
    join_listeners = start_listeners(listener_servers(session, stop))
    bench = JobContext(session=session, urgent=urgent, stop=stop)
    try:
        while not stop.is_set():
            try:
                asyncio.run(_serve(bench, running, concurrency, timing))
            except Exception as error:  # noqa: BLE001 it starts again, with what the queue holds
                LOG.warning("worker.restarted", message="the worker starts again", reason=type(error).__name__)
            stop.wait(timing.pause)
    finally:
        stop.set()
        join_listeners()
        thread.join()
        urgent.close()


async def _serve(bench: JobContext, running: JobRun, concurrency: int, timing: Timing) -> None:
    """Run one worker for each queue until it is time to stop, or until one of them has failed."""
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(len(QUEUES) * concurrency + 2, thread_name_prefix="careloom job"))
    loop.set_exception_handler(_told)
    app = queue_app(bench.session.store.url, JOBS, partial(run_job, bench))
    async with app.open_async():
        running.workers = [
            Worker(
                app=app,
                queues=[queue],
                name=queue,
                concurrency=concurrency,
                fetch_job_polling_interval=timing.poll,
                shutdown_graceful_timeout=timing.grace,
                delete_jobs=DeleteJobCondition.ALWAYS,
                install_signal_handlers=False,
                update_heartbeat_interval=timing.heartbeat,
                stalled_worker_timeout=timing.silence,
                worker_middleware=[running.note],
            )
            for queue in QUEUES
        ]
        tasks = [asyncio.create_task(worker.run()) for worker in running.workers]  # type: ignore[no-untyped-call]
        while True:
            # At least once: a worker that is stopped before it runs would forget it.
            ended_tasks, _ = await asyncio.wait(tasks, timeout=LOOK, return_when=asyncio.FIRST_COMPLETED)
            if ended_tasks or bench.stop.is_set():
                break
        for worker in running.workers:
            worker.stop()  # type: ignore[no-untyped-call]
        ends = await asyncio.gather(*tasks, return_exceptions=True)
    for end in ends:
        if isinstance(end, Exception):
            raise end


def _told(_loop: asyncio.AbstractEventLoop, context: Mapping[str, Any]) -> None:
    """What asyncio would print with its traceback, without what it may quote."""
    error = context.get("exception")
    LOG.warning("queue.task_failed", message="a task of the queue failed", reason=type(error).__name__ if error else "")
