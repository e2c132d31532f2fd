"""How many requests the portal takes: in any ten seconds for each token, in a second of searches, and in a day."""

from __future__ import annotations

import uuid
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from careloom.systems.hubspot.simulator.responses import Json, Response
from careloom.systems.hubspot.simulator.settings import REFUSED_REQUESTS_COUNT, SEARCHES_PER_SECOND, Settings

_TEN_SECONDS_MS = 10_000
_SECOND_MS = 1_000
# An OAuth app has 110 requests in ten seconds for each account, whatever the subscription.
_OAUTH_IN_TEN_SECONDS = 110

Headers = tuple[tuple[str, str], ...]


@dataclass(slots=True, kw_only=True)
class Limits:
    """What was let in lately. `refusal_count` counts the 429s."""

    lately: dict[str, deque[int]] = field(default_factory=dict)
    searches: deque[int] = field(default_factory=deque)
    in_day: int = 0
    resets_ms: int = 0
    refusal_count: int = 0

    def admit(self, settings: Settings, token: str, now_ms: int, *, search: bool) -> tuple[Headers, Response | None]:
        """The rate headers of the answer, and the answer itself where the request is one too many."""
        in_day, most_in_day = self.today(settings, now_ms), settings.tier.in_a_day
        policy = ""
        if most_in_day and in_day >= most_in_day:
            policy = "DAILY"
        elif search:
            policy = self._search(settings, now_ms)
        else:
            policy = self._request(settings, token, now_ms)
        if not policy:
            self.in_day += 1
        headers = self._headers(settings, token, search=search)
        return headers, self._refusal(settings, policy) if policy else None

    def today(self, settings: Settings, now_ms: int) -> int:
        """The requests since midnight in the account's time zone."""
        if now_ms >= self.resets_ms:
            self.in_day = 0
            zone = ZoneInfo(settings.time_zone)
            tomorrow = datetime.fromtimestamp(now_ms / 1000, zone).date() + timedelta(days=1)
            self.resets_ms = round(datetime.combine(tomorrow, time(), zone).timestamp() * 1000)
        return self.in_day

    def _search(self, settings: Settings, now_ms: int) -> str:
        _forget(self.searches, now_ms - _SECOND_MS)
        if settings.tier.name != "unlimited" and len(self.searches) >= SEARCHES_PER_SECOND:
            return "SECONDLY"
        self.searches.append(now_ms)
        return ""

    def _request(self, settings: Settings, token: str, now_ms: int) -> str:
        lately = self.lately.setdefault(token, deque())
        _forget(lately, now_ms - _TEN_SECONDS_MS)
        limit = _limit(settings)
        full = bool(limit) and len(lately) >= limit
        if not full or REFUSED_REQUESTS_COUNT:
            lately.append(now_ms)
        return "TEN_SECONDLY_ROLLING" if full else ""

    def _headers(self, settings: Settings, token: str, *, search: bool) -> Headers:
        daily: Headers = ()
        if not settings.oauth and settings.tier.in_a_day:
            remaining = max(0, settings.tier.in_a_day - self.in_day)
            daily = (
                ("x-hubspot-ratelimit-daily", str(settings.tier.in_a_day)),
                ("x-hubspot-ratelimit-daily-remaining", str(remaining)),
            )
        limit = _limit(settings)
        if search or not limit:
            return daily
        remaining = max(0, limit - len(self.lately.get(token, ())))
        return (
            *daily,
            ("x-hubspot-ratelimit-interval-milliseconds", str(_TEN_SECONDS_MS)),
            ("x-hubspot-ratelimit-max", str(limit)),
            ("x-hubspot-ratelimit-remaining", str(remaining)),
            # Deprecated, and not enforced.
            ("x-hubspot-ratelimit-secondly", str(limit // 10)),
            ("x-hubspot-ratelimit-secondly-remaining", str(max(0, min(limit // 10, remaining) - 1))),
        )

    def _refusal(self, settings: Settings, policy: str) -> Response:
        self.refusal_count += 1
        wait = {"SECONDLY": "1", "TEN_SECONDLY_ROLLING": "10", "DAILY": "3600"}[policy]
        headers: Headers = (("retry-after", wait),) if settings.retry_after else ()
        return Response(429, too_many(settings, policy), headers)


def too_many(settings: Settings, policy: str) -> Json:
    """The body of a 429, in the shape that the settings choose."""
    label = {"DAILY": "daily", "SECONDLY": "secondly", "TEN_SECONDLY_ROLLING": "ten_secondly_rolling"}[policy]
    body: Json = {"status": "error", "message": f"You have reached your {label} limit."}
    if settings.rate_limit_body == "observed":
        return body | {"correlationId": str(uuid.uuid4()), "category": "RATE_LIMITS"}
    return body | {
        "errorType": "RATE_LIMIT",
        "correlationId": str(uuid.uuid4()),
        "policyName": policy,
        "requestId": uuid.uuid4().hex,
    }


def _limit(settings: Settings) -> int:
    return _OAUTH_IN_TEN_SECONDS if settings.oauth else settings.tier.in_ten_seconds


def _forget(moments: deque[int], horizon: int) -> None:
    while moments and moments[0] <= horizon:
        moments.popleft()
