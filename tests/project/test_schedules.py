from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from careloom.project.schedules import ScheduleError, parse_duration, parse_schedule

NEW_YORK = ZoneInfo("America/New_York")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def ticks(schedule: str, start: str, count: int, zone: ZoneInfo = NEW_YORK) -> list[str]:
    found, now = [], utc(start)
    for _ in range(count):
        now = parse_schedule(schedule).next_tick(now, zone)
        found.append(now.astimezone(zone).strftime("%a %m-%d %H:%M %Z"))
    return found


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("daily at 06:00", ["Fri 07-03 06:00 EDT", "Sat 07-04 06:00 EDT"]),
        ("Daily  at 6:05", ["Fri 07-03 06:05 EDT", "Sat 07-04 06:05 EDT"]),
        ("every 15 minutes", ["Thu 07-02 08:15 EDT", "Thu 07-02 08:30 EDT"]),
        ("hourly", ["Thu 07-02 09:00 EDT", "Thu 07-02 10:00 EDT"]),
        ("every hour", ["Thu 07-02 09:00 EDT", "Thu 07-02 10:00 EDT"]),
        ("weekly on monday at 06:00", ["Mon 07-06 06:00 EDT", "Mon 07-13 06:00 EDT"]),
        ("monthly on 1 at 06:00", ["Sat 08-01 06:00 EDT", "Tue 09-01 06:00 EDT"]),
        ("30 6 * * 1-5", ["Fri 07-03 06:30 EDT", "Mon 07-06 06:30 EDT"]),
        ("0 6,18 * * *", ["Thu 07-02 18:00 EDT", "Fri 07-03 06:00 EDT"]),
        ("*/20 9-10 * * sun", ["Sun 07-05 09:00 EDT", "Sun 07-05 09:20 EDT"]),
        ("0 0 * * 7", ["Sun 07-05 00:00 EDT", "Sun 07-12 00:00 EDT"]),
        ("0 6 13 * 5", ["Fri 07-03 06:00 EDT", "Fri 07-10 06:00 EDT"]),  # cron: either the day or the weekday
        ("0 6 29 2 *", ["Tue 02-29 06:00 EST", "Sun 02-29 06:00 EST"]),
    ],
)
def test_a_schedule_ticks_when_its_words_say(schedule: str, expected: list[str]) -> None:
    assert ticks(schedule, "2026-07-02T12:01:00", 2) == expected


def test_a_local_time_that_spring_skips_runs_once_after_it() -> None:
    assert ticks("daily at 02:30", "2026-03-07T12:00:00", 2) == ["Sun 03-08 03:30 EDT", "Mon 03-09 02:30 EDT"]


def test_a_local_time_that_autumn_doubles_runs_once() -> None:
    assert ticks("daily at 01:30", "2026-10-31T12:00:00", 2) == ["Sun 11-01 01:30 EDT", "Mon 11-02 01:30 EST"]


def test_every_quarter_hour_is_every_real_quarter_hour_on_both_days() -> None:
    for schedule in ("every 15 minutes", "*/15 * * * *"):
        for start in ("2026-03-08T05:00:00", "2026-11-01T04:00:00"):
            now = utc(start)
            for _ in range(20):
                later = parse_schedule(schedule).next_tick(now, NEW_YORK)
                assert later - now == timedelta(minutes=15)
                now = later


@given(
    st.sampled_from(
        ["daily at 02:30", "daily at 01:30", "hourly", "every 7 minutes", "weekly on sunday at 02:15", "5 */3 * * *"]
    ),
    st.integers(0, 3 * 365 * 86_400).map(lambda seconds: utc("2025-01-01") + timedelta(seconds=seconds)),
    st.sampled_from(["America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "UTC", "Asia/Kathmandu"]),
)
def test_no_tick_lies_between_the_previous_and_the_next(schedule: str, now: datetime, zone: str) -> None:
    parsed, tz = parse_schedule(schedule), ZoneInfo(zone)
    before, after = parsed.previous_tick(now, tz), parsed.next_tick(now, tz)
    assert before <= now < after
    assert parsed.next_tick(before, tz) == after
    assert parsed.previous_tick(after - timedelta(microseconds=1), tz) == before
    assert parsed.previous_tick(after, tz) == after
    # Due is what last ran before the tick, up to the tick itself; what never ran always is.
    assert parsed.is_due(None, now, tz)
    assert parsed.is_due(before - timedelta(microseconds=1), now, tz)
    assert not parsed.is_due(before, now, tz)


@pytest.mark.parametrize(
    "text",
    ["", "sometimes", "every", "every 0 minutes", "every 5 seconds", "daily", "daily at 6", "weekly at 06:00", "monthly on 0 at 06:00",
     "* * * *", "* * * * * *", "60 * * * *", "*/0 * * * *", "a b c d e", "0 6 31 4 *", "1-2-3 * * * *", "- * * * *", "0 6 * * mo"],
)  # fmt: skip
def test_what_is_no_schedule_says_so(text: str) -> None:
    with pytest.raises(ScheduleError):
        parse_schedule(text)


@given(st.text(max_size=30))
def test_no_text_makes_the_schedule_reader_stumble(text: str) -> None:
    try:
        parse_schedule(text)
    except ScheduleError:
        return


@pytest.mark.parametrize(
    ("text", "seconds"), [("1 hour", 3600), ("30 minutes", 1800), ("2 days", 172800), ("90 seconds", 90)]
)
def test_a_length_of_time_is_read(text: str, seconds: int) -> None:
    assert parse_duration(text).total_seconds() == seconds
