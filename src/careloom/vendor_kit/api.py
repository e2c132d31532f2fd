"""What a room says of its vendor's HTTP API: data, and functions where data does not do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from careloom.core.errors import CareloomError, Fix, NotPermitted, RemoteUnavailable
from careloom.core.log import LOG
from careloom.core.ports import Limit
from careloom.vendor_kit import status
from careloom.vendor_kit.call import (
    Answer,
    Call,
    Check,
    Follow,
    Handler,
    Renew,
    Step,
    Trial,
    Wait,
    json_object,
    path_template,
)
from careloom.vendor_kit.limits import RateLimiter
from careloom.vendor_kit.retry import RetryPolicy, retry_after

JSON_HEADERS = {"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": "careloom"}
_REDIRECTS = 3
_THROTTLED_WAIT = 10.0
"""After a 429 that names no time."""
_GIVEN_UP_WAIT = 30.0


def no_limits(_limit: str) -> Sequence[Limit]:
    """A vendor that limits nothing."""
    return ()


def learn_nothing(_headers: Mapping[str, str]) -> None:
    """A vendor whose headers state nothing of its limits."""


def leave_to_caller(_call: Call, _answer: Answer, _trial: Trial) -> Step | None:
    """The answer speaks of what was asked for."""
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """One vendor's API, as the client must know it.

    `name`: the vendor's, in messages. `headers` go with every call. `limits`: the windows that a call counts in, by the name
    in `Call.limit`; `learn` is shown every answer's headers.

    `gives` checks a success of a call that has no check of its own; `words` says what is wrong with a refusal, where a gateway's can
    be told from the API's own.

    `statuses`: what to do about a status, where it is not what the module `http` says; `refused` about any other 4xx, `failed`
    about a 5xx (None: repeated). `not_done`: the 5xx that prove that nothing was done.

    `given_up`: the error after the last attempt. `sign_in`, `permission`: what a person is to do after 401 and 403.
    """

    name: str
    base_url: str
    headers: Mapping[str, str] = field(default_factory=lambda: JSON_HEADERS, repr=False)
    limits: Callable[[str], Sequence[Limit]] = no_limits
    learn: Callable[[Mapping[str, str]], None] = learn_nothing
    gives: Check = json_object
    words: Check | None = None
    statuses: Mapping[int, Handler] = field(default_factory=dict)
    refused: Handler = leave_to_caller
    failed: Callable[[Answer], bool] = lambda _answer: True
    not_done: frozenset[int] = frozenset()
    given_up: Callable[[str, Answer | None, int, float], CareloomError] | None = None
    template: Callable[[str], str] = path_template
    correlation_header: str = ""
    sign_in: str = "check the secret that its token names"
    permission: str = "Give it the permission that this needs"

    def template_of(self, call: Call) -> str:
        """The call's path as logs and messages may hold it."""
        return call.template or self.template(call.path)

    def problem(self, call: Call, status_code: int, content: object) -> str:
        """Why an answer is none of the API's; "" where it is one, or says by its status alone what to do."""
        if status.is_success(status_code):
            return (call.gives or self.gives)(status_code, content)
        return self.words(status_code, content) if self.words is not None else ""

    def next_step(
        self, call: Call, answer: Answer, trial: Trial, policy: RetryPolicy, limiter: RateLimiter
    ) -> Step | None:
        """What to do about an answer that is the API's; None: it is the caller's to read."""
        handler = self.statuses.get(answer.status)
        if handler is not None:
            return handler(call, answer, trial)
        if status.is_redirect(answer.status):
            return self._redirected(call, answer, trial)
        if status.is_failure(answer.status):
            return self.try_again(answer, trial, policy) if self.failed(answer) else None
        if answer.status == status.UNAUTHORIZED:
            return self.renew_once(trial)
        if answer.status == status.FORBIDDEN:
            raise NotPermitted(f"{self.name}: the account may not {self._where(call)} (403). {self.permission}")
        if answer.status == status.TOO_MANY_REQUESTS:
            return self._throttled(call, answer, policy, limiter)
        return self.refused(call, answer, trial) if status.is_refusal(answer.status) else None

    def renew_once(self, trial: Trial) -> Step:
        """A 401: a new token, once."""
        if trial.renewals:
            raise NotPermitted(f"{self.name} refuses the token: {self.sign_in}")
        return Renew()

    def try_again(self, answer: Answer, trial: Trial, policy: RetryPolicy) -> Step:
        """After as long as Retry-After says, or a growing wait."""
        return Wait(self.bearable(retry_after(answer.headers) or policy.backoff(trial.failures + 1), policy))

    def bearable(self, seconds: float, policy: RetryPolicy) -> float:
        """A wait that a run may take; RemoteUnavailable where it is longer."""
        if seconds > policy.longest_wait:
            raise RemoteUnavailable(f"{self.name} asks to wait {seconds:.0f} s", after=seconds)
        return seconds

    def exhausted(self, where: str, answer: Answer | None, failures: int, wait: float) -> CareloomError:
        """The error after the last attempt."""
        if self.given_up is not None:
            return self.given_up(where, answer, failures, wait)
        reason = "no answer"
        if answer is not None:
            reason = f"{answer.status} without what the API gives" if answer.strange else str(answer.status)
        return RemoteUnavailable(
            f"{self.name}: {where} failed {failures} times ({reason}); check the network and base_url; "
            "nothing is lost: run again",
            after=max(wait, _GIVEN_UP_WAIT),
        )

    def _where(self, call: Call) -> str:
        return f"{call.method} {self.template_of(call)}"

    def _redirected(self, call: Call, answer: Answer, trial: Trial) -> Step:
        location = answer.headers.get("location", "")
        if call.method != "GET" or trial.redirects >= _REDIRECTS or not location:
            raise Fix(f"{self.name} redirects {self._where(call)}: check base_url")
        return Follow(location)

    def _throttled(self, call: Call, answer: Answer, policy: RetryPolicy, limiter: RateLimiter) -> Step:
        seconds = retry_after(answer.headers) or _THROTTLED_WAIT
        LOG.warning(
            "rate_limit.reached", message="the system's rate limit was reached", limit=call.limit, seconds=seconds
        )
        for limit in self.limits(call.limit):
            limiter.pause(limit, seconds)
        # The pause holds for every worker; this thread sleeps it out too.
        return Wait(self.bearable(seconds, policy))
