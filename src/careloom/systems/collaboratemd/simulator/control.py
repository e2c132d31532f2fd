"""The control endpoints, under /__control__/: what tests and demos do to the billing service from outside."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson

from careloom.systems.collaboratemd.simulator import settings
from careloom.systems.collaboratemd.simulator.api import Answer
from careloom.systems.collaboratemd.simulator.runs import FAULTS, Fault, Service

Body = dict[str, Any]
_JSON = "application/json"


@dataclass(slots=True)
class Control:
    """Everything that can be done to the service; every command takes and gives JSON."""

    service: Service
    fail: list[int] = field(default_factory=list)
    """Statuses that the next calls get instead of an answer; 0 closes the connection, 200 is a gateway's page."""
    deny: dict[str, int] = field(default_factory=dict)
    """Such a status for every call whose path holds the text: `{"/10026936/reports/results/": 403}`."""
    initial_settings: dict[str, Any] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.initial_settings = asdict(self.service.settings)

    def answer(self, method: str, name: str, body: bytes) -> Answer:
        """Do what is asked; 404 for commands that there are not, 400 for those that cannot be done."""
        commands: Mapping[tuple[str, str], Callable[[Body], Any]] = {
            ("POST", "settings"): lambda values: settings.change(self.service.settings, values),
            ("GET", "settings"): lambda _: settings.public_values(self.service.settings),
            ("POST", "fault"): self._fault,
            ("POST", "mend"): lambda _: self._mend(),
            ("POST", "fail"): lambda values: self.fail.extend(values["statuses"]),
            ("POST", "deny"): self.deny.update,
            ("POST", "reset"): lambda _: self._reset(),
            ("POST", "forget"): lambda _: self.service.runs.clear(),
            ("GET", "runs"): lambda _: self._runs(),
            ("GET", "calls"): lambda _: dict(self.service.calls),
            ("GET", "truth"): lambda _: self.service.truth(),
        }
        command = commands.get((method, name))
        if command is None:
            names = sorted(f"{verb} {command_name}" for verb, command_name in commands)
            return Answer(status=404, body=orjson.dumps({"commands": names}), kind=_JSON)
        try:
            with self.service.lock:
                return Answer(status=200, body=orjson.dumps(command(orjson.loads(body) if body else {})), kind=_JSON)
        except (KeyError, TypeError, ValueError) as error:
            about = {"error": type(error).__name__, "about": str(error)}
            return Answer(status=400, body=orjson.dumps(about), kind=_JSON)

    def _fault(self, body: Body) -> Any:
        fault = Fault(**body)
        if fault.kind not in FAULTS:
            raise ValueError(f"there are: {', '.join(FAULTS)}")
        self.service.faults.append(fault)

    def _mend(self) -> None:
        self.service.faults.clear()
        self.deny.clear()

    def _reset(self) -> None:
        """As it was started: its settings, no runs, no faults, no calls."""
        settings.change(self.service.settings, self.initial_settings)
        for forgotten in (self.service.runs, self.service.faults, self.service.calls, self.fail, self.deny):
            forgotten.clear()

    def _runs(self) -> Any:
        return [
            {"identifier": run.identifier, "report": run.layout.name, "accounts": run.accounts, "polls": run.polls}
            for run in self.service.runs.values()
        ]
