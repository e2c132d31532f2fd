"""The portal's rate limits: what they are until it says so itself, and what its headers say."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from threading import Lock
from time import monotonic, sleep
from typing import Literal
from zoneinfo import ZoneInfo

from careloom.core.errors import Later
from careloom.core.log import LOG
from careloom.core.ports import Budget, Lane, Limit

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


class RateLimiter:
    """Takes places in the shared budget and tells it what the portal says.

    Without a budget there are no limits but the portal's own pauses.
    """

    def __init__(
        self,
        budget: Budget | None,
        lane: Lane,
        ceilings: Ceilings,
        zone: ZoneInfo,
        *,
        pause: Callable[[float], None] = sleep,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._budget = budget
        self._lane = lane
        self._ceilings = ceilings
        self._zone = zone
        self._sleep = pause
        self._clock = clock
        self._lock = Lock()
        self._stated: dict[str, int] = {}
        self._paused: dict[str, float] = {}
        self._answers = 0

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
            limit = (self._budget.known(name) if self._budget is not None else None) or default
            with self._lock:
                self._stated.setdefault(name, limit)
        return min(limit, ceiling) if ceiling is not None else limit

    @contextmanager
    def place(self, name: LimitName) -> Iterator[None]:
        """One request's place in the day and in the limit `name`, given back when the block ends."""
        if self._budget is None:
            self._wait_out_pause(name)
            yield
            return
        tickets: list[int] = []
        try:
            tickets.append(self._budget.take(self.limit("daily"), self._lane))
            tickets.append(self._budget.take(self.limit(name), self._lane))
            yield
        finally:
            for ticket in tickets:
                with _spared():
                    self._budget.give_back(ticket)

    def _wait_out_pause(self, name: LimitName) -> None:
        with self._lock:
            seconds = self._paused.get(name, 0.0) - self._clock()
        if seconds > 0:
            self._sleep(seconds)

    def pause(self, name: LimitName, seconds: float) -> None:
        """Nobody asks for so long: the portal said 429."""
        if self._budget is not None:
            with _spared():
                self._budget.pause(self.limit(name), seconds)
        else:
            with self._lock:
                self._paused[name] = max(self._paused.get(name, 0.0), self._clock() + seconds)

    def heard(self, headers: Mapping[str, str]) -> None:
        """Pass on what an answer's headers state; search answers state nothing and change nothing."""
        with _spared():
            self._pass_on(headers)

    def _pass_on(self, headers: Mapping[str, str]) -> None:
        limit, daily = _number(headers, "x-hubspot-ratelimit-max"), _number(headers, "x-hubspot-ratelimit-daily")
        if self._news("ten_secondly", limit) and self._budget is not None:
            # What remains is not passed on: a window that is used up to the last place is what we want.
            self._budget.learn("ten_secondly", limit, None, None)
        remaining = _number(headers, "x-hubspot-ratelimit-daily-remaining")
        with self._lock:
            self._answers += 1
            due = self._answers % _DAILY_EVERY == 1
        if (
            self._news("daily", daily) or (remaining is not None and (due or remaining == 0))
        ) and self._budget is not None:
            self._budget.learn("daily", daily, remaining, _midnight(headers, self._zone))

    def _news(self, name: LimitName, limit: int | None) -> bool:
        if limit is None:
            return False
        with self._lock:
            news = self._stated.get(name) != limit
            self._stated[name] = limit
        return news


@contextmanager
def _spared() -> Iterator[None]:
    """A budget that fails after a request was sent must not take the request's answer with it."""
    try:
        yield
    except Later as error:
        LOG.warning("the rate budget did not answer", error=type(error).__name__)


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
