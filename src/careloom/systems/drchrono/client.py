"""One connection pool, one retry policy, one token, one budget for all calls to DrChrono.

Every call of this room reads (or asks for a list to be made), so every one may be repeated:

- 401: the token is refreshed once and the call repeated.
- 403: NotPermitted. 404: given back to the caller.
- 429: nobody asks until the time that the body names, or the top of the hour; Later where that is long.
- 5xx, no answer, or a success that is no JSON object, as the API's all are: repeated a few times with growing waits, then Later.
  What a gateway says in the API's place is never taken for its word.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from random import SystemRandom
from threading import Lock
from time import perf_counter, sleep
from typing import Any, Literal
from urllib.parse import urlencode, urljoin, urlsplit

import orjson
import urllib3
from urllib3.exceptions import HTTPError

from careloom.core.errors import Fix, NotPermitted, RemoteUnavailable
from careloom.core.log import LOG
from careloom.core.rooms import RoomContext
from careloom.core.tokens import Token
from careloom.systems.drchrono.oauth import CONNECT, Grants
from careloom.systems.drchrono.options import Options
from careloom.systems.drchrono.rate_limits import RateLimiter, said_wait, to_the_hour

_EARLY = timedelta(minutes=5)
_BURST_WAIT = 1.5
_REDIRECTS = 3
_DICE = SystemRandom()


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How long a call is tried for. Waits in seconds; `longest_wait` is the longest that one wait inside a run may be."""

    attempts: int = 5
    first_wait: float = 0.5
    longest_backoff: float = 20.0
    longest_wait: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back; `body` is None where there was none or it was no JSON. `escapes`: a text in it may hold NUL."""

    status: int
    body: Any = field(repr=False)
    location: str = ""
    escapes: bool = False

    @property
    def lost(self) -> bool:
        """Whether this is not the API's answer: its server failed, or somebody else spoke.

        A 5xx that names a list's uuid speaks of that list only: it failed, the server did not.
        """
        if self.status >= 500:  # noqa: PLR2004
            return not self.text("uuid")
        return self.status < 300 and (self.status not in {200, 201} or not isinstance(self.body, dict))  # noqa: PLR2004

    @property
    def absent(self) -> bool:
        """Whether the API says that there is no such thing. Only in its own words: a wrong address says 404 as well."""
        return self.status == 404 and bool(self.text("detail"))  # noqa: PLR2004

    def text(self, name: str) -> str:
        """A text member of the body, or ""."""
        value = self.body.get(name) if isinstance(self.body, dict) else None
        return value if isinstance(value, str) else ""


class Client:
    """Speaks to one practice; used by many threads at once."""

    def __init__(
        self,
        options: Options,
        context: RoomContext,
        *,
        patience: RetryPolicy | None = None,
        pause: Callable[[float], None] = sleep,
    ) -> None:
        self.patience = patience or RetryPolicy()
        self.pause = pause
        self.rates = RateLimiter(context.budget, context.lane, options.limits, pause=pause)
        self._base = options.base_url.rstrip("/")
        self._version = options.version
        self.clock = context.clock
        self._tokens = context.tokens
        timeout = urllib3.Timeout(connect=10.0, read=options.timeout_seconds)
        self._pool = urllib3.PoolManager(maxsize=8, block=True, retries=False, timeout=timeout)
        self._grants = Grants(options, context, self._pool, pause=pause)
        self._lock = Lock()
        self._token: Token | None = None
        self._sent = 0

    def __repr__(self) -> str:
        return f"Client({self._base!r})"

    def requests(self) -> int:
        """Calls made so far, repeated ones included."""
        with self._lock:
            return self._sent

    def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        self._pool.clear()

    def connected(self) -> None:
        """NotPermitted where nobody has connected yet, or the token cannot be made fresh; asks for no record."""
        self._fresh_token()

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Answer:
        """The answer to a read: 2xx, 400 or 404. `path` may carry a query of its own, as `next` gives it."""
        return self._call("GET", path + (f"?{urlencode(query)}" if query else ""))

    def post(self, path: str, query: Mapping[str, str]) -> Answer:
        """The answer to a request that a list be made; its filters travel in the query."""
        return self._call("POST", f"{path}?{urlencode(query)}")

    def own_path(self, url: str) -> str:
        """Path and query of an address that DrChrono gave us. Fix where it leads to another host: our token stays here."""
        address = urlsplit(urljoin(self._base + "/", url))
        if (address.scheme, address.netloc) != urlsplit(self._base)[:2]:
            raise Fix("DrChrono gives an address on another host, which is not followed: check base_url")
        return address.path + (f"?{address.query}" if address.query else "")

    def _call(self, method: Literal["GET", "POST"], path: str) -> Answer:
        has_new_token = was_throttled = False
        failures = redirects = 0
        while True:
            token = self._fresh_token()
            answer = self._try(method, path, token)
            if answer is None or answer.lost:
                failures += 1
                self._rest(method, path, failures, answer)
            elif answer.status == 401:  # noqa: PLR2004
                if has_new_token:
                    raise NotPermitted(f"DrChrono refuses the token: {CONNECT}")
                has_new_token = True
                self._renew(token)
            elif answer.status == 429:  # noqa: PLR2004
                self._throttled(answer, again=was_throttled)
                was_throttled = True
            elif 300 <= answer.status < 400:  # noqa: PLR2004
                redirects += 1
                if method != "GET" or redirects > _REDIRECTS or not answer.location:
                    raise Fix(f"DrChrono redirects {method} {_template(path)}: check base_url")
                path = self.own_path(answer.location)
            else:
                return _permitted(method, path, answer)

    def _try(self, method: str, path: str, token: Token) -> Answer | None:
        """One attempt; None when no answer came."""
        headers = {
            "Authorization": f"Bearer {token.access}",
            "X-DRC-API-Version": self._version,
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
            "User-Agent": "careloom",
        }
        start = perf_counter()
        with self.rates.place():
            with self._lock:
                self._sent += 1
            try:
                response = self._pool.request(method, self._base + path, headers=headers, redirect=False)
            except HTTPError as error:
                LOG.warning("no answer", method=method, path=_template(path), error=type(error).__name__)
                return None
        milliseconds = round((perf_counter() - start) * 1000, 1)
        LOG.debug("request", method=method, path=_template(path), status=response.status, ms=milliseconds)
        return Answer(
            status=response.status,
            body=_parsed(response.data),
            location=response.headers.get("location", ""),
            escapes=b"\\u0000" in response.data,
        )

    def _rest(self, method: str, path: str, failures: int, answer: Answer | None) -> None:
        """Full jitter: anything up to a ceiling that doubles, so that threads do not come back together."""
        ceiling = min(self.patience.longest_backoff, self.patience.first_wait * 2.0 ** (failures - 1))
        if failures < self.patience.attempts:
            self.pause(_DICE.uniform(0, ceiling))
            return
        status = "no answer" if answer is None else f"{answer.status} without what the API gives"
        if answer is not None and answer.status >= 500:  # noqa: PLR2004
            status = str(answer.status)
        raise RemoteUnavailable(
            f"DrChrono: {method} {_template(path)} failed {failures} times ({status}); check the network and base_url; "
            "nothing is lost: run again",
            after=max(ceiling, 30.0),
        )

    def _throttled(self, answer: Answer, *, again: bool) -> None:
        """Wait as long as is asked for, with all other workers.

        Which of the two limits is meant is not said: the first time it is taken for the second's, then for the hour's.
        """
        stated_wait = said_wait(answer.body if isinstance(answer.body, dict) else {})
        if stated_wait is None and not again:
            self.rates.pause(self.rates.secondly, _BURST_WAIT)
            self.pause(_BURST_WAIT)
            return
        seconds = stated_wait or to_the_hour(self.clock())
        LOG.warning("rate limit", seconds=seconds)
        self.rates.pause(self.rates.hourly, seconds)
        if seconds > self.patience.longest_wait:
            raise RemoteUnavailable(
                f"DrChrono's calls of this hour are used up: goes on in {seconds:.0f} s", after=seconds
            )
        self.pause(seconds)

    def _fresh_token(self) -> Token:
        with self._lock:
            token = self._token
        if token is None:
            if self._tokens is None:
                raise NotPermitted(f"DrChrono's tokens are kept in the store, which is not open: {CONNECT}")
            token = self._tokens.current()
            if token is None:
                raise NotPermitted(f"nobody has connected DrChrono yet: {CONNECT}")
            with self._lock:
                self._token = token
        if token.expires_at - self.clock() < _EARLY:
            return self._renew(token)
        return token

    def _renew(self, stale: Token) -> Token:
        """A newer token than `stale`: another thread's, another worker's, or a refreshed one."""
        with self._lock:
            if self._token is not None and self._token.access != stale.access:
                return self._token
        if self._tokens is None:
            raise NotPermitted(f"DrChrono's tokens are kept in the store, which is not open: {CONNECT}")
        token = self._tokens.refreshed(stale, self._grants.refresh)
        with self._lock:
            self._token = token
        return token


def _permitted(method: str, path: str, answer: Answer) -> Answer:
    if answer.status == 403:  # noqa: PLR2004
        raise NotPermitted(
            f"DrChrono: the account may not {method} {_template(path)} (403). Give it the permission, or connect with the "
            "scope that this needs"
        )
    if answer.status < 300 or answer.status in {400, 404} or answer.status >= 500:  # noqa: PLR2004
        return answer
    raise Fix(f"DrChrono refuses {method} {_template(path)} ({answer.status}): check base_url and version")


def not_an_answer(subject: str) -> RemoteUnavailable:
    """What came in the place of `what` is not what the API gives, so nothing is known: neither that it is there nor that not."""
    return RemoteUnavailable(
        f"DrChrono's answer for {subject} is not what its API gives, and nothing is made of it: run again later; "
        "if that stays so, check base_url",
        after=60.0,
    )


def _template(path: str) -> str:
    """A path for logs and messages: without ids and without its query."""
    parts = path.partition("?")[0].split("/")
    return "/".join("{id}" if any(letter.isdigit() for letter in part) else part for part in parts)


def _parsed(data: bytes) -> Any:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:  # an HTML page of a gateway, or nothing
        return None
