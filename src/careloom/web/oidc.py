"""Who may start syncs and look at what waits: service accounts with Google's OIDC token, made out to us."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Lock
from typing import Annotated, Any, Protocol

import urllib3
from fastapi import Depends, HTTPException, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from google.auth.exceptions import TransportError
from google.oauth2 import id_token

from careloom.core.errors import Fix
from careloom.core.log import LOG

KEPT_FOR, SERVED_FOR = 3600.0, 12 * 3600.0
REST = 10.0
CHECKERS, WAITING = 4, 32
"""Threads that look at tokens, and tokens that may wait for one; a caller that comes then is told to come again."""
SKEW = 30
"""Seconds by which Google's clock and ours may differ."""
_OK = 200
_LONGEST = 8192
_OWN = r"{}-[a-z0-9.-]+\.run\.app"
"""The addresses that Cloud Run gives to a service of this name."""
_BEARER = HTTPBearer(auto_error=False, description="A Google OIDC token of one of the project's `service: callers`.")


@dataclass(frozen=True, slots=True)
class Certificates:
    """Google's certificates, in the form that google-auth takes them."""

    status: int
    data: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


def ask_google(url: str) -> Certificates:
    """What `url` answers. TransportError if it does not."""
    try:
        answer = urllib3.request("GET", url, timeout=urllib3.Timeout(total=5), retries=1)
    except urllib3.exceptions.HTTPError as error:
        raise TransportError(type(error).__name__) from None  # type: ignore[no-untyped-call]
    return Certificates(status=answer.status, data=answer.data)


@dataclass(slots=True)
class CachedCertificates:
    """google-auth's way of asking for certificates, asked once an hour instead of at every request.

    One asks at a time, and a failure is remembered for REST seconds: while Google hangs, no one else waits for it. Certificates that
    are older than an hour serve on meanwhile; Google announces new ones days before they sign.
    """

    ask: Callable[[str], Any] = ask_google
    clock: Callable[[], float] = time.monotonic
    _certificates: dict[str, tuple[float, Any]] = field(default_factory=dict)
    _failures: dict[str, tuple[float, Any]] = field(default_factory=dict)
    _asking: Lock = field(default_factory=Lock)

    def __call__(self, url: str, method: str = "GET", **_options: Any) -> Any:
        """The answer of `url`. TransportError where it cannot be had now. Only good answers are kept."""
        if method != "GET":
            raise TransportError("certificates are only read")  # type: ignore[no-untyped-call]
        if (answer := self._younger(url, KEPT_FOR)) is not None:
            return answer
        if not self._asking.acquire(blocking=False):
            return self._meanwhile(url)
        try:
            return self._younger(url, KEPT_FOR) or self._asked(url)
        finally:
            self._asking.release()

    def _younger(self, url: str, seconds: float) -> Any:
        time, answer = self._certificates.get(url, (0.0, None))
        return answer if answer is not None and self.clock() - time <= seconds else None

    def _asked(self, url: str) -> Any:
        time, failure = self._failures.get(url, (0.0, None))
        if failure is None or self.clock() - time > REST:
            try:
                answer = self.ask(url)
            except TransportError:
                failure = "away"
            else:
                if answer.status == _OK:
                    self._certificates[url] = (self.clock(), answer)
                    self._failures.pop(url, None)
                    return answer
                failure = f"status {answer.status}"
            self._failures[url] = (self.clock(), failure)
        return self._meanwhile(url)

    def _meanwhile(self, url: str) -> Any:
        if (answer := self._younger(url, SERVED_FOR)) is not None:
            return answer
        raise TransportError("away")  # type: ignore[no-untyped-call]


@dataclass(slots=True)
class TokenChecks:
    """Where tokens are looked at: in threads of its own, so that none of the service's others hangs with Google."""

    _under_way: int = 0
    _threads: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(CHECKERS, thread_name_prefix="careloom callers")
    )

    async def look(self, check: Callable[[], str]) -> str:
        """What `check` says. TransportError at once where too many wait already."""
        if self._under_way >= WAITING:
            raise TransportError("busy")  # type: ignore[no-untyped-call]
        self._under_way += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, check)
        finally:
            self._under_way -= 1

    def close(self) -> None:
        """Take no more, and wait for no one."""
        self._threads.shutdown(wait=False, cancel_futures=True)


