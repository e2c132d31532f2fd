"""What a property admits: each definition is compiled once into a rule that turns a given value into the stored text."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

from careloom.systems.hubspot.simulator.settings import (
    DATE_TEXT,
    MOST_CHARACTERS,
    NUMBER_CODE,
    NUMBER_TEXT,
    TOO_LONG_CODE,
    TOO_LONG_TEXT,
)

Rule = Callable[[str], str]

_DAY_MS = 86_400_000
_MAIL = re.compile(r"[^@\s,;<>()\"]+@[^@\s,;<>()\"]+\.[^@\s.,;<>()\"]{2,}")
_NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?")
_WHOLE = re.compile(r"-?\d{1,17}")


class BadValueError(Exception):
    """A value that its property does not admit."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code)
        self.code = code
        self.message = message


def as_text(value: Any) -> str:
    """A JSON value in the text form in which every property is stored; null clears, as "" does."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def text(value: str) -> str:
    """Any text; its length is checked by the caller, who knows the property's name."""
    return value


def check_length(name: str, value: str) -> None:
    """BadValueError where a text is longer than any property may be."""
    if len(value) > MOST_CHARACTERS:
        raise BadValueError(TOO_LONG_CODE, TOO_LONG_TEXT.format(name=name))


def mail(value: str) -> str:
    """A mail address, trimmed and in lower case."""
    value = value.strip().lower()
    if value and not _MAIL.fullmatch(value):
        raise BadValueError("INVALID_EMAIL", f"Email address {value} is invalid")
    return value


def number(value: str) -> str:
    """A decimal number, kept as it was written."""
    if value and not _NUMBER.fullmatch(value):
        raise BadValueError(NUMBER_CODE, NUMBER_TEXT.format(value=value))
    return value


def day(value: str) -> str:
    """YYYY-MM-DD, or midnight UTC in milliseconds since 1970."""
    if not value:
        return value
    if _WHOLE.fullmatch(value):
        return _day_of(int(value))
    try:
        if len(value) == len("2026-01-01"):
            return date.fromisoformat(value).isoformat()
        return _day_of(instant_ms(value))
    except ValueError:
        raise BadValueError("INVALID_DATE", DATE_TEXT.format(value=value)) from None


def _day_of(milliseconds: int) -> str:
    remainder = milliseconds % _DAY_MS
    if remainder:
        seconds, ms = divmod(remainder, 1000)
        clock = f"{seconds // 3600}:{seconds // 60 % 60}:{seconds % 60}.{ms}"
        raise BadValueError("INVALID_DATE", f"{milliseconds} is at {clock} UTC, not midnight!")
    return datetime.fromtimestamp(milliseconds / 1000, UTC).date().isoformat()


@lru_cache(maxsize=1 << 16)
def instant(value: str) -> str:
    """An instant, as ISO 8601 or milliseconds since 1970; stored as ISO 8601 in UTC."""
    if not value:
        return value
    try:
        return iso(instant_ms(value))
    except (ValueError, OverflowError, OSError):
        raise BadValueError("INVALID_LONG", f"{value} was not a valid long.") from None


@lru_cache(maxsize=1 << 18)
def instant_ms(value: str) -> int:
    """Milliseconds since 1970 of an instant or a day; ValueError if `value` is neither."""
    if _WHOLE.fullmatch(value):
        return int(value)
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1000)


@lru_cache(maxsize=1 << 16)
def iso(milliseconds: int) -> str:
    """ISO 8601 in UTC, with milliseconds only where there are any."""
    seconds, milliseconds_ = divmod(milliseconds, 1000)
    text_of = datetime.fromtimestamp(seconds, UTC).isoformat()[: len("2026-01-01T00:00:00")]
    return f"{text_of}.{milliseconds_:03d}Z" if milliseconds_ else f"{text_of}Z"


def one_of(options: tuple[str, ...]) -> Rule:
    """A rule that admits exactly these values."""
    values = frozenset(options) | {""}
    value_list = ", ".join(options)

    def rule(value: str) -> str:
        if value not in values:
            raise BadValueError("INVALID_OPTION", f"{value} was not one of the allowed options: [{value_list}]")
        return value

    return rule


def some_of(options: tuple[str, ...]) -> Rule:
    """A rule that admits any of these values joined by ";"; a leading ";" (append) is kept for the writer."""
    single = one_of(options)

    def rule(value: str) -> str:
        parts = [single(part) for part in value.split(";") if part]
        return (";" if value.startswith(";") else "") + ";".join(parts)

    return rule


def truth(value: str) -> str:
    """Either true or false, in lower case."""
    value = value.lower()
    if value not in {"true", "false", ""}:
        raise BadValueError("INVALID_OPTION", f"{value} was not one of the allowed options: [true, false]")
    return value


def read_only(name: str) -> Rule:
    """A rule that admits nothing."""

    def rule(_value: str) -> str:
        raise BadValueError("READ_ONLY_VALUE", f'"{name}" is a read only property; its value cannot be set.')

    return rule
