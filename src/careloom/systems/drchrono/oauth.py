"""OAuth2 with DrChrono: the page that a person opens, the code that comes back, and refreshing.

Refresh tokens rotate: each may be used once, and a used one is refused with invalid_grant.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from random import SystemRandom
from time import sleep
from typing import Any
from urllib.parse import urlencode

import orjson
import urllib3
from urllib3.exceptions import HTTPError

from careloom.core.clock import Clock
from careloom.core.errors import NotPermitted, RemoteUnavailable
from careloom.core.rooms import RoomContext
from careloom.core.tokens import Token
from careloom.systems.drchrono.options import Options

CONNECT = "run `careloom connect SYSTEM` with this system's name in careloom.yaml, and sign in"
_ATTEMPTS = 4
_LIFETIME = 172_800
_DICE = SystemRandom()


def authorize_url(options: Options, context: RoomContext, redirect_uri: str, state: str) -> str:
    """The page on which a person lets this application in."""
    parameters = {
        "redirect_uri": options.redirect_uri or redirect_uri,
        "response_type": "code",
        "client_id": context.secret(options.client_id),
        "scope": options.scopes,
        "state": state,
    }
    return f"{options.base_url.rstrip('/')}/o/authorize/?{urlencode(parameters)}"


def exchange(options: Options, context: RoomContext, redirect_uri: str, code: str) -> Token:
    """The first token pair for a code, which lives for seconds. NotPermitted where it was refused."""
    with urllib3.PoolManager(retries=False) as pool:
        grants = Grants(options, context, pool)
        # A code is used up by the first request that arrives: it is not sent twice.
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": options.redirect_uri or redirect_uri}
        return grants.ask(form, attempts=1)


class Grants:
    """Asks for token pairs."""

    def __init__(
        self,
        options: Options,
        context: RoomContext,
        pool: urllib3.PoolManager,
        *,
        pause: Callable[[float], None] = sleep,
    ) -> None:
        self._url = f"{options.base_url.rstrip('/')}/o/token/"
        self._client = {
            "client_id": context.secret(options.client_id),
            "client_secret": context.secret(options.client_secret),
        }
        self._timeout = options.timeout_seconds
        self._clock: Clock = context.clock
        self._pool = pool
        self._pause = pause

    def __repr__(self) -> str:
        return "Grants()"

    def refresh(self, stale: Token) -> Token:
        """A new pair for an old one. NotPermitted where the refresh token was used or revoked.

        A lost answer is asked for again with the same token: DrChrono gives the pair that it already issued for a while.
        """
        return self.ask({"grant_type": "refresh_token", "refresh_token": stale.refresh}, attempts=_ATTEMPTS)

    def ask(self, form: Mapping[str, str], *, attempts: int) -> Token:
        """The pair that the grant of `form` gives."""
        fields = {**form, **self._client}
        for attempt in range(attempts):
            if attempt:
                self._pause(_DICE.uniform(0, 2.0**attempt))
            try:
                answer = self._pool.request(
                    "POST",
                    self._url,
                    fields=fields,
                    encode_multipart=False,
                    redirect=False,
                    timeout=self._timeout,
                    headers={"Accept": "application/json", "User-Agent": "careloom"},
                )
            except HTTPError:
                continue
            token = self._token(answer.status, _object(answer.data))
            if token is not None:
                return token
        raise RemoteUnavailable(
            "DrChrono gives no token: it does not answer as its API does; run again later, and check base_url if that stays so",
            after=60.0,
        )

    def _token(self, status: int, body: Mapping[str, Any]) -> Token | None:
        """The pair; None where this is not the API's answer, which gives tokens or names its reason."""
        access, refresh = body.get("access_token"), body.get("refresh_token")
        if status == 200 and isinstance(access, str) and isinstance(refresh, str) and access and refresh:  # noqa: PLR2004
            lives = body.get("expires_in")
            seconds = lives if type(lives) is int and lives > 0 else _LIFETIME
            return Token(access=access, refresh=refresh, expires_at=self._clock() + timedelta(seconds=seconds))
        error = body.get("error")
        if not isinstance(error, str) or not 400 <= status < 500 or status == 429:  # noqa: PLR2004
            return None
        if error == "invalid_client":
            raise NotPermitted("DrChrono does not know this application: check client_id and client_secret")
        raise NotPermitted(f"DrChrono refuses to give a token (the grant was used, expired or revoked): {CONNECT}")


def _object(data: bytes) -> dict[str, Any]:
    try:
        body = orjson.loads(data)
    except orjson.JSONDecodeError:
        return {}
    return body if isinstance(body, dict) else {}
