"""`python -m careloom.systems.hubspot.simulator`: the portal as a process."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from careloom.core.rooms import SimulatorOptions
from careloom.systems.hubspot.simulator.server.process import serve
from careloom.systems.hubspot.simulator.settings import TIERS
from careloom.vendor_kit.simulator import process
from careloom.vendor_kit.simulator.process import exit_code_of, parser_of


def options_of(arguments: Sequence[str]) -> SimulatorOptions:
    """The options of a command line."""
    parser = parser_of("A HubSpot portal in a box.", 8901)
    parser.add_argument("--tier", choices=sorted(TIERS), default="enterprise")
    parser.add_argument("--contacts", type=Path, help="a file of JSON lines, one contact each")
    namespace = parser.parse_args(arguments)
    return process.options_of(namespace, tier=namespace.tier, records=namespace.contacts)


def main() -> int:
    """Serve until interrupted."""
    return exit_code_of(lambda: serve(options_of(sys.argv[1:])))


if __name__ == "__main__":
    sys.exit(main())