class CallerSettings(Protocol):
    """What a project's `service:` says of its callers: their addresses, and what their tokens are made out to."""

    @property
    def callers(self) -> Collection[str]:
        """The e-mail addresses of those who may call."""

    @property
    def audience(self) -> str | None:
        """What a token must be made out to; None where it goes unsaid."""


@dataclass(frozen=True, slots=True)
class Callers:
    """Checks tokens against the project's `service:`. No one is let in where it names no callers.

    `cloud_run`: the name of this service on Cloud Run, "" elsewhere. Only there may the audience go unsaid.
    """

    service: CallerSettings
    certificates: Callable[..., Any] = field(default_factory=CachedCertificates)
    cloud_run: str = ""
    desk: TokenChecks = field(default_factory=TokenChecks)

    def check(self, token: str, host: str, path: str) -> str:
        """The caller's e-mail address. PermissionError if the token is good but not one of theirs, other errors if not."""
        claims: Mapping[str, Any] = id_token.verify_oauth2_token(  # type: ignore[no-untyped-call]
            token, self.certificates, audience=self._audience(host, path), clock_skew_in_seconds=SKEW
        )
        email = claims.get("email")
        if not isinstance(email, str) or claims.get("email_verified") is not True or email not in self.service.callers:
            raise PermissionError
        return email

    def _audience(self, host: str, path: str) -> list[str]:
        """What a token must be made out to. ValueError where no one but the caller says what that is.

        On Cloud Run the front end passes only requests for one of the service's own addresses, all of which begin with its
        name; anywhere else, and behind a load balancer of one's own, `Host` is whatever the caller writes.
        """
        if self.service.audience:
            return [self.service.audience]
        if self.cloud_run and re.fullmatch(_OWN.format(re.escape(self.cloud_run)), host):
            return [f"https://{host}{path}", f"https://{host}"]
        raise ValueError("no audience is known")


def callers_of(
    service: CallerSettings, environment: Mapping[str, str], certificates: Callable[..., Any] | None = None
) -> Callers:
    """Who may call. Fix where callers are named, and nothing says what their tokens must be made out to."""
    cloud_run = environment.get("K_SERVICE", "")
    if service.callers and not service.audience and not cloud_run:
        raise Fix(
            "careloom.yaml names `service: callers`, but not `audience`: without it, a token that one of them gave to any "
            "other service would open this one; write the address that they call, as their tokens say it: "
            "service: {audience: https://YOUR-HOST, callers: [...]}"
        )
    return Callers(service, certificates or CachedCertificates(), cloud_run)


async def caller(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]
) -> str:
    """The caller's e-mail address; 401 without a valid token, 403 for another's, 503 if Google cannot be asked."""
    callers: Callers = request.app.state.callers
    if credentials is None or len(credentials.credentials) > _LONGEST:
        raise _unknown()
    if not callers.service.callers:
        raise HTTPException(403, "not-a-caller")
    try:
        return await callers.desk.look(
            lambda: callers.check(credentials.credentials, request.headers.get("host", ""), request.url.path)
        )
    except PermissionError:
        raise HTTPException(403, "not-a-caller") from None
    except TransportError as error:
        LOG.error(
            "certificates.unreadable", message="Google's certificates could not be read", reason=type(error).__name__
        )
        raise HTTPException(503, "certificates-away") from None
    except Exception as error:  # noqa: BLE001 a token may be any text, and what reads it stumbles in many ways
        LOG.warning("caller.refused", message="a caller was refused", reason=type(error).__name__)
        raise _unknown() from None


def _unknown() -> HTTPException:
    return HTTPException(401, "no-valid-token", {"WWW-Authenticate": "Bearer"})


Caller = Annotated[str, Depends(caller)]
