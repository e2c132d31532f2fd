"""Stops an embedded PostgreSQL when the last process that uses it is gone, however that process ended.

Run as a script by `embedded.py`, detached, with the standard library only:

    python -I -S watchdog.py USERS_FD WATCHDOG_FD DATA_FOLDER UID GID

USERS_FD is an unlocked handle on the file of which every user holds a shared lock. WATCHDOG_FD carries the exclusive lock
that says "there is a watchdog"; holding it open is all that is done with it. UID and GID are taken on when started as root.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import sys
import time

LINGER = 3.0
PATIENCE = 60.0


def main() -> None:
    """Wait for the last user, linger, stop the server."""
    users, data, uid, gid = int(sys.argv[1]), sys.argv[3], int(sys.argv[4]), int(sys.argv[5])
    if os.fork():
        os._exit(0)
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    while not abandoned(users):
        pass
    stop(data)


def abandoned(users: int) -> bool:
    """Block until no one uses the server; true if no one came back while lingering, and no one can come back now."""
    fcntl.flock(users, fcntl.LOCK_EX)
    fcntl.flock(users, fcntl.LOCK_UN)
    time.sleep(LINGER)
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def stop(data: str) -> None:
    """A fast shutdown of the server in `data`; an immediate one (recovered at the next start) when that takes too long."""
    pid, address = running(data)
    for kind in (signal.SIGINT, signal.SIGQUIT):
        if pid and end(data, pid, kind):
            break
    if address:
        with contextlib.suppress(OSError):
            os.rmdir(address)  # noqa: PTH106 (importing pathlib costs 10 ms)


def running(data: str) -> tuple[int, str]:
    """Process and socket folder of the server in `data`; 0 and "" if there is none."""
    try:
        with open(f"{data}/postmaster.pid", encoding="utf-8") as file:  # noqa: PTH123
            lines = file.read().splitlines()
        return int(lines[0]), lines[4]
    except (OSError, ValueError, IndexError):
        return 0, ""


def end(data: str, pid: int, kind: int) -> bool:
    """Signal `pid` and wait for its end; false if it is still there.

    The server's mark is looked at as well: where no one reaps processes, a dead one keeps its number.
    """
    deadline = time.monotonic() + PATIENCE
    try:
        os.kill(pid, kind)
        while running(data)[0] == pid:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
            os.kill(pid, 0)
    except OSError:
        pass
    return True


if __name__ == "__main__":
    main()
