"""Standard output and standard error as they are: of any encoding, full, closed, or left by their reader."""

from __future__ import annotations

import codecs
import errno
import io
import os
import sys
from typing import TextIO, cast

_ERRORS = "careloom"
_PLAIN = {"→": "->", "✓": "+", "✗": "x", "∅": "-", "•": "*", "…": "...", "█": "#", "–": "-"}  # noqa: RUF001
"""What stands for our own signs where an encoding lacks them."""


def _replace(error: UnicodeError) -> tuple[str, int]:
    """A codec's error handler: our signs in plain letters, others as their escape, so that none is lost or mistaken."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    letters = error.object[error.start : error.end]
    return "".join(_PLAIN.get(letter) or _escape(letter) for letter in letters), error.end


def _escape(letter: str) -> str:
    return letter.encode("ascii", "backslashreplace").decode()


class _Lasting(io.FileIO):
    """A file whose writes never raise: work that is under way does not end because no one can read about it."""

    trouble: OSError | None = None

    def write(self, data: object) -> int:
        """Write, or remember why that cannot be."""
        if self.trouble is None:
            try:
                return cast("int", super().write(data))  # type: ignore[arg-type]
            except BlockingIOError:
                raise
            except OSError as error:
                self.trouble = error
        return memoryview(data).nbytes  # type: ignore[arg-type]


def make_lasting() -> None:
    """Let this process's standard output and error take whatever is written, and remember what could not be."""
    codecs.register_error(_ERRORS, _replace)
    _open_what_is_closed()
    sys.stdout = _lasting(1, sys.stdout)
    sys.stderr = _lasting(2, sys.stderr)


def make_readable(stream: TextIO) -> None:
    """Let `stream` write letters that its encoding lacks in another way instead of failing."""
    codecs.register_error(_ERRORS, _replace)
    if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
        stream.reconfigure(errors=_ERRORS)


def written_out(code: int) -> int:
    """The exit code of a process that would leave with `code`, once all that it wrote is written; one line if it is not.

    A reader that left (`| head`) wanted no more: that is no failure.
    """
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    trouble = _trouble(sys.stdout)
    if trouble is None or trouble.errno == errno.EPIPE:
        return code
    sys.stderr.write(
        f"careloom: standard output cannot be written ({trouble.strerror}); what was asked for was done, but not shown\n"
    )
    sys.stderr.flush()
    return code if code in _FAILURES else 1


_FAILURES = frozenset({1, 2, 3, 5, 6, 130})


def _open_what_is_closed() -> None:
    """Nothing else, such as a connection, may get the number of a stream that was closed: what is printed would go there."""
    while (number := os.open(os.devnull, os.O_RDONLY)) <= 2:  # noqa: PLR2004 standard error
        os.set_inheritable(number, True)  # noqa: FBT003 its own order
    os.close(number)
    if sys.stdin is None:
        sys.stdin = open(0, closefd=False, encoding="utf-8")  # noqa: SIM115 it lives as long as the process


def _lasting(number: int, former: TextIO | None) -> TextIO:
    buffer = io.BufferedWriter(_Lasting(number, "w", closefd=False))
    if not isinstance(former, io.TextIOWrapper):
        return io.TextIOWrapper(buffer, encoding="utf-8", errors=_ERRORS, line_buffering=True)
    return io.TextIOWrapper(
        buffer,
        encoding=former.encoding,
        errors=_ERRORS,
        line_buffering=former.line_buffering,
        write_through=former.write_through,
    )


def _trouble(stream: TextIO) -> OSError | None:
    raw = getattr(getattr(stream, "buffer", None), "raw", None)
    return raw.trouble if isinstance(raw, _Lasting) else None
