"""Faults that tests ask for: refused, slow, cut and stormy requests."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from careloom.systems.hubspot.simulator.portal.rate_limits import too_many
from careloom.systems.hubspot.simulator.responses import Json, RefusalError, Response, invalid
from careloom.systems.hubspot.simulator.settings import Settings

KINDS = ("status", "cut_after_write", "cut_before_write", "slow", "storm_429", "latency")
_MESSAGES = {
    423: "This resource is locked because of a high volume of writes. Try again in a moment.",
    477: "This account is being moved to another data centre. Try again later.",
    500: "internal error",
    502: "Bad gateway",
    503: "Service unavailable",
    504: "The request timed out",
}


@dataclass(slots=True, kw_only=True)
class Fault:
    """One fault. It strikes the `nth` request that fits (from 1), or `every` so-manieth, at most `times` times.

    A request fits if `match` is part of its path and `method` is its method. `cut_after_write` applies the request and
    closes the socket without an answer; `cut_before_write` only closes it.
    """

    kind: str
    status: int = 500
    nth: int = 0
    every: int = 0
    times: int = 0
    match: str = ""
    method: str = ""
    ms: float = 0
    until_ms: int = 0
    retry_after: str = ""
    body: Json | str | None = None
    match_count: int = 0
    struck: int = 0

    def strikes(self, method: str, path: str, now_ms: int) -> bool:
        """Whether this request is hit; counts it."""
        if self.match not in path or (self.method and self.method != method):
            return False
        if self.until_ms:
            return now_ms < self.until_ms
        self.match_count += 1
        if self.times and self.struck >= self.times:
            return False
        hit = self.match_count == self.nth if self.nth else (not self.every or self.match_count % self.every == 0)
        self.struck += hit
        return hit


@dataclass(slots=True, kw_only=True)
class Stroke:
    """What hits one request."""

    answer: Response | None = None
    delay_ms: float = 0
    disconnect: Literal["", "before", "after"] = ""


@dataclass(slots=True, kw_only=True)
class Faults:
    """The faults that are set."""

    pending: list[Fault] = field(default_factory=list)

    def stroke(self, settings: Settings, method: str, path: str, now_ms: int) -> Stroke:
        """What hits this request: delays add up, and the first fault that ends it wins."""
        hit = Stroke()
        for fault in self.pending:
            if not fault.strikes(method, path, now_ms):
                continue
            if fault.kind == "slow":
                hit.delay_ms += fault.ms
            elif hit.answer is None and not hit.disconnect:
                _end(hit, fault, settings)
        return hit


def _end(hit: Stroke, fault: Fault, settings: Settings) -> None:
    if fault.kind == "cut_before_write":
        hit.disconnect = "before"
    elif fault.kind == "cut_after_write":
        hit.disconnect = "after"
    elif fault.kind == "storm_429":
        hit.answer = Response(429, too_many(settings, "TEN_SECONDLY_ROLLING"), _retry(fault))
    else:
        message = _MESSAGES.get(fault.status, "internal error")
        body = RefusalError(fault.status, "INTERNAL_ERROR", message).body() if fault.body is None else fault.body
        # A text is what a gateway says: it goes out as it is, and not as JSON.
        hit.answer = Response(fault.status, body.encode() if isinstance(body, str) else body, _retry(fault))


def _retry(fault: Fault) -> tuple[tuple[str, str], ...]:
    return (("retry-after", fault.retry_after),) if fault.retry_after else ()


def read(body: Json, now_ms: int) -> Fault:
    """A fault as it was asked for; a refusal if there is no such kind."""
    if body.get("kind") not in KINDS:
        raise invalid(f"unknown kind of fault: {body.get('kind')}; one of {', '.join(KINDS)}")
    retry_after = body.get("retry_after")
    return Fault(
        kind=body["kind"],
        status=int(body.get("status", 500)),
        nth=int(body.get("nth", 0)),
        every=int(body.get("every", 0)),
        times=int(body.get("times", 0)),
        match=str(body.get("match", "")),
        method=str(body.get("method", "")),
        ms=float(body.get("ms", 0)),
        until_ms=round(now_ms + float(body.get("seconds", 10)) * 1000) if body["kind"] == "storm_429" else 0,
        retry_after="" if retry_after is None else str(retry_after),
        body=body.get("body"),
    )
