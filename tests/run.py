"""The test run that all its workers belong to: its process, and the folder that they share."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

PREFIX = "careloom-tests-"
_PLENTY = 6 << 30


def run_process() -> int:
    """The process that was started by hand."""
    return os.getppid() if "PYTEST_XDIST_WORKER" in os.environ else os.getpid()


def run_folder() -> Path:
    """The same in every worker, with a short name; removed at the run's end."""
    return folders_root() / f"{PREFIX}{os.geteuid()}-{run_process()}"


def folders_root() -> Path:
    """Memory where there is plenty of it, else the folder for temporary files."""
    memory = Path("/dev/shm")
    has_plenty = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > _PLENTY
    return memory if has_plenty else Path(tempfile.gettempdir())
