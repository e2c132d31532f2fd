"""Where a request came from, and what address it was sent to, where proxies stand in between."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.requests import Request

_HOPS, _CLOUD_RUN = "CARELOOM_PROXIES", "K_SERVICE"


@dataclass(frozen=True, slots=True)
class Senders:
    """`hops`: how many proxies of our own stand in front. What is written before theirs, anyone may have written."""

    hops: int = 0

    def client(self, request: Request) -> str:
        """The sender's address; "" if it is not known."""
        if self.hops:
            chain = [one.strip() for one in ",".join(request.headers.getlist("x-forwarded-for")).split(",")]
            return chain[-self.hops] if len(chain) >= self.hops else ""
        return request.client.host if request.client else ""

    def addresses(self, request: Request) -> list[str]:
        """The address that was asked for without its query, and the service's own, as the sender wrote them."""
        scheme = request.headers.get("x-forwarded-proto", "https") if self.hops else request.url.scheme
        service = f"{scheme}://{request.headers.get('host', '')}"
        return [service + request.url.path, service]


def senders(environment: Mapping[str, str]) -> Senders:
    """As CARELOOM_PROXIES says; on Cloud Run, one: its front end."""
    stated = environment.get(_HOPS, "")
    if stated.isdecimal():
        return Senders(int(stated))
    return Senders(1 if environment.get(_CLOUD_RUN) else 0)
