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
from careloom.systems.drchrono.simulator.payloads import api_record
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
            ("POST", "fail"): lambda values: self.api.fail.extend(values["statuses"]),
            ("POST", "expire_lists"): lambda _: self.api.jobs.requests.clear(),
            ("POST", "send"): self._send,
            ("POST", "redeliver"): lambda _: {"sent": self.sender.redeliver()},
            ("POST", "handshake"): lambda _: {"verified": self.sender.handshake()},
            ("GET", "hooks"): lambda _: {**self.sender.counts, "waiting": self.sender.waiting()},
            ("GET", "calls"): lambda _: {**self.api.clinic.calls, "refreshed": self.api.access.refresh_count},
            ("GET", "truth"): lambda _: self._truth(),
        }
        command = commands.get((method, name))
        if command is None:
            return Answer(404, {"commands": sorted(f"{verb} {command_name}" for verb, command_name in commands)})
        try:
            with self.api.clinic.lock:
                return Answer(200, command(orjson.loads(body) if body else {}))
        except (KeyError, TypeError, ValueError) as error:
            return Answer(400, {"error": type(error).__name__, "about": str(error)})

    def _seed(self, body: Body) -> Any:
        seed.seed(self.api.clinic, int(body["patients"]), lives=body.get("lives", True))
        return {name: len(table.truth) for name, table in self.api.clinic.tables.items()}

    def _create(self, body: Body) -> Any:
        record = create_record(self.api.clinic, body["table"], body.get("values", {}))
        return {"key": str(record[KEYS.get(body["table"], "id")])}

    def _change(self, body: Body) -> Any:
        record = change_record(self.api.clinic, body["table"], str(body["key"]), body["values"])
        return {"changed": record is not None}

    def _delete(self, body: Body) -> Any:
        return {"deleted": delete_record(self.api.clinic, body["table"], str(body["key"]))}

    def _lock(self, body: Body) -> Any:
        return {"locked": lock_note(self.api.clinic, str(body["key"]), is_locked=body.get("locked", True))}

    def _settings(self, body: Body) -> Any:
        settings.change(self.api.clinic.settings, body)

    def _send(self, body: Body) -> Any:
        self.sender.send(body["event"], body["body"].encode(), body.get("delivery", ""))

    def _truth(self) -> Any:
        """Every record as it is, whatever reads see yet, by table and key; deleted appointments are not among them."""
        clinic = self.api.clinic
        return {
            name: {
                key: api_record(clinic, name, record, verbose=True)
                for key, record in table.truth.items()
                if not record.get("deleted_flag")
            }
            for name, table in clinic.tables.items()
        }
