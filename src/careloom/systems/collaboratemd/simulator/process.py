"""Starting the simulator: in this process, or in one of its own that a test or a demo talks to."""

from __future__ import annotations

from functools import partial
from typing import Any

from careloom.core.errors import UsageFault
from careloom.core.rooms import SimulatorOptions
from careloom.systems.collaboratemd.simulator.api import answer, gateway_page
from careloom.systems.collaboratemd.simulator.control import BillingControl
from careloom.systems.collaboratemd.simulator.runs import Service
from careloom.systems.collaboratemd.simulator.settings import Settings, change
from careloom.vendor_kit.simulator.app import SimulatorApp
from careloom.vendor_kit.simulator.process import SimulatorProcess, check_secrets
from careloom.vendor_kit.simulator.server import is_local, serve_app

_SECRETS = ("username", "password")
_READ_ONLY = frozenset({"calls", "runs", "truth"})


def app_of(options: SimulatorOptions, **values: Any) -> SimulatorApp:
    """A service as the options ask for, with settings by name; `secrets` may name username and password.

    With only a password among the secrets, any user name is let in: a project may write its own openly.
    """
    if options.tier:
        raise UsageFault("the billing service has no tiers: start it without one")
    if options.records is not None:
        raise UsageFault("the billing service invents its charges itself: start it without a file of records")
    check_secrets(options, _SECRETS)
    settings = Settings(seed=options.seed, latency_ms=options.latency_ms)
    change(settings, ({"username": ""} if options.secrets else {}) | dict(options.secrets) | values)
    service = Service(settings=settings)
    return SimulatorApp(
        partial(answer, service),
        BillingControl(service).commands(),
        has_control=is_local(options),
        latency_ms=lambda: settings.latency_ms,
        failure=gateway_page,
    )


def serve(options: SimulatorOptions, **values: Any) -> None:
    """Serve the service until interrupted; prints one line with its address once it answers.

    `values` are settings by name.
    """
    serve_app(app_of(options, **values), options)


class RunningCollaborateMD(SimulatorProcess):
    """The simulator in a process of its own; `arguments` are those of its command line."""

    package = __package__

    def control(self, name: str, **values: Any) -> Any:
        """Do a control command with `values`; calls, runs and truth, and settings without values, are asked for.

        urllib.error.HTTPError where it is refused.
        """
        is_read = name in _READ_ONLY or (name == "settings" and not values)
        return self.ask("GET" if is_read else "POST", f"/__control__/{name}", None if is_read else values)
