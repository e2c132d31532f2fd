"""The control endpoints, under /__control__/: what tests and demos do to the practice from outside."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from careloom.systems.drchrono.simulator import seed, settings
from careloom.systems.drchrono.simulator.api import Answer, Api
from careloom.systems.drchrono.simulator.changes import change_record, create_record, delete_record, lock_note
from careloom.systems.drchrono.simulator.clinic import KEYS
from careloom.systems.drchrono.simulator.payloads import shown
from careloom.systems.drchrono.simulator.webhook_sender import Sender

Body = dict[str, Any]


@dataclass(slots=True)
class Control:
    """Everything that can be done to the practice; every command takes and gives JSON."""

    api: Api
    sender: Sender

    def answer(self, method: str, name: str, body: bytes) -> Answer:
        """Do what is asked; 404 for commands that there are not, 400 for those that cannot be done."""
        commands: Mapping[tuple[str, str], Callable[[Body], Any]] = {
            ("POST", "seed"): self._seed,
            ("POST", "create"): self._create,
            ("POST", "change"): self._change,
            ("POST", "delete"): self._delete,
            ("POST", "lock"): self._lock,
            ("POST", "settings"): self._settings,
            ("POST", "token"): lambda _: self.api.access.pair(),
            ("POST", "revoke"): lambda _: self.api.access.revoke(),
            ("POST", "fail"): lambda wanted: self.api.fail.extend(wanted["statuses"]),
            ("POST", "expire_lists"): lambda _: self.api.jobs.asked.clear(),
            ("POST", "send"): self._send,
            ("POST", "redeliver"): lambda _: {"sent": self.sender.redeliver()},
            ("POST", "handshake"): lambda _: {"verified": self.sender.handshake()},
            ("GET", "hooks"): lambda _: {**self.sender.counts, "waiting": self.sender.waiting()},
            ("GET", "calls"): lambda _: {**self.api.clinic.calls, "refreshed": self.api.access.refreshed},
            ("GET", "truth"): lambda _: self._truth(),
        }
        command = commands.get((method, name))
        if command is None:
            return Answer(404, {"commands": sorted(f"{verb} {one}" for verb, one in commands)})
        try:
            with self.api.clinic.lock:
                return Answer(200, command(orjson.loads(body) if body else {}))
        except (KeyError, TypeError, ValueError) as error:
            return Answer(400, {"error": type(error).__name__, "about": str(error)})

    def _seed(self, wanted: Body) -> Any:
        seed.seed(self.api.clinic, int(wanted["patients"]), lives=wanted.get("lives", True))
        return {name: len(table.truth) for name, table in self.api.clinic.tables.items()}

    def _create(self, wanted: Body) -> Any:
        record = create_record(self.api.clinic, wanted["table"], wanted.get("values", {}))
        return {"key": str(record[KEYS.get(wanted["table"], "id")])}

    def _change(self, wanted: Body) -> Any:
        found = change_record(self.api.clinic, wanted["table"], str(wanted["key"]), wanted["values"])
        return {"changed": found is not None}

    def _delete(self, wanted: Body) -> Any:
        return {"deleted": delete_record(self.api.clinic, wanted["table"], str(wanted["key"]))}

    def _lock(self, wanted: Body) -> Any:
        return {"locked": lock_note(self.api.clinic, str(wanted["key"]), locked=wanted.get("locked", True))}

    def _settings(self, wanted: Body) -> Any:
        settings.change(self.api.clinic.settings, wanted)

    def _send(self, wanted: Body) -> Any:
        self.sender.send(wanted["event"], wanted["body"].encode(), wanted.get("delivery", ""))

    def _truth(self) -> Any:
        """Every record as it is, whatever reads see yet, by table and key; deleted appointments are not among them."""
        clinic = self.api.clinic
        return {
            name: {
                key: shown(clinic, name, record, verbose=True)
                for key, record in table.truth.items()
                if not record.get("deleted_flag")
            }
            for name, table in clinic.tables.items()
        }
