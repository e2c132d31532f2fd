"""`python -m careloom.systems.drchrono.simulator`: the practice as a process."""

from __future__ import annotations

import argparse
import sys

from careloom.core.rooms import SimulatorOptions
from careloom.systems.drchrono.simulator.process import PATIENTS, serve
from careloom.systems.drchrono.simulator.settings import TIERS
from careloom.systems.simulator_kit import end_with_stdin, exit_code_of


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="simulator", description="A DrChrono practice in a box.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8902, help="0 lets the system choose")
    parser.add_argument("--tier", choices=TIERS, default=TIERS[0])
    parser.add_argument("--latency-ms", type=int, default=0)
    parser.add_argument("--patients", type=int, default=PATIENTS, help="how many people there are at the start")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--hooks-url", default="", help="where webhooks are sent")
    parser.add_argument("--while-stdin", action="store_true", help="end when the standard input is closed")
    return parser


def main() -> int:
    """Serve until interrupted."""
    namespace = _parser().parse_args()
    if namespace.while_stdin:
        end_with_stdin()
    options = SimulatorOptions(
        host=namespace.host,
        port=namespace.port,
        tier=namespace.tier,
        latency_ms=namespace.latency_ms,
        seed=namespace.seed,
        hooks_url=namespace.hooks_url,
    )
    return exit_code_of(lambda: serve(options, namespace.patients))


if __name__ == "__main__":
    sys.exit(main())
