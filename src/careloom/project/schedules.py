"""When a sync is due: plain words or cron text, read into ticks that survive the clock changes of spring and autumn."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
EXAMPLES = (
    '"daily at 06:00", "every 15 minutes", "hourly", "weekly on monday at 06:00", "monthly on 1 at 06:00", or cron'
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SEARCH_DAYS = 366 * 8 + 2  # a 29th of February can be eight years away
_LAST_SAFE_DAY = 28
_UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800, "year": 31_536_000}


class ScheduleError(ValueError):
    """The text is no schedule; the message says why, without the place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Ticks, as written in `text`: either every so often, or at minutes of chosen days in the project's zone.

    A local time that the clock skips in spring runs once, as much later as the clock jumped; one that comes twice in
    autumn runs at its first. A schedule for every hour runs in every real hour. `weekdays` counts from Monday = 0.
    """

    text: str
    every: timedelta | None = None
    minutes: tuple[int, ...] = ()
    hours: tuple[int, ...] = ()
    days: frozenset[int] = frozenset()
    months: frozenset[int] = frozenset()
    weekdays: frozenset[int] = frozenset()
    either_day: bool = False

    def next_tick(self, now: datetime, tz: ZoneInfo) -> datetime:
        """The first tick after `now`, in UTC."""
        if self.every is not None:
            return _EPOCH + ((now - _EPOCH) // self.every + 1) * self.every
        first = now.astimezone(tz).date() - timedelta(days=1)
        for ahead in range(_SEARCH_DAYS):
            due = [tick for tick in self._ticks(first + timedelta(days=ahead), tz) if tick > now]
            if due:
                return min(due)
        raise ScheduleError("it never comes")

    def previous_tick(self, now: datetime, tz: ZoneInfo) -> datetime:
        """The last tick at or before `now`, in UTC."""
        if self.every is not None:
            return _EPOCH + (now - _EPOCH) // self.every * self.every
        last = now.astimezone(tz).date() + timedelta(days=1)
        for back in range(_SEARCH_DAYS):
            due = [tick for tick in self._ticks(last - timedelta(days=back), tz) if tick <= now]
            if due:
                return max(due)
        raise ScheduleError("it never came")

    def is_due(self, last: datetime | None, now: datetime, tz: ZoneInfo) -> bool:
        """Whether a tick came after `last` and up to `now`: a missed one counts once, however late; what never ran is due."""
        return last is None or last < self.previous_tick(now, tz)

    def _on(self, day: date) -> bool:
        by_date, by_weekday = day.day in self.days, day.weekday() in self.weekdays
        return day.month in self.months and (by_date or by_weekday if self.either_day else by_date and by_weekday)

    def _ticks(self, day: date, tz: ZoneInfo) -> Iterator[datetime]:
        if not self._on(day):
            return
        every_hour = len(self.hours) == 24  # noqa: PLR2004 - hours of a day
        for hour in self.hours:
            for minute in self.minutes:
                local = datetime.combine(day, time(hour, minute), tzinfo=tz)
                yield local.astimezone(UTC)
                if every_hour and _comes_twice(local):
                    yield local.replace(fold=1).astimezone(UTC)


def _comes_twice(local: datetime) -> bool:
    first, second = local.astimezone(UTC), local.replace(fold=1).astimezone(UTC)
    return first < second


def parse_schedule(text: str) -> Schedule:
    """The schedule that `text` describes; ScheduleError otherwise."""
    words = " ".join(text.lower().split())
    schedule = _hourly(text, words) or _every(text, words) or _calendar(text, words) or _cron(text, words)
    if schedule is None:
        raise ScheduleError("it matches none of the known forms")
    if schedule.every is None and not _ever(schedule):
        raise ScheduleError("no date ever fits it")
    return schedule


def _ever(schedule: Schedule) -> bool:
    start = date(2024, 1, 1)
    return any(schedule._on(start + timedelta(days=ahead)) for ahead in range(_SEARCH_DAYS))  # noqa: SLF001 - same file


def parse_duration(text: str) -> timedelta:
    """The length of time in "1 hour", "30 minutes", "2 days", at least a second; ValueError if it is not one."""
    match = re.fullmatch(r"(\d{1,6}) ?(second|minute|hour|day|week|year)s?", " ".join(text.lower().split()))
    if not match or not int(match[1]):
        raise ValueError("it is no length of time")
    return timedelta(seconds=int(match[1]) * _UNITS[match[2]])


def _hourly(text: str, words: str) -> Schedule | None:
    return Schedule(text=text, every=timedelta(hours=1)) if words == "hourly" else None


def _every(text: str, words: str) -> Schedule | None:
    if not words.startswith("every "):
        return None
    length = words.removeprefix("every ")
    try:
        every = parse_duration(length if length[:1].isdigit() else f"1 {length}")
    except ValueError as error:
        raise ScheduleError("after `every` comes a number of minutes, hours or days") from error
    if every < timedelta(minutes=1):
        raise ScheduleError("it is more often than once a minute")
    return Schedule(text=text, every=every)


def _calendar(text: str, words: str) -> Schedule | None:
    match = re.fullmatch(r"(daily|weekly on (\w+)|monthly on (\d+)) at (\d{1,2}):(\d\d)", words)
    if not match:
        return None
    hour, minute = _within(match[4], 0, 23, "hour"), _within(match[5], 0, 59, "minute")
    weekdays, days = frozenset(range(7)), frozenset(range(1, 32))
    if match[2]:
        if match[2] not in WEEKDAYS:
            raise ScheduleError(f"`{match[2]}` is no weekday")
        weekdays = frozenset({WEEKDAYS.index(match[2])})
    if match[3]:
        days = frozenset({_within(match[3], 1, _LAST_SAFE_DAY, "day that every month has")})
    every_month = frozenset(range(1, 13))
    return Schedule(text=text, minutes=(minute,), hours=(hour,), days=days, months=every_month, weekdays=weekdays)


def _within(text: str, low: int, high: int, unit: str) -> int:
    if not text.isdigit() or not low <= int(text) <= high:
        raise ScheduleError(f"`{text}` is no {unit}, which goes from {low} to {high}")
    return int(text)


def _cron(text: str, words: str) -> Schedule | None:
    parts = words.split(" ")
    if len(parts) != 5 or not re.fullmatch(r"[\d*/,\- a-z]+", words) or parts[0].isalpha():  # noqa: PLR2004 - cron's five
        return None
    weekday_names = {name[:3]: (number + 1) % 7 for number, name in enumerate(WEEKDAYS)}
    month_names = {name: number for number, name in enumerate(MONTHS, 1)}
    minutes = _cron_part(parts[0], 0, 59, "minute", {})
    hours = _cron_part(parts[1], 0, 23, "hour", {})
    days = _cron_part(parts[2], 1, 31, "day", {})
    months = _cron_part(parts[3], 1, 12, "month", month_names)
    weekdays = _cron_part(parts[4], 0, 7, "weekday", weekday_names)
    return Schedule(
        text=text,
        minutes=tuple(sorted(minutes)),
        hours=tuple(sorted(hours)),
        days=days,
        months=months,
        weekdays=frozenset((day - 1) % 7 for day in weekdays),  # cron's Sunday is 0 and 7
        either_day=not parts[2].startswith("*") and not parts[4].startswith("*"),
    )


def _cron_part(part: str, low: int, high: int, unit: str, names: dict[str, int]) -> frozenset[int]:
    numbers: set[int] = set()
    for piece in part.split(","):
        span, _, step = piece.partition("/")
        first, _, last = span.partition("-")
        if span == "*":
            start, end = low, high
        else:
            start = names[first] if first in names else _within(first, low, high, unit)
            end = names[last] if last in names else _within(last, low, high, unit) if last else start
            end = high if step and not last else end
        if end < start:
            raise ScheduleError(f"`{span}` runs backwards")
        numbers.update(range(start, end + 1, _within(step, 1, high or 1, "step") if step else 1))
    return frozenset(numbers)
