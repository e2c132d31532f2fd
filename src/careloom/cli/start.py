"""Where the process begins: Ctrl-C is known before anything is loaded, and all that is written is written out."""

from __future__ import annotations

import sys
from typing import NoReturn

from careloom.cli.interrupts import INTERRUPTED, leave_on_interrupt

leave_on_interrupt()

from careloom.cli.main import main as run  # noqa: E402 it takes a while, in which Ctrl-C is pressed
from careloom.cli.standard_streams import make_lasting, written_out  # noqa: E402


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run a command and leave with its exit code."""
    make_lasting()
    try:
        run(arguments)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0
    except KeyboardInterrupt:
        code = INTERRUPTED
    leave_on_interrupt()
    sys.exit(written_out(code))


if __name__ == "__main__":
    main()
