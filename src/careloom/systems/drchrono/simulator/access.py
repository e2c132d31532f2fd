"""Who is let in: codes, tokens that rotate, and how often one may call."""

from __future__ import annotations

import secrets
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from careloom.systems.drchrono.simulator.settings import Settings

Plain = tuple[int, Any]


@dataclass(slots=True)
class Access:
    """Codes and token pairs that were given out."""

    settings: Settings
    codes: set[str] = field(default_factory=set)
    tokens: dict[str, float] = field(default_factory=dict)
    refreshes: set[str] = field(default_factory=set)
    refresh_count: int = 0

    def code(self) -> str:
        """A new code; it can be used once."""
        code = secrets.token_urlsafe(12)
        self.codes.add(code)
        return code

    def pair(self) -> dict[str, Any]:
        """A new token pair, as the token endpoint shows it."""
        access, refresh = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
        self.tokens[access] = time.monotonic() + self.settings.token_seconds
        self.refreshes.add(refresh)
        return {
            "access_token": access,
            "refresh_token": refresh,
            "expires_in": self.settings.token_seconds,
            "token_type": "Bearer",
            "scope": "user:read calendar:read patients:read clinical:read billing:read",
        }

    def grant(self, form: Mapping[str, str]) -> Plain:
        """The answer of the token endpoint."""
        settings = self.settings
        if (form.get("client_id"), form.get("client_secret")) != (settings.client_id, settings.client_secret):
            return 401, {"error": "invalid_client"}
        kind = form.get("grant_type")
        if kind == "authorization_code" and form.get("redirect_uri") and form.get("code") in self.codes:
            self.codes.discard(form["code"])
            return 200, self.pair()
        if kind == "refresh_token" and form.get("refresh_token") in self.refreshes:
            # A used token is gone: who still holds the old one must connect again.
            self.refreshes.discard(form["refresh_token"])
            self.refresh_count += 1
            return 200, self.pair()
        is_known = kind in {"authorization_code", "refresh_token"}
        return 400, {"error": "invalid_grant" if is_known else "unsupported_grant_type"}

    def refusal(self, authorization: str) -> Plain | None:
        """Why a call is not let in; None if it is."""
        kind, _, token = authorization.partition(" ")
        if kind != "Bearer" or not token:
            return 401, {"detail": "Authentication credentials were not provided."}
        if self.tokens.get(token, 0.0) <= time.monotonic():
            return 401, {"detail": "Invalid token"}
        return None

    def revoke(self) -> None:
        """Forget every access token; refresh tokens stay good."""
        self.tokens.clear()


@dataclass(slots=True)
class Throttle:
    """500 calls from the top of the hour on, and fewer than ten within a second."""

    settings: Settings
    hour: int = -1
    call_count: int = 0
    recent: deque[float] = field(default_factory=deque)

    def refusal(self, now: float) -> Plain | None:
        """Why a call at `now` (seconds since 1970) is too many; None if it is not."""
        if not self.settings.limited:
            return None
        if int(now // 3600) != self.hour:
            self.hour, self.call_count = int(now // 3600), 0
        while self.recent and now - self.recent[0] >= 1.0:
            self.recent.popleft()
        if len(self.recent) + 1 >= self.settings.secondly:
            return self._throttle_answer("1 second")
        if self.call_count >= self.settings.hourly:
            return self._throttle_answer(f"{3600 - int(now % 3600)} seconds")
        self.call_count += 1
        self.recent.append(now)
        return None

    def _throttle_answer(self, wait: str) -> Plain:
        suffix = f" Expected available in {wait}." if self.settings.says_wait else ""
        return 429, {"detail": f"Request was throttled.{suffix}"}
