"""Control endpoints: what tests and demos do to a simulator from outside. Every command takes and gives JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, fields
from typing import Any

import orjson

from careloom.vendor_kit.simulator.faults import Failures

Command = Callable[[dict[str, Any]], Any]


@dataclass(slots=True, kw_only=True)
class Control:
    """The commands of one simulator: those that `read` are asked for (GET), those that `act` done (POST).

    `fail` and `deny` are every simulator's. `lock` is held while a command runs.
    """

    act: Mapping[str, Command] = field(default_factory=dict)
    read: Mapping[str, Command] = field(default_factory=dict)
    lock: AbstractContextManager[Any] = field(default_factory=nullcontext)
    failures: Failures = field(default_factory=Failures)

    def answer(self, method: str, name: str, body: bytes) -> tuple[int, Any]:
        """Status and body: 404 for a command that does not exist, 400 for one that cannot be done."""
        command = self._commands().get((method, name))
        if command is None:
            return 404, {"commands": sorted(" ".join(pair) for pair in self._commands())}
        try:
            with self.lock:
                return 200, command(orjson.loads(body) if body else {})
        except (KeyError, TypeError, ValueError) as error:
            return 400, {"error": type(error).__name__, "about": str(error)}

    def _commands(self) -> dict[tuple[str, str], Command]:
        own: dict[str, Command] = {
            "fail": lambda values: self.failures.add(values["statuses"]),
            "deny": self.failures.denied.update,
        }
        acts = {("POST", name): command for name, command in {**own, **self.act}.items()}
        return acts | {("GET", name): command for name, command in self.read.items()}


def change(settings: Any, values: Mapping[str, Any]) -> None:
    """Set the fields of the dataclass `settings` that `values` names; KeyError for a name that does not exist."""
    names = {field_.name for field_ in fields(settings)}
    for name, value in values.items():
        if name not in names:
            raise KeyError(name)
        setattr(settings, name, tuple(value) if isinstance(value, list) else value)
