"""Who may start syncs and look at what waits: service accounts with Google's OIDC token, made out to us."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Annotated, Any

import structlog
import urllib3
from anyio.to_thread import run_sync
from fastapi import Depends, HTTPException, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from google.auth.exceptions import TransportError
from google.oauth2 import id_token

from careloom.core.errors import Fix
from careloom.project.model import Service

KEPT_FOR = 3600.0
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
        answer = urllib3.request("GET", url, timeout=10, retries=2)
    except urllib3.exceptions.HTTPError as error:
        raise TransportError(type(error).__name__) from None  # type: ignore[no-untyped-call]
    return Certificates(status=answer.status, data=answer.data)


@dataclass(slots=True)
class CachedCertificates:
    """google-auth's way of asking for certificates, asked once an hour instead of at every request."""

    ask: Callable[[str], Any] = ask_google
    clock: Callable[[], float] = time.monotonic
    _kept: dict[str, tuple[float, Any]] = field(default_factory=dict)
    _asking: Lock = field(default_factory=Lock)

    def __call__(self, url: str, method: str = "GET", **_more: Any) -> Any:
        """The answer of `url`, an hour old at most. Only good answers are kept."""
        if method != "GET":
            raise TransportError("certificates are only read")  # type: ignore[no-untyped-call]
        with self._asking:
            asked, answer = self._kept.get(url, (0.0, None))
            if answer is None or self.clock() - asked > KEPT_FOR:
                answer = self.ask(url)
                if answer.status == _OK:
                    self._kept[url] = (self.clock(), answer)
        return answer


@dataclass(frozen=True, slots=True)
class Callers:
    """Checks tokens against the project's `service:`. Nobody is let in where it names no callers.

    `cloud_run`: the name of this service on Cloud Run, "" elsewhere. Only there may the audience go unsaid.
    """

    service: Service
    certificates: Callable[..., Any] = field(default_factory=CachedCertificates)
    cloud_run: str = ""

    def check(self, token: str, host: str, path: str) -> str:
        """The caller's e-mail address. PermissionError if the token is good but not one of theirs, other errors if not."""
        if not self.service.callers:
            raise PermissionError
        claims: Mapping[str, Any] = id_token.verify_oauth2_token(  # type: ignore[no-untyped-call]
            token, self.certificates, audience=self._audience(host, path), clock_skew_in_seconds=SKEW
        )
        email = claims.get("email")
        if not isinstance(email, str) or claims.get("email_verified") is not True or email not in self.service.callers:
            raise PermissionError
        return email

    def _audience(self, host: str, path: str) -> list[str]:
        """What a token must be made out to. ValueError where nobody but the caller says what that is.

        On Cloud Run the front end passes only requests for one of the service's own addresses, all of which begin with its
        name; anywhere else, and behind a load balancer of one's own, `Host` is whatever the caller writes.
        """
        if self.service.audience:
            return [self.service.audience]
        if self.cloud_run and re.fullmatch(_OWN.format(re.escape(self.cloud_run)), host):
            return [f"https://{host}{path}", f"https://{host}"]
        raise ValueError("no audience is known")


def callers_of(
    service: Service, environment: Mapping[str, str], certificates: Callable[..., Any] | None = None
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
    try:
        return await run_sync(callers.check, credentials.credentials, request.headers.get("host", ""), request.url.path)
    except PermissionError:
        raise HTTPException(403, "not-a-caller") from None
    except TransportError as error:
        structlog.get_logger().error("Google's certificates could not be read", reason=type(error).__name__)
        raise HTTPException(503, "certificates-away") from None
    except Exception as error:  # noqa: BLE001 a token may be any text, and what reads it stumbles in many ways
        structlog.get_logger().warning("a caller was refused", reason=type(error).__name__)
        raise _unknown() from None


def _unknown() -> HTTPException:
    return HTTPException(401, "no-valid-token", {"WWW-Authenticate": "Bearer"})


Caller = Annotated[str, Depends(caller)]
