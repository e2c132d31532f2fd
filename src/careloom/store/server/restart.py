"""An embedded PostgreSQL that is killed is started again by the processes that use it, while they run."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

from careloom.core.errors import CareloomError
from careloom.core.log import LOG
from careloom.store.server.embedded import ensure_server, runs

LOOK = 1.0
"""Seconds between two looks."""
STARTS, WINDOW = 5, 600.0
"""So many starts in so many seconds; a server that dies again and again needs a person."""


@contextmanager
def kept_running(folder: Path) -> Iterator[None]:
    """Look after the server of `folder` until the block ends; `ensure_server` has started it."""
    stop = Event()
    thread = Thread(target=_watch, args=(folder, stop), name="careloom postgres", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _watch(folder: Path, stop: Event) -> None:
    starts: deque[float] = deque(maxlen=STARTS)
    given_up = False
    while not stop.wait(LOOK):
        if runs(folder):
            given_up = False
        elif len(starts) < STARTS or time.monotonic() - starts[0] > WINDOW:
            starts.append(time.monotonic())
            _start(folder)
        elif not given_up:
            given_up = True
            LOG.error("database.crash_loop", message="the embedded PostgreSQL dies again and again", starts=STARTS)


def _start(folder: Path) -> None:
    try:
        ensure_server(folder)
    except CareloomError as error:
        LOG.error(
            "database.restart_failed", message="the embedded PostgreSQL was gone and does not start", reason=str(error)
        )
    else:
        LOG.warning("database.restarted", message="the embedded PostgreSQL was gone and was started again")
