"""What HubSpot says is wrong, read from the shapes in which it says so.

A refusal may name the input (trace id, record id), the property, the value, or nothing. Every member is optional. The
messages quote values: they belong in an Outcome, never in a log line or an exception.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import orjson

from careloom.core.ports import Outcome, Verdict

Kind = Literal["invalid", "taken", "absent", "busy"]

_EXISTING = re.compile(r"Existing ID:\s*(\d+)")
# Verbatim 2026-09: "Cannot set PropertyValueCoordinates{…, propertyName=email, value=a@b.test} on 55. 56 already has that value."
_ALREADY = re.compile(
    r"propertyName=(?P<property>[^,}]+), value=(?P<value>.*)\} on (?P<record>-?\d+)\. (?P<holder>\d+) already",
    re.DOTALL,
)
_ALREADY_LOOSE = re.compile(r"(?P<holder>\d+) already has that value")
_LIST = re.compile(r"\[\s*\{.*\}\s*\]", re.DOTALL)
_QUOTED = re.compile(r'"([a-z][a-z0-9_]*)"')
# The definition is at fault, not one value: every input that carries the property is refused for it.
PROPERTY_FAULTS = frozenset({"PROPERTY_DOESNT_EXIST", "READ_ONLY_VALUE"})
# Categories that speak of the moment, not of the record.
_BUSY = frozenset({"RATE_LIMITS", "RATE_LIMIT", "INTERNAL_ERROR", "SERVER_ERROR", "TIMEOUT"})
_ABSENT = frozenset({"OBJECT_NOT_FOUND", "NOT_FOUND"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiError:
    """One thing that is wrong. `holder`: the record that has our value; `record`: the one that was to get it."""

    kind: Kind
    code: str
    message: str
    property: str | None = None
    value: str | None = None
    holder: str | None = None
    record: str | None = None
    traces: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()

    def outcome(self, key: str) -> Outcome:
        """What it means for the write called `key`."""
        verdicts: dict[Kind, Verdict] = {"invalid": "held", "taken": "taken", "absent": "missing", "busy": "later"}
        verdict = verdicts[self.kind]
        if verdict == "taken" and self.holder is None:
            verdict = "held"
        return Outcome(
            key=key,
            verdict=verdict,
            remote_id=self.holder,
            code=self.code,
            message=self.message,
            property=self.property,
        )

    def names_value(self, value: str) -> bool:
        """Whether the message is about this very value, in one of the known wordings."""
        if self.value is not None:
            return self.value.casefold() == value.strip().casefold()
        text = self.message
        return bool(value) and (
            text.startswith((f"{value} was not ", f"{value} is not ", f"{value} is at "))
            or text == f"Email address {value} is invalid"
        )


def api_errors_of(body: Mapping[str, Any]) -> list[ApiError]:
    """Everything that a refusal's body, or one entry of a batch answer's `errors`, complains of; at least one."""
    traces, ids = _named(body.get("context"), "objectWriteTraceId"), _named(body.get("context"), "ids", "id")
    errors = [replace(error, traces=error.traces or traces, ids=error.ids or ids) for error in _details(body)]
    return errors or [replace(_whole(body), traces=traces, ids=ids)]


def batch_errors_of(body: Mapping[str, Any]) -> Iterator[ApiError]:
    """What a 2xx complains of in its `errors`, whatever its status (207, or 200 in 2026-09)."""
    for entry in body.get("errors") or ():
        if isinstance(entry, dict):
            yield api_errors_of(entry)[0]


def _whole(body: Mapping[str, Any]) -> ApiError:
    message = str(body.get("message") or "no reason given")
    category = str(body.get("category") or body.get("errorType") or "REFUSED")
    code = str(body.get("error") or body.get("subCategory") or category)
    duplicate = _taken(message)
    if duplicate is not None:
        return duplicate
    if category in _ABSENT:
        return ApiError(kind="absent", code=code, message=message)
    return ApiError(
        kind="busy" if category in _BUSY else "invalid", code=code, message=message, property=_quoted(message)
    )


def _details(body: Mapping[str, Any]) -> Iterator[ApiError]:
    """Complaints about single properties: in `errors`, and as JSON inside the message."""
    message = str(body.get("message") or "")
    if _taken(message) is not None:
        return
    pairs: set[tuple[str | None, str]] = set()
    for entry in [*_entries(body.get("errors")), *_entries(_list_in(message))]:
        text = str(entry.get("message") or message)
        code = str(entry.get("code") or entry.get("error") or body.get("category") or "REFUSED")
        context = entry.get("context")
        name = entry.get("name") or next(iter(_named(context, "propertyName")), None) or _quoted(text)
        if (name, text) in pairs:
            continue
        pairs.add((name, text))
        error = _taken(text) or ApiError(kind="invalid", code=code, message=text)
        yield replace(
            error,
            property=error.property or name,
            traces=_named(context, "objectWriteTraceId"),
            ids=_named(context, "ids", "id"),
        )


def _taken(message: str) -> ApiError | None:
    """The complaint that another record has our value: 409 on create, 400 on update or while the index lags."""
    if match := _ALREADY.search(message):
        return ApiError(
            kind="taken",
            code="CONFLICT",
            message=message,
            property=match["property"],
            value=match["value"],
            holder=match["holder"],
            record=match["record"],
        )
    match = _EXISTING.search(message) or _ALREADY_LOOSE.search(message)
    if match is None:
        return None
    # Only contacts answer so, and only about their mail address.
    name = "email" if message.startswith("Contact already exists") else None
    return ApiError(kind="taken", code="CONFLICT", message=message, property=name, holder=match[1])


def _named(context: object, *members: str) -> tuple[str, ...]:
    if not isinstance(context, dict):
        return ()
    for member in members:
        value = context.get(member)
        if isinstance(value, list):
            return tuple(str(item) for item in value)
        if value is not None:
            return (str(value),)
    return ()


def _entries(value: object) -> Sequence[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _list_in(message: str) -> object:
    match = _LIST.search(message)
    try:
        return orjson.loads(match[0]) if match else None
    except orjson.JSONDecodeError:
        return None


def _quoted(message: str) -> str | None:
    match = _QUOTED.search(message)
    return match[1] if match else None
