"""One connection pool, one retry policy, one count of requests.

What the portal answers is told apart by what to do next:

- 2xx, and 4xx that speak of the records: given back to the caller.
- 401, 403: NotPermitted, with what to do.
- 429, 423, 477, 503 and others that say "not done": repeated after a wait, for reads and writes alike.
- An answer that never came, a gateway's 5xx, and an answer that is not what the API gives (see `bodies`): a read is
  repeated; a write may have been done, so it is never repeated here. AnswerLost says so, and the caller looks before it
  writes again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import SystemRandom
from threading import Lock
from time import monotonic, perf_counter, sleep
from typing import Any, Literal
from urllib.parse import urlencode

import orjson
import urllib3
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError

from careloom.core.errors import Fix, Later, NotPermitted, RemoteUnavailable
from careloom.core.log import LOG
from careloom.systems.hubspot.client.bodies import Check, refusal
from careloom.systems.hubspot.client.circuit_breaker import CircuitBreaker
from careloom.systems.hubspot.client.rate_limits import LimitName, RateLimiter

OK_BELOW = 300
REFUSED_FROM = 400
BROKEN_FROM = 500
UNAUTHORIZED = 401
FORBIDDEN = 403
NOT_FOUND = 404
CONFLICT = 409
TOO_LARGE = (413, 414)
LOCKED = 423
TOO_MANY = 429
MIGRATING = 477

# The request reached the portal's edge and did not go further: nothing was done.
_NOT_DONE = frozenset({503, 521, 523, 525, 526})
# HubSpot asks for at least so long after a 423.
_LOCKED_WAIT = 2.0
# Waits after a 429 without Retry-After (HubSpot rarely sends one): the length of the window that is full.
_FULL_WINDOW: Mapping[LimitName, float] = {"search": 1.0, "ten_secondly": 10.0, "daily": 900.0}
_DICE = SystemRandom()


class AnswerLost(Later):
    """A write was sent and its answer never came: it may have been done or not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How long a request is tried for. Waits and timeouts in seconds; `longest_wait` is the longest one wait may be."""

    attempts: int = 6
    first_wait: float = 0.5
    longest_backoff: float = 20.0
    longest_wait: float = 60.0
    connect_timeout: float = 5.0
    read_timeout: float = 60.0
    failures_in_a_row: int = 20
    rest: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request. `template` is its path without ids, for the log; `records` how many it carries.

    `gives` checks a success: whatever it finds wrong with the body makes the answer a lost one. `repeatable`: doing it twice is the same as doing it once, whatever happened in between.
    """

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: str
    gives: Check
    template: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    body: object = None
    limit: LimitName = "ten_secondly"
    records: int = 0
    repeatable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back; `body` is {} where there was none or none that could be read.

    `strange`: why this is no answer of the API, "" where it is one.
    """

    status: int
    headers: Mapping[str, str]
    body: dict[str, Any]
    strange: str = ""

    @property
    def ok(self) -> bool:
        """2xx."""
        return self.status < OK_BELOW

    def text(self, name: str) -> str:
        """A text member of the body, or ""; every member of an error body is optional."""
        value = self.body.get(name)
        return value if isinstance(value, str) else ""


class Client:
    """Speaks to one portal; used by many threads at once."""

    def __init__(
        self,
        base_url: str,
        token: str,
        rates: RateLimiter,
        *,
        connections: int = 8,
        patience: RetryPolicy | None = None,
        pause: Callable[[float], None] = sleep,
    ) -> None:
        self.rates = rates
        self.patience = patience or RetryPolicy()
        self.pause = pause
        self._base = base_url.rstrip("/")
        self._headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
            "User-Agent": "careloom",
        }
        timeout = urllib3.Timeout(connect=self.patience.connect_timeout, read=self.patience.read_timeout)
        self._pool = urllib3.PoolManager(maxsize=connections, block=True, retries=False, timeout=timeout)
        self._circuit = CircuitBreaker(
            monotonic, threshold=self.patience.failures_in_a_row, rest_seconds=self.patience.rest
        )
        self._lock = Lock()
        self._sent = 0

    def __repr__(self) -> str:
        return f"Client({self._base!r})"

    def requests(self) -> int:
        """Requests sent so far, repeated ones included."""
        with self._lock:
            return self._sent

    def close(self) -> None:
        """Close the connections; a later request opens new ones."""
        self._pool.clear()

    def send(self, call: Call) -> Answer:
        """The answer: 2xx, or a 4xx that only the caller can read.

        AnswerLost for a write that may have been done; NotPermitted; RemoteUnavailable after the last attempt.
        """
        attempt = 0
        while True:
            attempt += 1
            self._circuit.enter()
            answer = self._try(call)
            if answer is None or answer.strange:
                wait = self._backoff(attempt)
            elif (retry_wait := self._wait(call, answer, attempt)) is None:
                return answer
            else:
                wait = retry_wait
            if attempt >= self.patience.attempts:
                raise RemoteUnavailable(self._given_up(call, answer, attempt), after=wait)
            self.pause(wait)

    def _given_up(self, call: Call, answer: Answer | None, attempts: int) -> str:
        where = f"{call.method} {call.template or call.path}"
        if answer is not None and answer.strange:
            return (
                f"{self._base} does not answer as HubSpot does: {where} gave {answer.status} and {answer.strange}, "
                f"{attempts} times. Is base_url the address of HubSpot's API? If it is, see HubSpot's status page; "
                "nothing is lost: run again"
            )
        status = "no answer" if answer is None else str(answer.status)
        return (
            f"HubSpot: {where} failed {attempts} times ({status}); check the network, base_url and HubSpot's status "
            "page; nothing is lost: run again"
        )

    def expect(self, call: Call) -> dict[str, Any]:
        """The body of a 2xx. Fix for anything else: for requests that carry no person's data, as it quotes the reason."""
        answer = self.send(call)
        if answer.ok:
            return answer.body
        raise refused(call, answer)

    def _try(self, call: Call) -> Answer | None:
        """One attempt; None when no answer came and nothing speaks against repeating it."""
        where = f"{call.method} {call.template or call.path}"
        try:
            answer = self._once(call)
        except HTTPError as error:
            self._circuit.failed()
            LOG.warning("no answer", method=call.method, path=call.template or call.path, error=type(error).__name__)
            if call.repeatable or isinstance(error, NewConnectionError | ConnectTimeoutError):
                return None
            raise AnswerLost(f"HubSpot: the answer to {where} was lost") from None
        if answer.strange:
            self._circuit.failed()
            LOG.warning("not HubSpot's answer", request=where, status=answer.status, reason=answer.strange)
            if not call.repeatable:
                raise AnswerLost(f"HubSpot: the answer to {where} was {answer.status} and {answer.strange}")
        elif answer.status >= BROKEN_FROM:
            self._circuit.failed()
            if not call.repeatable and answer.status not in _NOT_DONE:
                raise AnswerLost(f"HubSpot: {where} ended in {answer.status}")
        else:
            self._circuit.succeeded()
        return answer

    def _once(self, call: Call) -> Answer:
        url = self._base + call.path + (f"?{urlencode(call.query)}" if call.query else "")
        body = orjson.dumps(call.body) if call.body is not None else None
        with self.rates.place(call.limit):
            with self._lock:
                self._sent += 1
            start = perf_counter()
            response = self._pool.request(call.method, url, body=body, headers=self._headers, redirect=False)
        headers = {name.lower(): value for name, value in response.headers.items()}
        LOG.debug(
            "request",
            method=call.method,
            path=call.template or call.path,
            status=response.status,
            ms=round((perf_counter() - start) * 1000, 1),
            records=call.records,
            correlation=headers.get("x-hubspot-correlation-id"),
        )
        self.rates.heard(headers)
        content = _parsed(response.data)
        return Answer(
            status=response.status,
            headers=headers,
            body=content if isinstance(content, dict) else {},
            strange=_strange(call, response.status, content),
        )

    def _wait(self, call: Call, answer: Answer, attempt: int) -> float | None:
        """Seconds until the next attempt; None when the answer is the caller's to read."""
        if answer.status == UNAUTHORIZED:
            raise NotPermitted(
                "HubSpot refuses the token (401): it is wrong, expired or revoked. Create a service key or an app token "
                "in the portal and store it under the secret that `token` names."
            )
        if answer.status == FORBIDDEN:
            raise NotPermitted(_lacking(call, answer))
        if answer.status == TOO_MANY:
            return self._too_many(call, answer)
        if answer.status == LOCKED:
            return _LOCKED_WAIT + self._backoff(attempt)
        if answer.status == MIGRATING or answer.status >= BROKEN_FROM:
            return self._bearable(_retry_after(answer) or self._backoff(attempt))
        return None

    def _too_many(self, call: Call, answer: Answer) -> float:
        name = full_limit(call, answer)
        seconds = _retry_after(answer) or _FULL_WINDOW[name]
        self.rates.pause(name, seconds)
        LOG.warning("rate limit", limit=name, seconds=seconds)
        # The pause holds for every worker of the portal; this thread sleeps it out too, so it costs no attempt.
        return self._bearable(seconds)

    def _bearable(self, seconds: float) -> float:
        if seconds > self.patience.longest_wait:
            raise RemoteUnavailable(f"HubSpot asks to wait {seconds:.0f} s", after=seconds)
        return seconds

    def _backoff(self, attempt: int) -> float:
        """Full jitter: anything up to a ceiling that doubles, so that threads do not come back together."""
        return _DICE.uniform(0, min(self.patience.longest_backoff, self.patience.first_wait * 2.0 ** (attempt - 1)))


