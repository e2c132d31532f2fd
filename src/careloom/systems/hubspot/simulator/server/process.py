"""Starting the simulator: in this process, or in one of its own that a test or a demo talks to."""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable
from typing import Any

from careloom.core.errors import UsageFault
from careloom.core.rooms import SimulatorOptions
from careloom.systems.hubspot.simulator.portal.portal import Portal
from careloom.systems.hubspot.simulator.server import seed
from careloom.systems.hubspot.simulator.server.app import App
from careloom.systems.hubspot.simulator.settings import TIERS, Settings
from careloom.vendor_kit.simulator.process import SimulatorProcess
from careloom.vendor_kit.simulator.server import cut, is_local, serve_app


def portal_of(options: SimulatorOptions) -> Portal:
    """A portal as the options ask for; UsageFault where they name what there is not."""
    name = options.tier or "enterprise"
    if name not in TIERS:
        raise UsageFault(f"there is no tier {name!r}: choose one of {', '.join(TIERS)}")
    settings = Settings(tier=TIERS[name], latency_ms=options.latency_ms)
    file = options.records

    def refill(portal: Portal) -> None:
        if file is not None:
            seed.load_file(portal, portal.table("contacts"), file)

    try:
        return Portal(clock=_clock(), seed=options.seed, settings=settings, refill=refill)
    except (OSError, ValueError) as error:
        raise UsageFault(f"the records cannot be read: {error}") from None


def _clock() -> Callable[[], int]:
    """Milliseconds since 1970 that never go back."""
    start, ticks = time.time_ns() // 1_000_000, time.monotonic_ns()
    return lambda: start + (time.monotonic_ns() - ticks) // 1_000_000


def serve(options: SimulatorOptions) -> None:
    """Serve the portal until interrupted; prints one line with its address once it answers."""
    app = App(portal_of(options), cut, has_control=is_local(options))
    # Records live as long as the process and hold no cycles: looking through them again and again only costs.
    gc.freeze()
    gc.set_threshold(200_000, 50, 100)
    serve_app(app, options, loop="uvloop" if sys.platform != "win32" else "asyncio", date_header=True)


class RunningSimulator(SimulatorProcess):
    """The simulator in a process of its own; `arguments` are those of its command line."""

    package = "careloom.systems.hubspot.simulator"

    def control(self, method: str, path: str, json_body: Any = None) -> Any:
        """Ask a control endpoint (`path` without its /__sim/ beginning, or with it); returns the parsed answer.

        urllib.error.HTTPError where it is refused.
        """
        full = path if path.startswith("/__sim") else f"/__sim/{path.lstrip('/')}"
        return self.ask(method, full, json_body)
