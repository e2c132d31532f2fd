"""A client of the simulated portal that hides nothing: status, body and headers of every answer."""

from __future__ import annotations

import http.client
import json
from typing import Any, NamedTuple

from careloom.systems.hubspot.simulator import RunningSimulator
from hang import HANG

KEY = {
    "name": "clinic_key",
    "label": "Clinic key",
    "type": "string",
    "fieldType": "text",
    "groupName": "contactinformation",
    "hasUniqueValue": True,
}


class Reply(NamedTuple):
    status: int
    body: Any
    headers: dict[str, str]

    @property
    def values(self) -> dict[str, dict[str, str | None]]:
        """Properties of a batch's results by record id."""
        return {result["id"]: result["properties"] for result in self.body["results"]}


class Api:
    def __init__(self, simulator: RunningSimulator, *, lag: float = 0) -> None:
        self.simulator = simulator
        self.token = "pat-test"
        simulator.control("POST", "reset", {})
        simulator.control("POST", "settings", {"search_lag": lag})

    def __call__(self, method: str, path: str, body: object = None, **headers: str) -> Reply:
        connection = http.client.HTTPConnection(self.simulator.url.removeprefix("http://"), timeout=HANG)
        values = {"authorization": f"Bearer {self.token}", "content-type": "application/json", **headers}
        try:
            connection.request(method, path, None if body is None else json.dumps(body), values)
            answer = connection.getresponse()
            raw = answer.read()
        finally:
            connection.close()
        kind = answer.headers.get("content-type", "")
        parsed = json.loads(raw) if raw and "json" in kind else raw
        return Reply(answer.status, parsed, {name.lower(): value for name, value in answer.headers.items()})

    def batch(self, act: str, inputs: list[dict[str, Any]], object_: str = "contacts", **extra: Any) -> Reply:
        return self("POST", f"/crm/v3/objects/{object_}/batch/{act}", {"inputs": inputs, **extra})

    def contact(self, **properties: str) -> str:
        reply = self("POST", "/crm/v3/objects/contacts", {"properties": properties})
        assert reply.status == 201, reply.body
        return reply.body["id"]

    def search(self, *filters: tuple[str, ...], object_: str = "contacts", **extra: Any) -> Reply:
        made = []
        for name, operator, *values in filters:
            value_list: dict[str, Any] = {"propertyName": name, "operator": operator}
            if operator in {"IN", "NOT_IN"}:
                value_list["values"] = values
            elif values:
                value_list["value"] = values[0]
                value_list.update({"highValue": values[1]} if len(values) > 1 else {})
            made.append(value_list)
        return self("POST", f"/crm/v3/objects/{object_}/search", {"filterGroups": [{"filters": made}], **extra})

    def key(self) -> None:
        assert self("POST", "/crm/v3/properties/contacts", KEY).status == 201

    def state(self) -> dict[str, Any]:
        return self.simulator.control("GET", "state")
