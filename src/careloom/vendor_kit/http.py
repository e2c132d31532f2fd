"""The client of all REST rooms: one pool, one retry policy, one budget, one sign-in, one count of calls.

What a vendor answers is told apart by what to do next. The room says so in its `Api`, as far as it is not this:

- 2xx, and 4xx but for these: given back to the caller.
- 401: a new token once, where there are tokens; then NotPermitted. 403: NotPermitted.
- 429: no worker asks for as long as Retry-After says; Later where that is long.
- 3xx: a GET is followed on the same host; anything else is a Fix.
- 5xx, no answer, and an answer that is not what the API gives (HTML with 200, the wrong JSON): repeated a few times with
  growing waits, then Later. A write may have been done, so it is never repeated: AnswerLost says so, and whoever sent it
  looks before it is sent again.

No message and no log line holds more of a call than its method, its path's template and its status.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from threading import Lock
from time import monotonic, perf_counter, sleep
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

import orjson
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError
from urllib3.response import BaseHTTPResponse

from careloom.core.errors import Fix, NotPermitted
from careloom.core.log import LOG
from careloom.core.tokens import Token
from careloom.vendor_kit import status
from careloom.vendor_kit.api import Api
from careloom.vendor_kit.call import CHUNK, Answer, AnswerLost, Call, Follow, NotAnAnswer, Step, Trial, Wait
from careloom.vendor_kit.limits import RateLimiter
from careloom.vendor_kit.oauth import TokenKeeper
from careloom.vendor_kit.pool import open_pool
from careloom.vendor_kit.retry import CircuitBreaker, RetryPolicy


class HttpClient:
    """Speaks to one account of a vendor; used by many threads at once."""

    def __init__(
        self,
        api: Api,
        *,
        policy: RetryPolicy | None = None,
        limiter: RateLimiter | None = None,
        tokens: TokenKeeper | None = None,
        connections: int = 8,
        pause: Callable[[float], None] = sleep,
    ) -> None:
        self.api = api
        self.policy = policy or RetryPolicy()
        self.pause = pause
        self._limiter = limiter or RateLimiter(pause=pause)
        self._tokens = tokens
        self._pool = open_pool(self.policy, connections)
        self._circuit = CircuitBreaker(
            monotonic, name=api.name, threshold=self.policy.failures_in_a_row, rest_seconds=self.policy.rest
        )
        self._lock = Lock()
        self._sent = 0

    def __repr__(self) -> str:
        return f"HttpClient({self.api.base_url!r})"

    def requests(self) -> int:
        """Calls sent so far, repeated ones included."""
        with self._lock:
            return self._sent

    def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        self._pool.clear()
        if self._tokens is not None:
            self._tokens.close()

    def send(self, call: Call) -> Answer:
        """The answer: 2xx, or a refusal that only the caller can read.

        AnswerLost for a write that may have been done; NotPermitted; Fix; RemoteUnavailable after the last attempt.
        """
        trial = Trial()
        while True:
            self._circuit.enter()
            token = self._tokens.fresh() if self._tokens is not None else None
            answer = self._try(call, token)
            if answer is None or answer.strange:
                step: Step = Wait(self.policy.backoff(trial.failures + 1))
            elif (next_step := self.api.next_step(call, answer, trial, self.policy, self._limiter)) is None:
                return answer
            else:
                step = next_step
            if isinstance(step, Wait):
                self._rest(call, answer, trial, step)
            elif isinstance(step, Follow):
                trial.redirects += 1
                call = replace(call, path=self.own_path(step.path), query=())
            else:
                self._renew(token, trial)

    def own_path(self, url: str) -> str:
        """Path and query of an address that the vendor gave us. Fix where it leads to another host: our token stays here."""
        return own_path(self.api, url)

    def where(self, call: Call) -> str:
        """The call as a message may name it."""
        return f"{call.method} {self.api.template_of(call)}"

    def _renew(self, token: Token | None, trial: Trial) -> None:
        if self._tokens is None or token is None:
            raise NotPermitted(f"{self.api.name} refuses the token: {self.api.sign_in}")
        trial.renewals += 1
        self._tokens.renew(token)

    def _rest(self, call: Call, answer: Answer | None, trial: Trial, wait: Wait) -> None:
        if wait.counts:
            trial.failures += 1
        else:
            trial.rests += 1
        if max(trial.failures, trial.rests) >= self.policy.attempts:
            raise self.api.exhausted(self.where(call), answer, max(trial.failures, trial.rests), wait.seconds)
        self.pause(wait.seconds)

    def _try(self, call: Call, token: Token | None) -> Answer | None:
        """One attempt; None when no answer came and nothing speaks against repeating it."""
        name, template = self.api.name, self.api.template_of(call)
        try:
            answer = self._once(call, token)
        except HTTPError as error:
            self._circuit.failed()
            LOG.warning(
                "call.unanswered",
                message="a call had no answer",
                method=call.method,
                path=template,
                error=type(error).__name__,
            )
            if call.may_repeat or isinstance(error, NewConnectionError | ConnectTimeoutError):
                return None
            raise AnswerLost(f"{name}: the answer to {self.where(call)} was lost") from None
        if answer.strange:
            self._circuit.failed()
            LOG.warning(
                "call.not_understood",
                message="an answer was not the API's",
                method=call.method,
                path=template,
                status=answer.status,
                reason=answer.strange,
            )
            if not call.may_repeat:
                raise AnswerLost(f"{name}: the answer to {self.where(call)} was {answer.status} and {answer.strange}")
        elif status.is_failure(answer.status):
            self._circuit.failed()
            if not call.may_repeat and answer.status not in self.api.not_done:
                raise AnswerLost(f"{name}: {self.where(call)} ended in {answer.status}")
        else:
            self._circuit.succeeded()
        return answer

    def _once(self, call: Call, token: Token | None) -> Answer:
        url = self.api.base_url + call.path + (f"?{urlencode(call.query)}" if call.query else "")
        headers = {**self.api.headers, **call.headers}
        if token is not None:
            headers["Authorization"] = f"Bearer {token.access}"
        body = orjson.dumps(call.body) if call.body is not None else None
        if body is not None:
            headers["Content-Type"] = "application/json"
        with self._limiter.place(self.api.limits(call.limit)):
            with self._lock:
                self._sent += 1
            start = perf_counter()
            response = self._pool.request(
                call.method, url, body=body, headers=headers, redirect=False, preload_content=call.reader is None
            )
            answer = self._read(call, response)
        self._note(call, answer, round((perf_counter() - start) * 1000, 1))
        self.api.learn(answer.headers)
        return answer

    def _note(self, call: Call, answer: Answer, milliseconds: float) -> None:
        details: dict[str, Any] = {"records": call.records} if call.records else {}
        if self.api.correlation_header:
            details["correlation"] = answer.headers.get(self.api.correlation_header)
        LOG.debug(
            "call.answered",
            message="a call was answered",
            method=call.method,
            path=self.api.template_of(call),
            status=answer.status,
            ms=milliseconds,
            **details,
        )

    def _read(self, call: Call, response: BaseHTTPResponse) -> Answer:
        headers = {name.lower(): value for name, value in response.headers.items()}
        if call.reader is not None:
            return self._read_by(call, response, headers)
        data = response.data
        content = _parsed(data)
        strange = self.api.problem(call, response.status, content)
        return Answer(
            status=response.status, headers=headers, content=content, strange=strange, escapes=b"\\u0000" in data
        )

    def _read_by(self, call: Call, response: BaseHTTPResponse, headers: Mapping[str, str]) -> Answer:
        """Only a 200 is read; whatever else came is dropped with its connection."""
        try:
            content, strange = None, ""
            if response.status == status.OK and call.reader is not None:
                content = call.reader(response.stream(CHUNK))
            elif status.is_success(response.status):
                strange = "a success without a body"
        except NotAnAnswer as problem:
            strange = str(problem) or "a body that is not what the API gives"
        finally:
            if not response.closed:
                response.close()
            response.release_conn()
        return Answer(status=response.status, headers=headers, content=content, strange=strange)


def own_path(api: Api, url: str) -> str:
    """Path and query of `url`, which may be relative. Fix where it leads to another host."""
    address = urlsplit(urljoin(api.base_url + "/", url))
    if (address.scheme, address.netloc) != urlsplit(api.base_url)[:2]:
        raise Fix(f"{api.name} gives an address on another host, which is not followed: check base_url")
    return address.path + (f"?{address.query}" if address.query else "")


def _parsed(data: bytes) -> Any:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:  # an HTML page of a gateway, or nothing
        return None
