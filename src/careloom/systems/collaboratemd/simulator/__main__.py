"""`python -m careloom.systems.collaboratemd.simulator`: the billing service as a process."""

from __future__ import annotations

import sys

from careloom.systems.collaboratemd.simulator.process import serve
from careloom.vendor_kit.simulator.process import exit_code_of, options_of, parser_of


def main() -> int:
    """Serve until interrupted."""
    parser = parser_of("A CollaborateMD partner's reports in a box.", 8903)
    parser.add_argument("--rows", type=int, default=400, help="charges of each account")
    parser.add_argument("--running-seconds", type=float, default=0.2, help="how long a report runs")
    parser.add_argument(
        "--today", default="", help="the day that dates are counted from, YYYY-MM-DD; unsaid, the clock's"
    )
    namespace = parser.parse_args()
    options = options_of(namespace)
    return exit_code_of(
        lambda: serve(options, rows=namespace.rows, running_seconds=namespace.running_seconds, today=namespace.today)
    )


if __name__ == "__main__":
    sys.exit(main())
