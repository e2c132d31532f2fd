"""The address that a sender called, as some vendors sign it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.requests import Request

from careloom.core.errors import Fix

_PUBLIC_URL = "CARELOOM_PUBLIC_URL"


@dataclass(frozen=True, slots=True)
class PublicAddress:
    """`base`: what stands in front of `/webhooks/SYSTEM` for senders; "" where they call this process itself."""

    base: str = ""

    def of(self, request: Request) -> str:
        """The whole address of `request`, its path and query byte by byte as they came."""
        path: bytes = request.scope.get("raw_path", b"") or request.scope["path"].encode()
        query: bytes = request.scope.get("query_string", b"")
        base = self.base or f"{request.url.scheme}://{request.headers.get('host', '')}"
        return base + path.decode("latin-1") + (f"?{query.decode('latin-1')}" if query else "")


def public_address(environment: Mapping[str, str]) -> PublicAddress:
    """As CARELOOM_PUBLIC_URL says. Fix where that is no address."""
    base = environment.get(_PUBLIC_URL, "").strip().rstrip("/")
    if base and not base.startswith(("http://", "https://")):
        raise Fix(f"{_PUBLIC_URL} is no address: write it as senders call it, such as https://hooks.clinic.example")
    return PublicAddress(base)
