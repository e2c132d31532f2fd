"""The portal's rate limits: what they are until it says so itself, and what its headers say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from threading import Lock
from typing import Literal
from zoneinfo import ZoneInfo

from careloom.core.ports import Limit
from careloom.vendor_kit.limits import RateLimiter

LimitName = Literal["ten_secondly", "search", "daily"]

# The smallest portal's (Free, Starter). Larger ones say so in the headers of the first answer.
TEN_SECONDLY = 100
DAILY = 250_000
# For the whole account (older texts say 4 for each token). Searches state no limit in their headers: a project whose
# portal serves other programs too sets less.
SEARCH_SECONDLY = 5

# How often the daily count is passed on: it moves slowly, and the budget may live in a database.
_DAILY_EVERY = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceilings:
    """A project's own ceilings; None takes what the portal allows."""

    ten_secondly: int | None = None
    search_secondly: int = SEARCH_SECONDLY
    daily: int | None = None


class PortalLimits:
    """The portal's limits as they stand, and what it says of them. `limiter` takes the places."""

    def __init__(self, limiter: RateLimiter, ceilings: Ceilings, zone: ZoneInfo) -> None:
        self.limiter = limiter
        self._ceilings = ceilings
        self._zone = zone
        self._lock = Lock()
        self._stated: dict[str, int] = {}
        self._answers = 0

    def limits(self, name: str) -> tuple[Limit, Limit]:
        """What a request counts in: the day, and the limit `name` ("" for any but a search's)."""
        return self.limit("daily"), self.limit("search" if name == "search" else "ten_secondly")

    def limit(self, name: LimitName) -> Limit:
        """The limit as it stands: the smaller of the project's ceiling and what the portal stated."""
        if name == "search":
            return Limit(name=name, most=self._ceilings.search_secondly, window=1.0)
        if name == "daily":
            return self._daily()
        return Limit(name=name, most=self._most(name, TEN_SECONDLY, self._ceilings.ten_secondly), window=10.0)

    def _daily(self) -> Limit:
        """The day's limit. The portal counts the day itself, from midnight to midnight, and says what is left.

        So only a project's own ceiling is counted here; without one the limit is a gate that shuts when nothing is left.
        """
        if self._ceilings.daily is not None:
            return Limit(name="daily", most=self._ceilings.daily, window=86_400.0)
        return Limit(name="daily", most=self._most("daily", DAILY, None), window=10.0)

    def _most(self, name: LimitName, default: int, ceiling: int | None) -> int:
        with self._lock:
            limit = self._stated.get(name)
        if limit is None:
            limit = self.limiter.known(name) or default
            with self._lock:
                self._stated.setdefault(name, limit)
        return min(limit, ceiling) if ceiling is not None else limit

    def pause(self, name: LimitName, seconds: float) -> None:
        """Nobody asks for so long: the portal said 429."""
        self.limiter.pause(self.limit(name), seconds)

    def heard(self, headers: Mapping[str, str]) -> None:
        """Pass on what an answer's headers state; search answers state nothing and change nothing."""
        limit, daily = _number(headers, "x-hubspot-ratelimit-max"), _number(headers, "x-hubspot-ratelimit-daily")
        if self._news("ten_secondly", limit):
            # What remains is not passed on: a window that is used up to the last place is what we want.
            self.limiter.learn("ten_secondly", limit, None, None)
        remaining = _number(headers, "x-hubspot-ratelimit-daily-remaining")
        with self._lock:
            self._answers += 1
            due = self._answers % _DAILY_EVERY == 1
        if self._news("daily", daily) or (remaining is not None and (due or remaining == 0)):
            self.limiter.learn("daily", daily, remaining, _midnight(headers, self._zone))

    def _news(self, name: LimitName, limit: int | None) -> bool:
        if limit is None:
            return False
        with self._lock:
            news = self._stated.get(name) != limit
            self._stated[name] = limit
        return news


def _number(headers: Mapping[str, str], name: str) -> int | None:
    text = headers.get(name, "")
    return int(text) if text.isdecimal() else None


def server_time(headers: Mapping[str, str]) -> datetime | None:
    """The server's own clock, to the second, as its Date header shows it; None without one."""
    try:
        return parsedate_to_datetime(headers["date"])
    except (KeyError, ValueError):
        return None


def _midnight(headers: Mapping[str, str], zone: ZoneInfo) -> datetime | None:
    """When the day's count starts again: the next midnight of the account's time zone."""
    now = server_time(headers)
    if now is None:
        return None
    today = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    return (today + timedelta(days=1)).astimezone(UTC)
