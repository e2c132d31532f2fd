"""How a command ends: an exit code, and for a user's mistake a sentence instead of a traceback."""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Callable
from traceback import format_tb

import typer

from careloom.cli.failure_json import failure, failure_of
from careloom.cli.interrupts import INTERRUPTED
from careloom.cli.output_mode import MANNER
from careloom.cli.standard_streams import make_readable
from careloom.core.errors import CareloomError, ProjectFault

_OF_THE_MACHINE = frozenset(
    {
        errno.EACCES,
        errno.EADDRINUSE,
        errno.EDQUOT,
        errno.EISDIR,
        errno.ELOOP,
        errno.EMFILE,
        errno.ENAMETOOLONG,
        errno.ENOENT,
        errno.ENOSPC,
        errno.ENOTDIR,
        errno.EPERM,
        errno.EROFS,
    }
)
"""What the system refuses because of a path, a right or a place that is gone: for a person to mend, and no bug."""


def end_with(call: Callable[[], object]) -> int:
    """Make `call`, which returns its exit code or leaves by SystemExit; what else it raises becomes a sentence.

    Where JSON was asked for and none was printed yet, the failure is also JSON on standard output.
    """
    for stream in (sys.stdout, sys.stderr):
        make_readable(stream)
    try:
        return _code_of(call())
    except SystemExit as error:
        return _code_of(error.code)
    except KeyboardInterrupt:
        return _report_stop()
    except CareloomError as error:
        _print(failure_of(error))
        _say(_sentence(error))
        return error.exit_code
    except typer.TyperException as error:
        return _report_misuse(error)
    except Exception as error:  # noqa: BLE001 the last one to see it; what it says may quote a person
        return _unforeseen(error)


def _code_of(code: object) -> int:
    if MANNER.was_interrupted:
        return _report_stop()
    return code if isinstance(code, int) else 0


def _report_stop() -> int:
    _print(failure("interrupted", "stopped at once", INTERRUPTED))
    _say("stopped at once; what was acknowledged is kept, and the next run continues from there")
    return INTERRUPTED


def _report_misuse(error: typer.TyperException) -> int:
    """Options and arguments that do not exist."""
    if isinstance(message := getattr(error, "message", None), str):
        error.message = _plain(message)
    code = int(getattr(error, "exit_code", 2))
    words = getattr(error, "format_message", lambda: str(error))()
    _print(failure("usage", words, code))
    show = getattr(error, "show", None)
    if show is not None:
        show()
    else:
        _say(f"careloom: {words}")
    return code


_PLAIN = (
    ("Input should be a valid integer", "is not a whole number"),
    ("Unable to parse input string as an integer", "is not a whole number of this size"),
    ("Input should be a valid number", "is not a number"),
    ("Input should be a finite number", "is not a finite number"),
    ("Input should be greater than or equal to ", "must be at least "),
    ("Input should be less than or equal to ", "must be at most "),
)
"""What the library says of a number, and what a person would."""


def _plain(words: str) -> str:
    for begin, plain in _PLAIN:
        if begin in words:
            head, _, after = words.partition(begin)
            return f"{head}{plain}{after.partition(',')[0]}"
    return words


def _unforeseen(error: Exception) -> int:
    # DuckDB makes an error of its own of a Ctrl-C within a query.
    if isinstance(error.__cause__ or error.__context__, KeyboardInterrupt):
        return _report_stop()
    if isinstance(error, OSError) and error.errno in _OF_THE_MACHINE:
        words = f"{error.filename or 'a file'}: {os.strerror(error.errno)}"
        _print(failure("machine", words, 1))
        _say(f"careloom: {words}; check the path, its rights and the room on its disk")
        return 1
    _print(failure("bug", f"{type(error).__module__}.{type(error).__qualname__}", 1))
    _say(_places(error))
    return 1


def _sentence(error: CareloomError) -> str:
    if isinstance(error, ProjectFault):
        many = len(error.faults)
        return f"{error}\n\n{many} {'fault' if many == 1 else 'faults'}; nothing was done"
    return f"careloom: {error}"


def _places(error: BaseException) -> str:
    """Where an error of ours rose, without its message: a library's may quote the data that it failed on."""
    lines = ["careloom: this is a bug, please report it with these lines; they hold no person's data:"]
    cause: BaseException | None = error
    while cause is not None:
        lines += [line.rstrip() for line in format_tb(cause.__traceback__)]
        lines.append(
            f"{type(cause).__module__}.{type(cause).__qualname__} (its message is left out: it may quote data)"
        )
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return "\n".join(lines)


def _print(failure: dict[str, object]) -> None:
    """The failure as JSON, where JSON was asked for and nothing was printed yet."""
    if MANNER.json and not MANNER.has_printed:
        MANNER.has_printed = True
        sys.stdout.write(json.dumps({"error": failure}, indent=2) + "\n")
        sys.stdout.flush()


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
