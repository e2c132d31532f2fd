"""`python -m careloom.systems.drchrono.simulator`: the practice as a process."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading

from careloom.core.errors import UsageFault
from careloom.core.rooms import SimulatorOptions
from careloom.systems.drchrono.simulator.running import PATIENTS, serve
from careloom.systems.drchrono.simulator.settings import TIERS


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
    options = SimulatorOptions(
        host=found.host,
        port=found.port,
        tier=found.tier,
        latency_ms=found.latency_ms,
        seed=found.seed,
        hooks_url=found.hooks_url,
    )
    try:
        serve(options, found.patients)
    except UsageFault as fault:
        sys.stderr.write(f"{fault}\n")
        return fault.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
