"""`python -m careloom.systems.collaboratemd.simulator`: the billing service as a process."""

from __future__ import annotations

import argparse
import sys

from careloom.core.rooms import SimulatorOptions
from careloom.systems.collaboratemd.simulator.process import serve
from careloom.systems.simulator_kit import end_with_stdin, exit_code_of


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


def main() -> int:
    """Serve until interrupted."""
    namespace = _parser().parse_args()
    if namespace.while_stdin:
        end_with_stdin()
    options = SimulatorOptions(
        host=namespace.host, port=namespace.port, latency_ms=namespace.latency_ms, seed=namespace.seed
    )
    return exit_code_of(
        lambda: serve(options, rows=namespace.rows, running_seconds=namespace.running_seconds, today=namespace.today)
    )


if __name__ == "__main__":
    sys.exit(main())
