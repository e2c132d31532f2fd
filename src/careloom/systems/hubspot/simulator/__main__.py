"""`python -m careloom.systems.hubspot.simulator`: the portal as a process."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from careloom.core.rooms import SimulatorOptions
from careloom.systems.hubspot.simulator.server.process import serve
from careloom.systems.hubspot.simulator.settings import TIERS
from careloom.systems.simulator_kit import end_with_stdin, exit_code_of


def options_of(arguments: Sequence[str]) -> SimulatorOptions:
    """The options of a command line."""
    parser = argparse.ArgumentParser(prog="simulator", description="A HubSpot portal in a box.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8901, help="0 lets the system choose")
    parser.add_argument("--tier", choices=sorted(TIERS), default="enterprise")
    parser.add_argument("--latency-ms", type=int, default=0)
    parser.add_argument("--contacts", type=Path, help="a file of JSON lines, one contact each")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--while-stdin", action="store_true", help="end when the standard input is closed")
    namespace = parser.parse_args(arguments)
    if namespace.while_stdin:
        end_with_stdin()
    return SimulatorOptions(
        host=namespace.host,
        port=namespace.port,
        tier=namespace.tier,
        latency_ms=namespace.latency_ms,
        records=namespace.contacts,
        seed=namespace.seed,
    )


def main() -> int:
    """Serve until interrupted."""
    return exit_code_of(lambda: serve(options_of(sys.argv[1:])))


if __name__ == "__main__":
    sys.exit(main())
