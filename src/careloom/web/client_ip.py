"""Where a request came from, where proxies stand in between."""

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
            chain = [address.strip() for address in ",".join(request.headers.getlist("x-forwarded-for")).split(",")]
            return chain[-self.hops] if len(chain) >= self.hops else ""
        return request.client.host if request.client else ""


def senders(environment: Mapping[str, str]) -> Senders:
    """As CARELOOM_PROXIES says; on Cloud Run, one: its front end."""
    hops = environment.get(_HOPS, "")
    if hops.isdecimal():
        return Senders(int(hops))
    return Senders(1 if environment.get(_CLOUD_RUN) else 0)
