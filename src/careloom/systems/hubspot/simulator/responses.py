"""What the portal answers: bodies, and refusals in the vendor's own words."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import orjson

Json = dict[str, Any]


class Response(NamedTuple):
    """One HTTP answer; `body` None is an empty one, bytes are sent as they are."""

    status: int
    body: Any = None
    headers: tuple[tuple[str, str], ...] = ()

    def content(self) -> bytes:
        """The body as it goes over the wire."""
        if self.body is None:
            return b""
        return self.body if isinstance(self.body, bytes) else orjson.dumps(self.body)


class RefusedValue(NamedTuple):
    """Why one property value was refused."""

    name: str
    code: str
    message: str


class RefusalError(Exception):
    """A request, or one input of a batch, that the portal refuses."""

    def __init__(self, status: int, category: str, message: str, **extra: Any) -> None:
        super().__init__(category)
        self.status = status
        self.category = category
        self.message = message
        self.extra = extra
        self.headers: tuple[tuple[str, str], ...] = ()

    def body(self, correlation_id: str | None = None) -> Json:
        """The error as the body of a whole answer."""
        return {
            "status": "error",
            "message": self.message,
            "correlationId": correlation_id or str(uuid.uuid4()),
            **self.extra,
            "category": self.category,
        }

    def entry(self, context: Mapping[str, Sequence[str]]) -> Json:
        """The error as one entry of a batch answer's `errors`."""
        merged_context = {**self.extra.get("context", {}), **context}
        return {"status": "error", "category": self.category, "message": self.message, "context": merged_context}


def invalid(message: str, **extra: Any) -> RefusalError:
    """400: the request is wrong as a whole."""
    return RefusalError(400, "VALIDATION_ERROR", message, **extra)


def invalid_values(complaints: Sequence[RefusedValue], portal_id: int) -> RefusalError:
    """400: some property values were refused, in the envelope that the vendor documents."""
    entries = [
        {
            "isValid": False,
            "message": refusal.message,
            "error": refusal.code,
            "name": refusal.name,
            "localizedErrorMessage": refusal.message,
            "portalId": portal_id,
        }
        for refusal in complaints
    ]
    errors = [
        {"message": refusal.message, "code": refusal.code, "context": {"propertyName": [refusal.name]}}
        for refusal in complaints
    ]
    return invalid(f"Property values were not valid: {orjson.dumps(entries).decode()}", errors=errors)


def conflict(record_id: str) -> RefusalError:
    """409: a contact with this mail address is there already."""
    return RefusalError(409, "CONFLICT", f"Contact already exists. Existing ID: {record_id}")


def duplicate_value(portal_id: int, coordinates: tuple[str, str, str], own_id: str, holder: str) -> RefusalError:
    """400: another record holds this value of a unique property; `coordinates` are object type, property, value."""
    object_type, name, value = coordinates
    return invalid(
        f"Cannot set PropertyValueCoordinates{{portalId={portal_id}, objectTypeId=ObjectTypeId{{{object_type}}}, "
        f"propertyName={name}, value={value}}} on {own_id}. {holder} already has that value."
    )


def not_found(message: str = "resource not found") -> RefusalError:
    """404, with the header by which the vendor marks its own 404s."""
    refusal = RefusalError(404, "OBJECT_NOT_FOUND", message)
    refusal.headers = (("x-hubspot-notfound", "true"),)
    return refusal


def some_not_found(singular: str, ids: Sequence[str], traces: Sequence[str] = ()) -> Json:
    """The entry of a batch answer that names ids which are not there."""
    context: Json = {"ids": list(ids)}
    if traces:
        context["objectWriteTraceId"] = list(traces)
    message = f"Could not get some {singular} objects, they may be deleted or not exist. Check that ids are valid."
    return {"status": "error", "category": "OBJECT_NOT_FOUND", "message": message, "context": context}


def missing_scopes(scopes: Sequence[str]) -> RefusalError:
    """403: the token lacks a scope."""
    return RefusalError(
        403,
        "MISSING_SCOPES",
        "This app hasn't been granted all required scopes to make this call. "
        "Read more about required scopes here: https://developers.hubspot.com/scopes.",
        errors=[
            {
                "message": "One or more of the following scopes are required.",
                "context": {"requiredGranularScopes": list(scopes)},
            }
        ],
        links={"scopes": "https://developers.hubspot.com/scopes"},
    )


def unauthenticated() -> RefusalError:
    """401: no token."""
    return RefusalError(
        401,
        "INVALID_AUTHENTICATION",
        "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find more "
        "details at https://developers.hubspot.com/docs/methods/auth/oauth-overview",
    )


def token_expired() -> RefusalError:
    """401: the token is not valid any more."""
    return RefusalError(
        401, "EXPIRED_AUTHENTICATION", "The OAuth token used to make this call expired. Obtain a new one and try again."
    )
