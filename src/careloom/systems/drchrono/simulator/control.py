"""The control endpoints, under /__control__/: what tests and demos do to the practice from outside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from careloom.systems.drchrono.simulator import seed
from careloom.systems.drchrono.simulator.api import Api
from careloom.systems.drchrono.simulator.changes import change_record, create_record, delete_record, lock_note
from careloom.systems.drchrono.simulator.clinic import KEYS
from careloom.systems.drchrono.simulator.payloads import api_record
from careloom.systems.drchrono.simulator.webhook_sender import Sender
from careloom.vendor_kit.simulator.control import Control, change

Body = dict[str, Any]


@dataclass(slots=True)
class PracticeControl:
    """Everything that can be done to the practice; every command takes and gives JSON."""

    api: Api
    sender: Sender

    def commands(self) -> Control:
        """Its control endpoints."""
        return Control(
            lock=self.api.clinic.lock,
            act={
                "seed": self._seed,
                "create": self._create,
                "change": self._change,
                "delete": self._delete,
                "lock": self._lock,
                "settings": lambda values: change(self.api.clinic.settings, values),
                "token": lambda _: self.api.access.pair(),
                "revoke": lambda _: self.api.access.revoke(),
                "expire_lists": lambda _: self.api.jobs.requests.clear(),
                "send": self._send,
                "redeliver": lambda _: {"sent": self.sender.redeliver()},
                "handshake": lambda _: {"verified": self.sender.handshake()},
            },
            read={
                "hooks": lambda _: {**self.sender.counts, "waiting": self.sender.waiting()},
                "calls": lambda _: {**self.api.clinic.calls, "refreshed": self.api.access.refresh_count},
                "truth": lambda _: self._truth(),
            },
        )

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
