"""`careloom work`."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Annotated

import typer

from careloom.cli.interrupts import stop_at_once
from careloom.cli.options import HERE, Folder
from careloom.cli.project_session import settings
from careloom.worker import run


def command(
    *,
    folder: Folder = HERE,
    concurrency: Annotated[
        int,
        typer.Option("--concurrency", min=1, max=16, help="So many jobs of each kind (events, landings) at a time."),
    ] = 4,
) -> None:
    """Do the jobs of the project until Ctrl-C or SIGTERM; what was begun is brought to a checkpoint."""
    stop = threading.Event()

    def ask(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            stop_at_once(number, frame)
        stop.set()
        typer.echo("stopping at the next checkpoint; press Ctrl-C again to stop at once", err=True)

    former = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        typer.echo("working; Ctrl-C stops", err=True)
        run.run_worker(folder.resolve(), settings(), stop=stop, concurrency=concurrency)
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
