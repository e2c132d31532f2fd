"""OAuth2: the page that a person opens, the code that comes back, and tokens that are always fresh.

Refresh tokens may rotate: each is used once. So one worker refreshes at a time (`core.tokens.Tokens`), and the new pair is
stored before it is used.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import SystemRandom
from threading import Lock
from time import sleep
from typing import Any
from urllib.parse import quote, urlencode

import orjson
import urllib3
from urllib3.exceptions import HTTPError

from careloom.core.clock import Clock
from careloom.core.errors import NotPermitted, RemoteUnavailable
from careloom.core.tokens import Token, Tokens
from careloom.vendor_kit import status
from careloom.vendor_kit.pool import USER_AGENT, open_pool
from careloom.vendor_kit.retry import RetryPolicy

CONNECT = "run `careloom connect SYSTEM` with this system's name in careloom.yaml, and sign in"
_ATTEMPTS = 4
EARLY = timedelta(minutes=5)
_LIFETIME = 3600
_RANDOM = SystemRandom()
_NO_TOKEN = Token(access="", refresh="", expires_at=datetime.min.replace(tzinfo=UTC))


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """An OAuth2 application: where tokens are given, and who asks.

    `basic`: the client is named in the Authorization header, not in the form. `lifetime`: a token's seconds where the answer
    states none. `rotates`: a pair without a refresh token is no answer; otherwise the one before goes on.
    """

    name: str
    token_url: str
    client_id: str
    client_secret: str = field(repr=False)
    basic: bool = False
    lifetime: int = _LIFETIME
    rotates: bool = True


def authorize_url(url: str, *, client_id: str, redirect_uri: str, scopes: str, state: str) -> str:
    """The page on which a person lets this application in."""
    parameters = {
        "redirect_uri": redirect_uri,
        "response_type": "code",
        "client_id": client_id,
        "scope": scopes,
        "state": state,
    }
    return f"{url}?{urlencode(parameters)}"


class Grants:
    """Asks for tokens."""

    def __init__(
        self,
        application: Application,
        clock: Clock,
        *,
        policy: RetryPolicy | None = None,
        pause: Callable[[float], None] = sleep,
    ) -> None:
        self._application = application
        self._clock = clock
        self._pool = open_pool(policy or RetryPolicy(), 1)
        self._pause = pause

    def __repr__(self) -> str:
        return f"Grants({self._application.name!r})"

    def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        self._pool.clear()

    def exchange(self, code: str, redirect_uri: str) -> Token:
        """The first token pair for a code, which lives for seconds. NotPermitted where it was refused."""
        # A code is used up by the first request that arrives: it is not sent twice.
        return self.ask({"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}, attempts=1)

    def refresh(self, stale: Token) -> Token:
        """A new pair for an old one. NotPermitted where the refresh token was used or revoked.

        A lost answer is asked for again with the same token: vendors give the pair that they already issued for a while.
        """
        return self.ask({"grant_type": "refresh_token", "refresh_token": stale.refresh}, refresh_token=stale.refresh)

    def ask(self, form: Mapping[str, str], *, attempts: int = _ATTEMPTS, refresh_token: str = "") -> Token:
        """The token that the grant of `form` gives; `refresh_token` is the refresh token that goes on where none comes back."""
        for attempt in range(attempts):
            if attempt:
                self._pause(_RANDOM.uniform(0, 2.0**attempt))
            try:
                answer = self._post(form)
            except HTTPError:
                continue
            token = self._token(answer.status, _object(answer.data), refresh_token)
            if token is not None:
                return token
        name = self._application.name
        raise RemoteUnavailable(
            f"{name} gives no token: it does not answer as its API does; run again later, and check base_url if that stays so",
            after=60.0,
        )

    def _post(self, form: Mapping[str, str]) -> urllib3.BaseHTTPResponse:
        application = self._application
        headers = {"Accept": "application/json", "User-Agent": USER_AGENT}
        fields = dict(form)
        if application.basic:
            # RFC 6749, 2.3.1: both are form-encoded before they are joined.
            pair = f"{quote(application.client_id, safe='')}:{quote(application.client_secret, safe='')}"
            headers["Authorization"] = "Basic " + b64encode(pair.encode()).decode()
        else:
            fields |= {"client_id": application.client_id, "client_secret": application.client_secret}
        return self._pool.request(
            "POST", application.token_url, fields=fields, encode_multipart=False, redirect=False, headers=headers
        )

    def _token(self, status_code: int, body: Mapping[str, Any], refresh_token: str) -> Token | None:
        """The pair; None where this is not the API's answer, which gives tokens or names its reason."""
        access, refresh = body.get("access_token"), body.get("refresh_token")
        if refresh is None and not self._application.rotates:
            refresh = refresh_token
        if status_code == status.OK and isinstance(access, str) and isinstance(refresh, str) and access:
            if not refresh and self._application.rotates:
                return None
            lives = body.get("expires_in")
            seconds = lives if type(lives) is int and lives > 0 else self._application.lifetime
            return Token(access=access, refresh=refresh, expires_at=self._clock() + timedelta(seconds=seconds))
        error = body.get("error")
        if not isinstance(error, str) or not status.is_refusal(status_code):
            return None
        if status_code == status.TOO_MANY_REQUESTS:
            return None
        name = self._application.name
        if error == "invalid_client":
            raise NotPermitted(f"{name} does not know this application: check client_id and client_secret")
        raise NotPermitted(f"{name} refuses to give a token (the grant was used, expired or revoked): {CONNECT}")


