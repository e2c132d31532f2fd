"""`python -m benchmarks [--quick] [--without-peers]`: every case, one table each, and the page docs/benchmarks.md."""

from __future__ import annotations

import argparse
import os
import sys

from benchmarks import contenders, writing
from benchmarks.cases import QUICK, WHOLE, all_cases
from benchmarks.stage import staged


def main() -> int:
    """Run all cases; 1 if a goal was missed, 2 if a peer is not installed."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small numbers; nothing is judged or written")
    parser.add_argument("--without-peers", action="store_true", help="careloom alone; nothing is written")
    asked = parser.parse_args()
    peers = not asked.without_peers
    missing = contenders.missing_peers() if peers else []
    if missing:
        sys.stderr.write(f"not installed: {', '.join(missing)}; run: make bench\n")
        return 2
    results, load = [], os.getloadavg()[0]
    for result in all_cases(QUICK if asked.quick else WHOLE, peers=peers):
        writing.show(result)
        results.append(result)
    if peers and not asked.quick:
        with staged() as stage:
            server = writing.server_version(stage.server)
        writing.write(results, server, load)
        print(f"written: {writing.relative(writing.PAGE)}")
    return 1 if any(result.reached is False for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