def full_limit(call: Call, answer: Answer) -> LimitName:
    """Which limit a 429 means. Two body shapes are known, and either may lack any member."""
    text = f"{answer.text('policyName')} {answer.text('message')}".upper()
    if "DAILY" in text:
        return "daily"
    if "TEN_SECONDLY" in text:
        return "ten_secondly"
    return "search" if call.limit == "search" else "ten_secondly"


def refused(call: Call, answer: Answer, *, quote: bool = True) -> Fix:
    """The error for a refusal that no retry and no other record can change.

    `quote` repeats the portal's reason: only where the request held no person's data, because reasons quote values.
    """
    reason = (answer.text("message") if quote else "") or f"correlation id {answer.text('correlationId') or 'unknown'}"
    where = f"{call.method} {call.template or call.path}"
    return Fix(f"HubSpot refuses {where} ({answer.status} {answer.text('category')}): {reason}")


def _retry_after(answer: Answer) -> float | None:
    try:
        return max(0.0, float(answer.headers["retry-after"]))
    except (KeyError, ValueError):
        return None


def _parsed(data: bytes) -> object:
    """The body; None if it is not JSON (an HTML page of a gateway, or nothing)."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return None


def _strange(call: Call, status: int, body: object) -> str:
    """Why an answer is none of the API's; "" where it is one, or says by its status alone what to do."""
    if status < OK_BELOW:
        return call.gives(status, body)
    if status < REFUSED_FROM:
        return "a redirect, which the API never gives"
    if status >= BROKEN_FROM or status in (TOO_MANY, LOCKED, MIGRATING, *TOO_LARGE) or refusal(body):
        return ""
    return "a refusal that is not in HubSpot's words"


def _lacking(call: Call, answer: Answer) -> str:
    """What a 403 asks for: the scopes it names, in either of the places where HubSpot names them."""
    scopes: list[str] = []
    for source in (answer.body, *(entry for entry in answer.body.get("errors", []) if isinstance(entry, dict))):
        for member, value in (source.get("context") or {}).items():
            if "scope" in member.lower() and isinstance(value, list):
                scopes += [str(scope) for scope in value if str(scope) not in scopes]
    where = f"{call.method} {call.template or call.path}"
    if scopes:
        return f"HubSpot: the token may not {where}. Add one of these scopes to it: {', '.join(scopes)}"
    category = answer.text("category") or "no category"
    return (
        f"HubSpot: the token may not {where} (403, {category}). Check the app's scopes and the portal's subscription."
    )
