"""How a command ends: an exit code, and for a user's mistake a sentence instead of a traceback."""

from __future__ import annotations

import sys
from collections.abc import Callable
from traceback import format_tb

from careloom.core.errors import CareloomError, ProjectFault

INTERRUPTED = 130


def end_with(call: Callable[[], object]) -> int:
    """Make `call`, which leaves by SystemExit when it could do its work; what else it raises becomes a sentence."""
    try:
        call()
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else 0
    except KeyboardInterrupt:
        return _stopped()
    except CareloomError as error:
        _say(_told(error))
        return error.exit_code
    except Exception as error:  # noqa: BLE001 the last one to see it; what it says may quote a person
        # DuckDB makes an error of its own of a Ctrl-C within a query.
        if isinstance(error.__cause__ or error.__context__, KeyboardInterrupt):
            return _stopped()
        _say(_places(error))
        return 1
    return 0


def _stopped() -> int:
    _say("stopped at once; what was acknowledged is kept, and the next run goes on from there")
    return INTERRUPTED


def _told(error: CareloomError) -> str:
    if isinstance(error, ProjectFault):
        many = len(error.faults)
        return f"{error}\n\n{many} {'fault' if many == 1 else 'faults'}; nothing was done"
    return f"careloom: {error}"


def _places(error: BaseException) -> str:
    """Where an error of ours rose, without its message: a library's may quote the data that it failed on."""
    lines = ["careloom: this is a bug, please report it with these lines; they hold nobody's data:"]
    one: BaseException | None = error
    while one is not None:
        lines += [line.rstrip() for line in format_tb(one.__traceback__)]
        lines.append(f"{type(one).__module__}.{type(one).__qualname__} (its message is left out: it may quote data)")
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)
    return "\n".join(lines)


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
