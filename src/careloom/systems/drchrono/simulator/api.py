"""The endpoints of the practice, from a request to what is answered."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from careloom.systems.drchrono.simulator import listings
from careloom.systems.drchrono.simulator.access import Access, Throttle
from careloom.systems.drchrono.simulator.changes import change_record, create_record, delete_record
from careloom.systems.drchrono.simulator.clinic import TABLES, Clinic, Record
from careloom.systems.drchrono.simulator.listings import LISTS, Jobs
from careloom.systems.drchrono.simulator.payloads import shown

NOT_FOUND: tuple[int, Any] = (404, {"detail": "Not found."})
_WRITABLE = frozenset({"patients", "appointments", "medications", "problems", "allergies", "line_items"})
_USER = {"id": 701, "username": "sim", "is_doctor": True, "is_staff": False, "doctor": 501, "practice_group": 801}
_FIXED: Mapping[str, list[Record]] = {
    "doctors": [{"id": 501, "first_name": "Sim", "last_name": "Doctor", "timezone": "UTC", "practice_group": 801}],
    "offices": [{"id": 601, "name": "Main office", "doctor": 501, "exam_rooms": [{"index": 1, "name": "Room 1"}]}],
    "users": [_USER],
    "insurances": [
        {"payer_id": "00001", "payer_name": "Acme Mutual", "state": "OR"},
        {"payer_id": "00002", "payer_name": "Northwind Health", "state": "WY"},
    ],
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request. `base_url`: the address under which the practice was reached."""

    method: str
    path: str
    query: Mapping[str, str]
    body: bytes
    authorization: str
    base_url: str
    form: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """A response; `body` None is an empty one."""

    status: int
    body: Any = None
    location: str = ""


@dataclass(slots=True, kw_only=True)
class Api:
    """The practice as programs see it."""

    clinic: Clinic
    access: Access
    throttle: Throttle
    jobs: Jobs = field(default_factory=Jobs)
    fail: list[int] = field(default_factory=list)
    """Statuses that the next calls get instead of an answer; 0 closes the connection."""

    def answer(self, asked: Asked) -> Answer:
        """Answer one request."""
        if asked.path == "/o/authorize/":
            return self._authorize(asked)
        if asked.path == "/o/token/" and asked.method == "POST":
            return Answer(*self.access.grant(asked.form))
        parts = [part for part in asked.path.split("/") if part]
        if len(parts) not in {2, 3} or parts[0] != "api" or asked.path.endswith("/"):
            return Answer(*NOT_FOUND)
        refused = self.access.refusal(asked.authorization) or self.throttle.refusal(self.clinic.now().timestamp())
        with self.clinic.lock:
            self.clinic.calls[f"{asked.method} {parts[1]}" + ("/{id}" if len(parts) > 2 else "")] += 1  # noqa: PLR2004
            if refused is not None:
                self.clinic.calls[str(refused[0])] += 1
                return Answer(*refused)
            self.clinic.catch_up()
            return self._resource(asked, parts[1], parts[2] if len(parts) > 2 else "")  # noqa: PLR2004

    def _authorize(self, asked: Asked) -> Answer:
        """The page of consent, on which everybody agrees at once; with `deny` nobody does."""
        query = asked.query
        back = query.get("redirect_uri", "")
        if query.get("client_id") != self.clinic.settings.client_id or not back:
            return Answer(400, {"error": "invalid_request"})
        said = {"error": "access_denied"} if "deny" in query else {"code": self.access.code()}
        if "state" in query:
            said["state"] = query["state"]
        return Answer(302, None, f"{back}{'&' if '?' in back else '?'}{urlencode(said)}")

    def _resource(self, asked: Asked, resource: str, key: str) -> Answer:
        if resource in LISTS and not key:
            if asked.method == "POST":
                return Answer(*self.jobs.ask(resource, asked.query))
            return Answer(*self.jobs.answer(self.clinic, resource, asked.query))
        if resource == "users" and key == "current":
            return Answer(302, None, f"{asked.base_url}/api/users/{_USER['id']}")
        if asked.method == "GET":
            return self._read(asked, resource, key)
        return self._write(asked, resource, key)

    def _read(self, asked: Asked, resource: str, key: str) -> Answer:
        clinic, query = self.clinic, asked.query
        if resource in _FIXED:
            return self._fixed(resource, key)
        if resource == "line_item_deletions" and not key:
            return Answer(200, self._deletions(query))
        if resource not in TABLES:
            return Answer(*NOT_FOUND)
        if not key:
            return Answer(*listings.listing(clinic, resource, query, asked.base_url))
        record = clinic.tables[resource].seen.get(key)
        if record is None or record.get("deleted_flag"):
            return Answer(*NOT_FOUND)
        return Answer(200, shown(clinic, resource, record, verbose=query.get("verbose") == "true"))

    def _fixed(self, resource: str, key: str) -> Answer:
        if not key:
            return Answer(200, {"previous": None, self.clinic.settings.envelope: _FIXED[resource], "next": None})
        found = [one for one in _FIXED[resource] if str(one.get("id", one.get("payer_id"))) == key]
        return Answer(200, found[0]) if found else Answer(*NOT_FOUND)

    def _deletions(self, query: Mapping[str, str]) -> dict[str, Any]:
        since = query.get("since", "")
        found = [one for one in self.clinic.deleted_items if one["created_at"] >= since]
        return {"previous": None, self.clinic.settings.envelope: found, "next": None}

    def _write(self, asked: Asked, resource: str, key: str) -> Answer:
        if resource not in _WRITABLE:
            return Answer(405, {"detail": f'Method "{asked.method}" not allowed.'})
        try:
            wanted = json.loads(asked.body) if asked.body else {}
        except ValueError:
            return Answer(400, {"detail": "JSON parse error"})
        clinic = self.clinic
        if asked.method == "POST" and not key:
            many = wanted if isinstance(wanted, list) else [wanted]
            made = [shown(clinic, resource, create_record(clinic, resource, one), verbose=False) for one in many]
            return Answer(201, made if isinstance(wanted, list) else made[0])
        if asked.method in {"PUT", "PATCH"} and change_record(clinic, resource, key, wanted) is not None:
            return Answer(204)
        if (
            asked.method == "DELETE"
            and resource in {"appointments", "line_items"}
            and delete_record(clinic, resource, key)
        ):
            return Answer(204)
        return Answer(*NOT_FOUND)