class TokenKeeper:
    """One account's token, fresh for every call; used by many threads at once.

    `tokens` keeps it for all workers, None where no store is open. `first` asks for a token where no person has to sign in
    (the application's own credentials), which memory may keep too; without it, somebody must have connected. A token is
    made fresh `early`, which is less than it lives.
    """

    def __init__(
        self,
        tokens: Tokens | None,
        grants: Grants,
        clock: Clock,
        *,
        name: str,
        first: Callable[[], Token] | None = None,
        early: timedelta = EARLY,
    ) -> None:
        self._tokens = tokens or (_ProcessTokens() if first is not None else None)
        self._early = early
        self._grants = grants
        self._clock = clock
        self._name = name
        self._first = first
        self._lock = Lock()
        self._token: Token | None = None

    def __repr__(self) -> str:
        return f"TokenKeeper({self._name!r})"

    def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        self._grants.close()

    def fresh(self) -> Token:
        """A token with minutes to live. NotPermitted where nobody has connected, or it cannot be made fresh."""
        with self._lock:
            token = self._token
        if token is None:
            token = self._stored()
            with self._lock:
                self._token = token
        return self.renew(token) if token.expires_at - self._clock() < self._early else token

    def renew(self, stale: Token) -> Token:
        """A newer token than `stale`: another thread's, another worker's, or a refreshed one."""
        with self._lock:
            if self._token is not None and self._token.access != stale.access:
                return self._token
        token = self._open_tokens().refreshed(stale, self._refresh)
        with self._lock:
            self._token = token
        return token

    def _stored(self) -> Token:
        tokens = self._open_tokens()
        token = tokens.current()
        if token is not None:
            return token
        if self._first is None:
            raise NotPermitted(f"nobody has connected {self._name} yet: {CONNECT}")
        return tokens.refreshed(_NO_TOKEN, self._refresh)

    def _refresh(self, stale: Token) -> Token:
        return self._first() if self._first is not None else self._grants.refresh(stale)

    def _open_tokens(self) -> Tokens:
        if self._tokens is None:
            raise NotPermitted(f"{self._name}'s tokens are kept in the store, which is not open: {CONNECT}")
        return self._tokens


class _ProcessTokens:
    """`core.tokens.Tokens` of one process, for tokens that can be asked for again."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._token: Token | None = None

    def current(self) -> Token | None:
        return self._token

    def refreshed(self, stale: Token, refresh: Callable[[Token], Token]) -> Token:
        with self._lock:
            if self._token is None or self._token.access == stale.access:
                self._token = refresh(stale)
            return self._token

    def store(self, token: Token) -> None:
        with self._lock:
            self._token = token


def _object(data: bytes) -> dict[str, Any]:
    try:
        body = orjson.loads(data)
    except orjson.JSONDecodeError:
        return {}
    return body if isinstance(body, dict) else {}
