"""`python -m careloom.systems.drchrono.simulator`: the practice as a process."""

from __future__ import annotations

import sys

from careloom.systems.drchrono.simulator.process import PATIENTS, serve
from careloom.systems.drchrono.simulator.settings import TIERS
from careloom.vendor_kit.simulator.process import exit_code_of, options_of, parser_of


def main() -> int:
    """Serve until interrupted."""
    parser = parser_of("A DrChrono practice in a box.", 8902)
    parser.add_argument("--tier", choices=TIERS, default=TIERS[0])
    parser.add_argument("--patients", type=int, default=PATIENTS, help="how many people there are at the start")
    parser.add_argument("--hooks-url", default="", help="where webhooks are sent")
    namespace = parser.parse_args()
    options = options_of(namespace, tier=namespace.tier, hooks_url=namespace.hooks_url)
    return exit_code_of(lambda: serve(options, namespace.patients))


if __name__ == "__main__":
    sys.exit(main())
