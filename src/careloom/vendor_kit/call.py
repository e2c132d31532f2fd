"""One call to a vendor's API, what came back, and what is to be done about it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from careloom.core.errors import Later, RemoteUnavailable
from careloom.vendor_kit import status

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
Check = Callable[[int, object], str]
"""Of the status and the parsed body (None: there was none, or it is not JSON): what is wrong with it, "" if nothing is."""
Reader = Callable[[Iterator[bytes]], object]
"""Reads the body of a success as it comes. NotAnAnswer where it is not what the API gives."""

CHUNK = 64 * 1024
_VERSION = re.compile(r"v\d+(\.\d+)?")


class AnswerLost(Later):
    """A write was sent and its answer never came: it may have been done or not. Look before it is sent again."""


class NotAnAnswer(Exception):
    """What came is not what the API gives; the message says why, in words that quote nothing of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request.

    `body` travels as JSON. `template` is the path without ids, for logs and messages; "" makes it of the path. `limit` is
    the room's name for the rate limit that it counts in; `records` how many it carries.

    `gives` checks a success: whatever it finds wrong makes the answer a lost one. `reader` reads a success as it comes.
    `repeatable`: doing it twice is the same as doing it once; None: a GET is, everything else is not.
    """

    method: Method
    path: str
    query: Mapping[str, str] | Sequence[tuple[str, str]] = ()
    body: object = None
    headers: Mapping[str, str] = field(default_factory=dict)
    template: str = ""
    limit: str = ""
    records: int = 0
    gives: Check | None = None
    reader: Reader | None = None
    repeatable: bool | None = None

    @property
    def may_repeat(self) -> bool:
        """Whether it may be sent again when nobody knows what became of it."""
        return self.method == "GET" if self.repeatable is None else self.repeatable


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back. Header names are lower case.

    `content`: the body as JSON or as the call's reader read it; None where there was none, or it is not JSON. `strange`: why
    this is no answer of the API, "" where it is one. `escapes`: a text in it may hold NUL, which PostgreSQL cannot keep.
    """

    status: int
    headers: Mapping[str, str]
    content: Any = field(default=None, repr=False)
    strange: str = ""
    escapes: bool = False

    @property
    def ok(self) -> bool:
        """2xx."""
        return status.is_success(self.status)

    @property
    def body(self) -> dict[str, Any]:
        """The body where it is a JSON object, else {}."""
        return self.content if isinstance(self.content, dict) else {}

    def text(self, name: str) -> str:
        """A text member of the body, or ""."""
        value = self.body.get(name)
        return value if isinstance(value, str) else ""


@dataclass(slots=True, kw_only=True)
class Trial:
    """What became of a call so far: failures, waits that are none, 429s, new tokens, redirects."""

    failures: int = 0
    rests: int = 0
    throttled: int = 0
    renewals: int = 0
    redirects: int = 0


@dataclass(frozen=True, slots=True)
class Wait:
    """Ask again after so many seconds; a failure, or, where it does not count, a wait that was asked for. A policy admits so many of each."""

    seconds: float
    counts: bool = True


@dataclass(frozen=True, slots=True)
class Renew:
    """Ask again with a new token."""


@dataclass(frozen=True, slots=True)
class Follow:
    """Ask at another path of the same host; it may hold a query."""

    path: str


Step = Wait | Renew | Follow
Handler = Callable[[Call, Answer, Trial], Step | None]
"""What to do about an answer; None: it is the caller's to read. Raises where neither would help."""


def path_template(path: str) -> str:
    """A path for logs and messages: without its query, and without whatever holds a digit but a version (v1)."""
    parts = path.partition("?")[0].split("/")
    return "/".join("{id}" if _is_id(part) else part for part in parts)


def _is_id(part: str) -> bool:
    return any(letter.isdigit() for letter in part) and not _VERSION.fullmatch(part)


def json_object(status_code: int, content: object) -> str:
    """A `Check`: 200 or 201 with a JSON object."""
    if status_code not in {status.OK, status.CREATED}:
        return "a success that the API never gives"
    return "" if isinstance(content, dict) else "a body that is not a JSON object"


def no_answer(name: str, subject: str) -> RemoteUnavailable:
    """What came in the place of `subject` is not what the API gives, so nothing is known: not even that it is absent."""
    return RemoteUnavailable(
        f"{name}'s answer for {subject} is not what its API gives, and nothing is made of it: run again later; "
        "if that stays so, check base_url",
        after=60.0,
    )


def holds_nul(value: Any) -> bool:
    """Whether a text anywhere in parsed JSON holds NUL."""
    waiting: list[Any] = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            waiting += _both(item)
        elif isinstance(item, list):
            waiting += item
        elif isinstance(item, str) and "\0" in item:
            return True
    return False


def _both(item: Mapping[str, Any]) -> Iterable[Any]:
    return [*item.keys(), *item.values()]
