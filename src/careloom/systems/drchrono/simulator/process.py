"""Starting the simulator: in this process, or in one of its own that a test or a demo talks to."""

from __future__ import annotations

from typing import Any

from careloom.core.errors import UsageFault
from careloom.core.rooms import SimulatorOptions
from careloom.systems.drchrono.simulator import seed
from careloom.systems.drchrono.simulator.access import Access, Throttle
from careloom.systems.drchrono.simulator.api import Api
from careloom.systems.drchrono.simulator.clinic import Clinic
from careloom.systems.drchrono.simulator.control import PracticeControl
from careloom.systems.drchrono.simulator.settings import TIERS, Settings
from careloom.systems.drchrono.simulator.webhook_sender import Sender
from careloom.vendor_kit.simulator.app import SimulatorApp
from careloom.vendor_kit.simulator.control import change
from careloom.vendor_kit.simulator.process import SimulatorProcess, check_secrets
from careloom.vendor_kit.simulator.server import is_local, serve_app

PATIENTS = 40
"""How many people the practice has when it is started without saying."""

_SECRETS = ("client_id", "client_secret", "webhook_secret")
_READ_ONLY = frozenset({"hooks", "calls", "truth"})


def app_of(options: SimulatorOptions, patients: int = PATIENTS) -> SimulatorApp:
    """A practice as the options ask for; `secrets` may name client_id, client_secret and webhook_secret."""
    tier = options.tier or TIERS[0]
    if tier not in TIERS:
        raise UsageFault(f"there is no tier {tier!r}: choose one of {', '.join(TIERS)}")
    check_secrets(options, _SECRETS)
    if options.records is not None:
        raise UsageFault("the practice invents its people itself: start it without a file of records")
    settings = Settings(limited=tier != "unlimited", latency_ms=options.latency_ms, hooks_url=options.hooks_url)
    change(settings, dict(options.secrets))
    clinic = Clinic(settings=settings, seed=options.seed)
    seed.seed(clinic, patients)
    sender = Sender(clinic)
    clinic.tell = sender.tell
    sender.start()
    api = Api(clinic=clinic, access=Access(settings), throttle=Throttle(settings))
    return SimulatorApp(
        api.answer,
        PracticeControl(api, sender).commands(),
        has_control=is_local(options),
        latency_ms=lambda: settings.latency_ms,
    )


def serve(options: SimulatorOptions, patients: int = PATIENTS) -> None:
    """Serve the practice until interrupted; prints one line with its address once it answers."""
    serve_app(app_of(options, patients), options)


class RunningDrChrono(SimulatorProcess):
    """The simulator in a process of its own; `arguments` are those of its command line."""

    package = __package__

    def control(self, name: str, **values: Any) -> Any:
        """Do a control command: hooks, calls and truth are asked for, the others done with `values`.

        urllib.error.HTTPError where it is refused.
        """
        is_read = name in _READ_ONLY
        return self.ask("GET" if is_read else "POST", f"/__control__/{name}", None if is_read else values)
