"""Calls to DrChrono: what its statuses mean beyond the kit's rules, and its rate limits.

Every call of this room reads (or asks for a list to be made), so every one may be repeated. DrChrono admits 500 calls an
hour, counted from its top, and nine in a second. It states nothing in headers, and a 429 does not say which limit it means:
the first time it is taken for the second's, then for the hour's. The budget counts any hour, which is never more.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from careloom.core.errors import Fix, RemoteUnavailable
from careloom.core.log import LOG
from careloom.core.ports import Limit
from careloom.core.rooms import RoomContext
from careloom.systems.drchrono.oauth import NAME, application
from careloom.systems.drchrono.options import Options
from careloom.vendor_kit import status
from careloom.vendor_kit.api import JSON_HEADERS, Api
from careloom.vendor_kit.call import Answer, Call, Step, Trial, Wait, no_answer, path_template
from careloom.vendor_kit.http import HttpClient
from careloom.vendor_kit.limits import RateLimiter
from careloom.vendor_kit.oauth import CONNECT, Grants, TokenKeeper
from careloom.vendor_kit.retry import RetryPolicy

_BURST_WAIT = 1.5
_AVAILABLE = re.compile(r"available in (\d{1,6}) second")
not_an_answer = partial(no_answer, NAME)


class Client:
    """Speaks to one practice; used by many threads at once."""

    def __init__(
        self,
        options: Options,
        context: RoomContext,
        *,
        policy: RetryPolicy | None = None,
        pause: Callable[[float], None] | None = None,
    ) -> None:
        self.clock = context.clock
        self.pause = pause = pause or context.pause
        self._policy = policy or RetryPolicy(read_timeout=options.timeout_seconds)
        self._limiter = RateLimiter(context.budget, context.lane, pause=pause)
        self._hourly = Limit(name="hourly", most=options.limits.hourly, window=3600.0)
        self._secondly = Limit(name="secondly", most=options.limits.secondly, window=1.0)
        grants = Grants(application(options, context), context.clock, policy=self._policy, pause=pause)
        self._tokens = TokenKeeper(context.tokens, grants, context.clock, name=NAME)
        self._http = HttpClient(
            Api(
                name=NAME,
                base_url=options.base_url.rstrip("/"),
                headers={**JSON_HEADERS, "X-DRC-API-Version": options.version},
                limits=lambda _: (self._hourly, self._secondly),
                statuses={status.TOO_MANY_REQUESTS: self._throttled},
                refused=_refused,
                # A 5xx that names a list's uuid speaks of that list only: it failed, the server did not.
                failed=lambda answer: not answer.text("uuid"),
                sign_in=CONNECT,
                permission="Give it the permission, or connect with the scope that this needs",
            ),
            policy=self._policy,
            limiter=self._limiter,
            tokens=self._tokens,
            pause=pause,
        )
        self.requests, self.own_path, self.close = self._http.requests, self._http.own_path, self._http.close

    def connected(self) -> None:
        """NotPermitted where nobody has connected yet, or the token cannot be made fresh; asks for no record."""
        self._tokens.fresh()

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Answer:
        """The answer to a read: 2xx, 400 or 404. `path` may carry a query of its own, as `next` gives it."""
        return self._http.send(Call(method="GET", path=path, query=query or {}))

    def post(self, path: str, query: Mapping[str, str]) -> Answer:
        """The answer to a request that a list be made; its filters travel in the query."""
        return self._http.send(Call(method="POST", path=path, query=query, repeatable=True))

    def _throttled(self, _call: Call, answer: Answer, trial: Trial) -> Step:
        """Wait as long as is asked for, with all other workers."""
        trial.throttled += 1
        stated_wait = said_wait(answer.body)
        if stated_wait is None and trial.throttled == 1:
            self._limiter.pause(self._secondly, _BURST_WAIT)
            return Wait(_BURST_WAIT, counts=False)
        seconds = stated_wait or to_the_hour(self.clock())
        LOG.warning("rate_limit.reached", message="the system's rate limit was reached", seconds=seconds)
        self._limiter.pause(self._hourly, seconds)
        if seconds > self._policy.longest_wait:
            raise RemoteUnavailable(
                f"DrChrono's calls of this hour are used up: goes on in {seconds:.0f} s", after=seconds
            )
        return Wait(seconds, counts=False)


def _refused(call: Call, answer: Answer, _trial: Trial) -> Step | None:
    if answer.status in {status.BAD_REQUEST, status.NOT_FOUND}:
        return None
    where = f"{call.method} {path_template(call.path)}"
    raise Fix(f"DrChrono refuses {where} ({answer.status}): check base_url and version")


def is_absent(answer: Answer) -> bool:
    """Whether the API says that there is no such thing. Only in its own words: a wrong address says 404 as well."""
    return answer.status == status.NOT_FOUND and bool(answer.text("detail"))


def said_wait(body: Mapping[str, Any]) -> float | None:
    """The seconds that the body of a 429 names, one more to be sure; None where it names none."""
    detail = body.get("detail")
    match = _AVAILABLE.search(detail) if isinstance(detail, str) else None
    return int(match[1]) + 1.0 if match else None


def to_the_hour(now: datetime) -> float:
    """Seconds until the next hour begins, where the count starts anew; two more for clocks that differ."""
    return 3600.0 - (now.minute * 60 + now.second) + 2.0
