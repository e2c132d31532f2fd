"""drt-core as shipped, pointed at the simulator: `python -m benchmarks.drt_peer URL`, in the folder of a drt project."""

from __future__ import annotations

import sys

import drt.destinations.hubspot as destination
from drt.cli.main import app


def main() -> None:
    """Set the module's two addresses, for which drt has no option, and call its command line."""
    url = sys.argv[1]
    destination._HUBSPOT_API = f"{url}/crm/v3/objects"
    destination._HUBSPOT_PROPERTIES_API = f"{url}/crm/v3/properties"
    app(["run", "--output", "json"])


if __name__ == "__main__":
    main()
