"""Calls to the portal: what its answers mean beyond the kit's rules.

- 401, 403: NotPermitted, with what to do. A redirect, or a refusal in another's words, is no answer of the API.
- 429, 423, 477, 503 and others that say "not done": repeated after a wait, for reads and writes alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import sleep
from typing import Any, Never

from careloom.core.errors import Fix, NotPermitted, RemoteUnavailable
from careloom.core.log import LOG
from careloom.systems.hubspot.client.bodies import refusal
from careloom.systems.hubspot.client.rate_limits import LimitName, PortalLimits
from careloom.vendor_kit import status
from careloom.vendor_kit.api import JSON_HEADERS, Api
from careloom.vendor_kit.call import Answer, Call, Step, Trial, Wait
from careloom.vendor_kit.http import HttpClient
from careloom.vendor_kit.retry import RetryPolicy, retry_after

PATIENT = RetryPolicy(attempts=6, connect_timeout=5.0, failures_in_a_row=20)
_MIGRATING = 477
# The request reached the portal's edge and did not go further: nothing was done.
_NOT_DONE = frozenset({503, 521, 523, 525, 526})
# HubSpot asks for at least so long after a 423.
_LOCKED_WAIT = 2.0
# Waits after a 429 without Retry-After (HubSpot rarely sends one): the length of the window that is full.
_FULL_WINDOW: Mapping[LimitName, float] = {"search": 1.0, "ten_secondly": 10.0, "daily": 900.0}
_SAYS_BY_ITSELF = frozenset(
    {status.TOO_MANY_REQUESTS, status.LOCKED, _MIGRATING, status.CONTENT_TOO_LARGE, status.URI_TOO_LONG}
)
"""Refusals that mean the same in anybody's words."""


class Client:
    """Speaks to one portal; used by many threads at once."""

    def __init__(
        self,
        base_url: str,
        token: str,
        limits: PortalLimits,
        *,
        connections: int = 8,
        policy: RetryPolicy = PATIENT,
        pause: Callable[[float], None] = sleep,
    ) -> None:
        self.pause = pause
        self._limits = limits
        self._policy = policy
        self._api = Api(
            name="HubSpot",
            base_url=base_url.rstrip("/"),
            headers={**JSON_HEADERS, "Authorization": f"Bearer {token}"},
            limits=limits.limits,
            learn=limits.heard,
            words=_words,
            statuses={
                status.UNAUTHORIZED: _unauthorized,
                status.FORBIDDEN: _forbidden,
                status.TOO_MANY_REQUESTS: self._too_many,
                status.LOCKED: self._locked,
                _MIGRATING: lambda _call, answer, trial: self._api.try_again(answer, trial, self._policy),
            },
            not_done=_NOT_DONE,
            given_up=self._given_up,
            template=lambda path: path,
            correlation_header="x-hubspot-correlation-id",
        )
        self._http = HttpClient(self._api, policy=policy, limiter=limits.limiter, connections=connections, pause=pause)
        self.requests, self.close = self._http.requests, self._http.close

    def __repr__(self) -> str:
        return f"Client({self._api.base_url!r})"

    def send(self, call: Call) -> Answer:
        """The answer: 2xx, or a 4xx that only the caller can read."""
        return self._http.send(call)

    def expect(self, call: Call) -> dict[str, Any]:
        """The body of a 2xx. Fix for anything else: for requests that carry no person's data, as it quotes the reason."""
        answer = self.send(call)
        if answer.ok:
            return answer.body
        raise refused(call, answer)

    def _given_up(self, where: str, answer: Answer | None, failures: int, wait: float) -> RemoteUnavailable:
        if answer is not None and answer.strange:
            message = (
                f"{self._api.base_url} does not answer as HubSpot does: {where} gave {answer.status} and {answer.strange}, "
                f"{failures} times. Is base_url the address of HubSpot's API? If it is, see HubSpot's status page; "
                "nothing is lost: run again"
            )
        else:
            reason = "no answer" if answer is None else str(answer.status)
            message = (
                f"HubSpot: {where} failed {failures} times ({reason}); check the network, base_url and HubSpot's status "
                "page; nothing is lost: run again"
            )
        return RemoteUnavailable(message, after=wait)

    def _locked(self, _call: Call, _answer: Answer, trial: Trial) -> Step:
        return Wait(_LOCKED_WAIT + self._policy.backoff(trial.failures + 1))

    def _too_many(self, call: Call, answer: Answer, _trial: Trial) -> Step:
        name = full_limit(call, answer)
        seconds = retry_after(answer.headers) or _FULL_WINDOW[name]
        self._limits.pause(name, seconds)
        LOG.warning("rate_limit.reached", message="the system's rate limit was reached", limit=name, seconds=seconds)
        # The pause holds for every worker of the portal; this thread sleeps it out too.
        return Wait(self._api.bearable(seconds, self._policy))


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
    return Fix(f"HubSpot refuses {_where(call)} ({answer.status} {answer.text('category')}): {reason}")


def _words(code: int, body: object) -> str:
    """Why what is no success is no answer of the API's either; "" where it is one, or says by its status alone what to do."""
    if status.is_redirect(code):
        return "a redirect, which the API never gives"
    if status.is_failure(code) or code in _SAYS_BY_ITSELF or refusal(body):
        return ""
    return "a refusal that is not in HubSpot's words"


def _where(call: Call) -> str:
    return f"{call.method} {call.template or call.path}"


def _unauthorized(_call: Call, _answer: Answer, _trial: Trial) -> Never:
    raise NotPermitted(
        "HubSpot refuses the token (401): it is wrong, expired or revoked. Create a service key or an app token "
        "in the portal and store it under the secret that `token` names."
    )


def _forbidden(call: Call, answer: Answer, _trial: Trial) -> Never:
    """Say what a 403 asks for: the scopes it names, in either of the places where HubSpot names them."""
    scopes: list[str] = []
    for source in (answer.body, *(entry for entry in answer.body.get("errors", []) if isinstance(entry, dict))):
        for member, value in (source.get("context") or {}).items():
            if "scope" in member.lower() and isinstance(value, list):
                scopes += [str(scope) for scope in value if str(scope) not in scopes]
    if scopes:
        raise NotPermitted(
            f"HubSpot: the token may not {_where(call)}. Add one of these scopes to it: {', '.join(scopes)}"
        )
    category = answer.text("category") or "no category"
    raise NotPermitted(
        f"HubSpot: the token may not {_where(call)} (403, {category}). Check the app's scopes and the portal's subscription."
    )
