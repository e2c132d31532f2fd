"""The OpenAPI document, with the webhooks' addresses, which FastAPI does not see."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

_REFUSALS = {
    "400": "Not an event, or not what its headers say.",
    "401": "The signature or the secret is not the system's.",
    "408": "The body took longer than ten seconds.",
    "413": "More than 10 MB, as it came or unpacked.",
    "415": "A kind of content or of packing that no event comes in.",
    "429": "Too many refused requests from this address; Retry-After says when.",
    "503": "Nothing was kept; Retry-After says when to send it again.",
}


def describe(app: FastAPI, systems: Sequence[str]) -> None:
    """Let /openapi.json tell of the webhooks of `systems` too."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = get_openapi(
                title=app.title,
                version=app.version,
                routes=app.routes,
                description="Receives what systems send, and lands what a scheduler asks for.",
            )
            schema["paths"] = {f"/webhooks/{name}": _webhook(name) for name in systems} | schema["paths"]
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def _webhook(system: str) -> dict[str, Any]:
    refusals = {status: {"description": text} for status, text in _REFUSALS.items()}
    name = system.replace("-", "_")
    return {
        "get": {
            "tags": ["webhooks"],
            "summary": f"The handshake of {system}, where it has one.",
            "operationId": f"handshake_{name}",
            "responses": {"200": {"description": "The proof that we know the secret."}, "400": refusals["400"]},
        },
        "post": {
            "tags": ["webhooks"],
            "summary": f"An event of {system}. A 2xx means that it is on disk.",
            "operationId": f"receive_{name}",
            "requestBody": {"content": {"application/json": {"schema": {}}}},
            "responses": {"200": {"description": "Kept, now or before."}, **refusals},
        },
    }
