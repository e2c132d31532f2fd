"""dbt in a process of its own, which holds the lock of the project's models for as long as it lives, and ends with its parent.

The parent may be killed at any moment; a lock of the parent's would be free then while dbt continues.

    python -m careloom.services.analytics.dbt_process PROJECT WORDS…     PROJECT "": no lock, for what builds nothing

The first line of its standard input is the store's address, which may hold a password, and how long to wait for the lock.
"""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from threading import Thread

import orjson
import psycopg

from careloom.store.models_lock import building, session_of

SESSION = "PGAPPNAME"
"""PostgreSQL's own variable for what sessions are called; the profile takes it from there."""
BUSY, AWAY = 75, 76
"""Exit codes that dbt does not have: another build is under way; the database does not answer."""


def tell(process: subprocess.Popen[bytes], url: str, patience: float) -> None:
    """What the parent says to a process that it has just begun; it leaves the pipe open."""
    # Where it could not even begin, its exit code says so.
    with suppress(BrokenPipeError):
        if process.stdin is not None:
            process.stdin.write(orjson.dumps([url, patience]) + b"\n")
            process.stdin.flush()


def main() -> int:
    """Let dbt do what the command line says; its exit code, or one of ours."""
    project, words = sys.argv[1], sys.argv[2:]
    line = sys.stdin.buffer.readline()
    if not line:
        return AWAY  # the parent is gone already
    url, patience = orjson.loads(line)
    Thread(target=_end_with_parent, daemon=True).start()
    if not project:
        return _dbt(words)
    try:
        with building(url, project, patience) as has_lock:
            # From now on only: our own session, which holds the lock, must not be taken for one of a build.
            os.environ[SESSION] = session_of(project)
            return _dbt(words) if has_lock else BUSY
    except psycopg.OperationalError as error:
        sys.stderr.write(f"the database does not answer ({type(error).__name__})\n")
        return AWAY


def _end_with_parent() -> None:
    """The parent holds the other end of standard input, whatever the system, and writes nothing more to it."""
    sys.stdin.buffer.read()
    os._exit(1)


def _dbt(words: list[str]) -> int:
    from dbt.cli.main import cli  # noqa: PLC0415 optional dependency

    try:
        cli(words)
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else 1
    return 0


if __name__ == "__main__":
    # At once: what dbt leaves running must not keep the lock.
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
