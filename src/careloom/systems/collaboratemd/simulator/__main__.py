"""`python -m careloom.systems.collaboratemd.simulator`: the billing service as a process."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading

from careloom.core.errors import UsageFault
from careloom.core.rooms import SimulatorOptions
from careloom.systems.collaboratemd.simulator.running import serve


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="simulator", description="A CollaborateMD partner's reports in a box.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8903, help="0 lets the system choose")
    parser.add_argument("--latency-ms", type=int, default=0)
    parser.add_argument("--rows", type=int, default=400, help="charges of each account")
    parser.add_argument("--running-seconds", type=float, default=0.2, help="how long a report runs")
    parser.add_argument(
        "--today", default="", help="the day that dates are counted from, YYYY-MM-DD; unsaid, the clock's"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--while-stdin", action="store_true", help="end when the standard input is closed")
    return parser


def _end_with_stdin() -> None:
    """End this process once whoever started it is gone."""
    while sys.stdin.buffer.read(1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def main() -> int:
    """Serve until interrupted."""
    found = _parser().parse_args()
    if found.while_stdin:
        threading.Thread(target=_end_with_stdin, daemon=True).start()
    options = SimulatorOptions(host=found.host, port=found.port, latency_ms=found.latency_ms, seed=found.seed)
    try:
        serve(options, rows=found.rows, running_seconds=found.running_seconds, today=found.today)
    except UsageFault as fault:
        sys.stderr.write(f"{fault}\n")
        return fault.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
