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
from careloom.systems.drchrono.simulator.payloads import api_record
from careloom.vendor_kit.simulator.app import Request, Response, json_response

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


@dataclass(slots=True, kw_only=True)
class Api:
    """The practice as programs see it."""

    clinic: Clinic
    access: Access
    throttle: Throttle
    jobs: Jobs = field(default_factory=Jobs)

    def answer(self, request: Request) -> Response:
        """Answer one request."""
        if request.path == "/o/authorize/":
            return self._authorize(request)
        if request.path == "/o/token/" and request.method == "POST":
            return json_response(*self.access.grant(request.form))
        parts = [part for part in request.path.split("/") if part]
        if len(parts) not in {2, 3} or parts[0] != "api" or request.path.endswith("/"):
            return json_response(*NOT_FOUND)
        refusal = self.access.refusal(request.authorization) or self.throttle.refusal(self.clinic.now().timestamp())
        with self.clinic.lock:
            self.clinic.calls[f"{request.method} {parts[1]}" + ("/{id}" if len(parts) > 2 else "")] += 1  # noqa: PLR2004
            if refusal is not None:
                self.clinic.calls[str(refusal[0])] += 1
                return json_response(*refusal)
            self.clinic.catch_up()
            return self._resource(request, parts[1], parts[2] if len(parts) > 2 else "")  # noqa: PLR2004

    def _authorize(self, request: Request) -> Response:
        """The page of consent, on which everyone agrees at once; with `deny` no one does."""
        query = request.query
        back = query.get("redirect_uri", "")
        if query.get("client_id") != self.clinic.settings.client_id or not back:
            return json_response(400, {"error": "invalid_request"})
        parameters = {"error": "access_denied"} if "deny" in query else {"code": self.access.code()}
        if "state" in query:
            parameters["state"] = query["state"]
        return json_response(302, location=f"{back}{'&' if '?' in back else '?'}{urlencode(parameters)}")

    def _resource(self, request: Request, resource: str, key: str) -> Response:
        if resource in LISTS and not key:
            if request.method == "POST":
                return json_response(*self.jobs.ask(resource, request.query))
            return json_response(*self.jobs.answer(self.clinic, resource, request.query))
        if resource == "users" and key == "current":
            return json_response(302, location=f"{request.base_url}/api/users/{_USER['id']}")
        if request.method == "GET":
            return self._read(request, resource, key)
        return self._write(request, resource, key)

    def _read(self, request: Request, resource: str, key: str) -> Response:
        clinic, query = self.clinic, request.query
        if resource in _FIXED:
            return self._reference_answer(resource, key)
        if resource == "line_item_deletions" and not key:
            return json_response(200, self._deletions(query))
        if resource not in TABLES:
            return json_response(*NOT_FOUND)
        if not key:
            return json_response(*listings.listing(clinic, resource, query, request.base_url))
        record = clinic.tables[resource].visible.get(key)
        if record is None or record.get("deleted_flag"):
            return json_response(*NOT_FOUND)
        return json_response(200, api_record(clinic, resource, record, verbose=query.get("verbose") == "true"))

    def _reference_answer(self, resource: str, key: str) -> Response:
        if not key:
            return json_response(200, {"previous": None, self.clinic.settings.envelope: _FIXED[resource], "next": None})
        entries = [entry for entry in _FIXED[resource] if str(entry.get("id", entry.get("payer_id"))) == key]
        return json_response(200, entries[0]) if entries else json_response(*NOT_FOUND)

    def _deletions(self, query: Mapping[str, str]) -> dict[str, Any]:
        since = query.get("since", "")
        deletions = [deletion for deletion in self.clinic.deleted_items if deletion["created_at"] >= since]
        return {"previous": None, self.clinic.settings.envelope: deletions, "next": None}

    def _write(self, request: Request, resource: str, key: str) -> Response:
        if resource not in _WRITABLE:
            return json_response(405, {"detail": f'Method "{request.method}" not allowed.'})
        try:
            body = json.loads(request.body) if request.body else {}
        except ValueError:
            return json_response(400, {"detail": "JSON parse error"})
        clinic = self.clinic
        if request.method == "POST" and not key:
            many = body if isinstance(body, list) else [body]
            records = [
                api_record(clinic, resource, create_record(clinic, resource, values), verbose=False) for values in many
            ]
            return json_response(201, records if isinstance(body, list) else records[0])
        if request.method in {"PUT", "PATCH"} and change_record(clinic, resource, key, body) is not None:
            return json_response(204)
        if (
            request.method == "DELETE"
            and resource in {"appointments", "line_items"}
            and delete_record(clinic, resource, key)
        ):
            return json_response(204)
        return json_response(*NOT_FOUND)
