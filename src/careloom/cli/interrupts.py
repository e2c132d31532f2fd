"""Ctrl-C before the work begins and after it ends."""

from __future__ import annotations

import os
import signal
from types import FrameType
from typing import NoReturn

from careloom.cli.manner import MANNER

INTERRUPTED = 130
"""What a shell calls a process that Ctrl-C ended."""


def leave(_number: int, _frame: FrameType | None) -> NoReturn:
    """End at once: nothing was begun yet, or all is done."""
    os._exit(INTERRUPTED)


def stop_at_once(_number: int, _frame: FrameType | None) -> NoReturn:
    """Give up what is under way."""
    MANNER.interrupted = True
    raise KeyboardInterrupt


def leave_on_interrupt() -> None:
    """Let Ctrl-C end the process as long as there is nothing to bring to an end."""
    signal.signal(signal.SIGINT, leave)


def raise_on_interrupt() -> None:
    """Let Ctrl-C raise KeyboardInterrupt from now on, where it would end the process."""
    if signal.getsignal(signal.SIGINT) is leave:
        signal.signal(signal.SIGINT, stop_at_once)
