"""Ending the embedded PostgreSQL of a benchmark with everything it kept, instead of when its keeper notices."""

from __future__ import annotations

import shutil
from pathlib import Path

from careloom.store.server import watchdog
from careloom.store.server.embedded import leave_server
from careloom.store.server.home import server_home


def remove_server(folder: Path) -> None:
    """End the server of `folder`, which only this process uses, and remove its home."""
    home = server_home(folder)
    leave_server(folder)
    watchdog.stop(str(home.data))
    shutil.rmtree(home.path, ignore_errors=True)
