"""Ctrl-C before the work begins and after it ends."""

from __future__ import annotations

import os
import signal
from types import FrameType
from typing import NoReturn

from careloom.cli.output_mode import MANNER

INTERRUPTED = 130
"""What a shell calls a process that Ctrl-C ended."""


def leave(_number: int, _frame: FrameType | None) -> NoReturn:
    """End at once: nothing was begun yet, or all is done."""
    os._exit(INTERRUPTED)


def begin() -> None:
    """From now on there is something to bring to an end, whatever is still to be loaded."""
    MANNER.has_begun = True


def stop_at_once(number: int, frame: FrameType | None) -> NoReturn:
    """Give up what is under way; while modules are loaded for what has not begun, there is nothing to give up."""
    if not MANNER.has_begun and _is_loading(frame):
        leave(number, frame)
    MANNER.was_interrupted = True
    raise KeyboardInterrupt


def _is_loading(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib."):
            return True
        frame = frame.f_back
    return False


def leave_on_interrupt() -> None:
    """Let Ctrl-C end the process as long as there is nothing to bring to an end."""
    signal.signal(signal.SIGINT, leave)


def raise_on_interrupt() -> None:
    """Let Ctrl-C raise KeyboardInterrupt from now on, where it would end the process."""
    if signal.getsignal(signal.SIGINT) is leave:
        signal.signal(signal.SIGINT, stop_at_once)
