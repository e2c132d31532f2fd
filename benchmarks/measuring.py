"""Runs one process and says how long it took and how much memory it held; ends it, and only it, when its time is up."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg

_LOOK_EVERY = 0.01
_SAMPLE_EVERY = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One process. `seconds` is its whole life, `processor` what it computed of that; `peak` is its own memory in bytes."""

    seconds: float
    processor: float
    peak: int
    database_peak: int
    code: int
    output: str
    errors: str
    timed_out: bool


def measure(
    command: Sequence[str | Path],
    *,
    folder: Path,
    environment: Mapping[str, str],
    limit: float,
    sample: Callable[[], int] = lambda: 0,
) -> Measured:
    """Run `command` in `folder` for at most `limit` seconds. `sample` gives the memory of a server that it uses."""
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        began = time.monotonic()
        process = subprocess.Popen(
            [str(word) for word in command],
            cwd=folder,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
            start_new_session=True,
        )
        code, usage, most, timed_out = _wait(process, began + limit, sample)
        seconds = time.monotonic() - began
        process.returncode = code
        return Measured(
            seconds=seconds,
            processor=usage.ru_utime + usage.ru_stime,
            peak=usage.ru_maxrss * 1024,
            database_peak=most,
            code=code,
            output=_read(output),
            errors=_read(errors),
            timed_out=timed_out,
        )


def _wait(
    process: subprocess.Popen[bytes], deadline: float, sample: Callable[[], int]
) -> tuple[int, os._RUsage, int, bool]:  # type: ignore[name-defined]
    most, due, timed_out = 0, 0.0, False
    while True:
        ended, status, usage = os.wait4(process.pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status), usage, most, timed_out
        now = time.monotonic()
        if now > deadline and not timed_out:
            timed_out = True
            os.killpg(process.pid, signal.SIGKILL)
        if now > due:
            most, due = max(most, sample()), now + _SAMPLE_EVERY
        time.sleep(_LOOK_EVERY)


def _read(file: tempfile._TemporaryFileWrapper[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")


def database_memory(url: str) -> Callable[[], int]:
    """A function that gives the bytes that the PostgreSQL at `url` holds now, shared memory counted once; 0 if not here."""
    with psycopg.connect(url) as connection:
        backend = connection.execute("select pg_backend_pid()").fetchall()[0][0]
        postmaster = _parent(backend)
    return lambda: sum(_own_share(pid) for pid in (postmaster, *_children(postmaster))) if postmaster > 1 else 0


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, ValueError):
        return 0


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _own_share(pid: int) -> int:
    """The proportional set size: each shared page divided among those who share it."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)
