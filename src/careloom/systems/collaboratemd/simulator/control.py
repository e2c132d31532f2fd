"""The control endpoints, under /__control__/: what tests and demos do to the billing service from outside."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from careloom.systems.collaboratemd.simulator import settings
from careloom.systems.collaboratemd.simulator.runs import FAULTS, Fault, Service
from careloom.vendor_kit.simulator.control import Control
from careloom.vendor_kit.simulator.faults import Failures

Body = dict[str, Any]


@dataclass(slots=True)
class BillingControl:
    """Everything that can be done to the service."""

    service: Service
    failures: Failures = field(default_factory=Failures)
    initial_settings: dict[str, Any] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.initial_settings = asdict(self.service.settings)

    def commands(self) -> Control:
        """Its control endpoints."""
        return Control(
            lock=self.service.lock,
            failures=self.failures,
            act={
                "settings": lambda values: settings.change(self.service.settings, values),
                "fault": self._fault,
                "mend": lambda _: self._mend(),
                "reset": lambda _: self._reset(),
                "forget": lambda _: self.service.runs.clear(),
            },
            read={
                "settings": lambda _: settings.public_values(self.service.settings),
                "runs": lambda _: self._runs(),
                "calls": lambda _: dict(self.service.calls),
                "truth": lambda _: self.service.truth(),
            },
        )

    def _fault(self, body: Body) -> Any:
        fault = Fault(**body)
        if fault.kind not in FAULTS:
            raise ValueError(f"there are: {', '.join(FAULTS)}")
        self.service.faults.append(fault)

    def _mend(self) -> None:
        self.service.faults.clear()
        self.failures.denied.clear()

    def _reset(self) -> None:
        """As it was started: its settings, no runs, no faults, no calls."""
        settings.change(self.service.settings, self.initial_settings)
        for forgotten in (self.service.runs, self.service.faults, self.service.calls, self.failures):
            forgotten.clear()

    def _runs(self) -> Any:
        return [
            {"identifier": run.identifier, "report": run.layout.name, "accounts": run.accounts, "polls": run.polls}
            for run in self.service.runs.values()
        ]
