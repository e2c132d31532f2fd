"""One request on its way through the portal: what the path, the query, the token and the body say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from careloom.systems.hubspot.simulator.body_shapes import check
from careloom.systems.hubspot.simulator.portal.definitions import Kind
from careloom.systems.hubspot.simulator.portal.portal import Portal
from careloom.systems.hubspot.simulator.portal.record import Record
from careloom.systems.hubspot.simulator.portal.records import Table
from careloom.systems.hubspot.simulator.responses import Json, invalid, missing_scopes
from careloom.systems.hubspot.simulator.settings import BAD_FIELD_TEXT, FIELDS_TEXT, MOST_INPUTS, TOO_MANY_INPUTS, Token


@dataclass(slots=True, kw_only=True)
class Request:
    """A request that was let in. `places` are the parts of the path that its template leaves open."""

    portal: Portal
    method: str
    version: str
    places: Sequence[str]
    query: Mapping[str, Sequence[str]]
    raw: bytes
    token: Token
    token_name: str = ""
    content_type: str = ""
    base_url: str = ""
    path: str = ""
    _body: Json | None = field(default=None)

    @property
    def table(self) -> Table:
        """The records of the object that the path names first."""
        return self.portal.table(self.places[0])

    @property
    def body(self) -> Json:
        """The JSON object that came; a refusal if it is something else."""
        if self._body is None:
            try:
                body = orjson.loads(self.raw or b"{}")
            except orjson.JSONDecodeError as error:
                raise invalid(f"Invalid input JSON on line 1, column {error.pos}: {error.msg}") from None
            if not isinstance(body, dict):
                raise invalid("Invalid input JSON: an object was expected")
            check(body)
            self._body = body
        return self._body

    def check_fields(self, *names: str) -> None:
        """A refusal where the body lacks one of these fields."""
        missing = [name for name in names if self.body.get(name) is None or self.body[name] == ""]
        if missing:
            raise invalid(FIELDS_TEXT.format(names=", ".join(missing)))

    def list_body(self) -> list[Json]:
        """The JSON list that came; a refusal if it is something else."""
        try:
            body = orjson.loads(self.raw)
        except orjson.JSONDecodeError as error:
            raise invalid(f"Invalid input JSON on line 1, column {error.pos}: {error.msg}") from None
        if not isinstance(body, list) or not all(isinstance(entry, dict) for entry in body):
            raise invalid("Invalid input JSON: a list of objects was expected")
        for entry in body:
            check(entry)
        return body

    def object_id(self, record_id: str) -> str | int:
        """A record's id as associations answer it: v4 gives a number, the dated versions text."""
        return int(record_id) if self.version == "v4" else record_id

    def inputs(self, max_inputs: int = MOST_INPUTS, text: str = TOO_MANY_INPUTS) -> list[Json]:
        """The inputs of a batch; a refusal if there are too many."""
        entries = self.body.get("inputs")
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise invalid("Invalid input JSON: 'inputs' must be a list of objects")
        if len(entries) > max_inputs:
            raise invalid(text.format(most=max_inputs))
        return entries

    def parameter(self, name: str) -> str | None:
        """The last value of a query parameter."""
        values = self.query.get(name)
        return values[-1] if values else None

    def flag(self, name: str) -> bool:
        """Whether a query parameter is true."""
        return (self.parameter(name) or "").lower() == "true"

    def many(self, name: str) -> list[str]:
        """A list parameter, whether it was repeated or joined by commas."""
        return [part for value in self.query.get(name, ()) for part in value.split(",") if part]

    def integer(self, name: str, default: int, maximum: int) -> int:
        """A whole number above 0, at most `maximum`."""
        text = self.parameter(name)
        if text is None:
            return default
        if not text.isdigit() or not 1 <= int(text) <= maximum:
            raise invalid(f"Invalid query parameter: {name} must be between 1 and {maximum}")
        return int(text)

    def need(self, *scopes: str) -> None:
        """A refusal unless the token has one of these scopes."""
        scopes_ = self.token.scopes
        if scopes_ is not None and not scopes_.intersection(scopes):
            raise missing_scopes(scopes[:1])


def response_names(request: Request, kind: Kind, names_: Sequence[str]) -> list[str]:
    """Which properties an answer shows: those asked for that exist, or the object's own choice, and the fixed three."""
    if not all(isinstance(name, str) for name in names_):
        raise invalid(BAD_FIELD_TEXT.format(name="properties"))
    names = [name for name in (names_ or kind.default) if name in kind.properties]
    check_sensitive(request, kind, names, "read")
    return list(dict.fromkeys([*names, kind.created_property, "hs_object_id", kind.modified_property]))


def property_values(record: Record, names: Sequence[str]) -> dict[str, str | None]:
    """These properties of a record; what is empty is null."""
    values = record.values
    return {name: values.get(name) or None for name in names}


def echo(kind: Kind, record: Record, changes: Mapping[str, Any]) -> dict[str, str | None]:
    """What an answer to a change shows: the properties that were sent, as they are stored now, and the fixed three."""
    values = record.values
    body: dict[str, str | None] = {name: values.get(name, "") for name in changes}
    body[kind.created_property] = record.created_at
    body["hs_object_id"] = record.id
    body[kind.modified_property] = record.updated_at
    return body


def histories(record: Record, names: Sequence[str]) -> Json:
    """The history of properties, the newest version first."""
    return {
        name: [
            {"value": value, "timestamp": moment, "sourceType": "INTEGRATION"}
            for value, moment in [
                (record.values.get(name, ""), record.updated_at),
                *reversed(record.past.get(name, [])),
            ]
        ]
        for name in names
        if record.values.get(name) is not None
    }


def check_sensitive(request: Request, kind: Kind, names: Sequence[str], act: str) -> None:
    """A refusal where a request names a sensitive property and the token may not `act` ("read", "write") on it."""
    if not kind.sensitive or request.token.scopes is None:
        return
    family = "custom" if kind.custom else kind.name
    for name in names:
        if name in kind.sensitive:
            level = kind.properties[name].sensitivity
            scope = f"tickets.{level}.v2" if kind.name == "tickets" else f"crm.objects.{family}.{level}.{act}.v2"
            request.need(scope, scope.removesuffix(".v2"))
