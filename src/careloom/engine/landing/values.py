"""From a record to the row that its table takes: paths followed, types read, or the reason why the record must wait."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from careloom.core.errors import Hold
from careloom.core.streams import SKEW, Record, Stream

CODES = (
    "no-key",
    "not-a-date",
    "not-a-timestamp",
    "not-a-number",
    "not-an-integer",
    "not-a-boolean",
    "not-a-text",
    "nul-character",
    "not-storable",
)
"""Why a record is held before it is landed; the message names the column, never the value."""

_LARGEST = 2**63
_DAY = len("2026-11-21")
_TRUE, _FALSE = {"true", "t", "yes", "y", "1"}, {"false", "f", "no", "n", "0"}
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_MOST = 500
"""Characters of a key: what the store's indexes take, with room to spare."""
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?")


class Faulty(Hold):
    """One value cannot be read; `column` is where it should have gone, `kind` what it is instead: text, number, object and so on."""

    def __init__(self, code: str, column: str, kind: str = "") -> None:
        super().__init__(code, f"the value for {column} is {code.replace('-', ' ')}")
        self.column = column
        self.kind = kind


@dataclass(frozen=True, slots=True)
class ValueReader:
    """How the records of one stream are read; made once for many of them. `timezone` is that of times without one.

    `needed`: the columns that links compare.
    """

    stream: Stream
    timezone: ZoneInfo
    shape: str
    columns: Sequence[tuple[str, Sequence[Sequence[str]], str]]
    needed: frozenset[str] = frozenset()

    def fingerprint(self, data: Mapping[str, Any]) -> str:
        """SHAPE:CONTENT, 8 hex digits that name the stream's columns and 32 that name the record, whatever its keys' order."""
        try:
            content = orjson.dumps(data, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
        except (TypeError, ValueError):
            raise Hold("not-storable", "the record holds what no JSON text can") from None
        if b"\\u0000" in content and _NUL.search(content):
            raise Hold("nul-character", "the record holds a NUL character, which the store cannot keep")
        # JSON has null for them. What comes back as it went holds none, and that is quicker to see than to look for.
        if b"null" in content and orjson.loads(content) != data and _has_no_number(data):
            raise Hold("not-a-number", "the record holds a number that is none")
        return f"{self.shape}:{hashlib.blake2b(content, digest_size=16).hexdigest()}"

    def values(self, data: Mapping[str, Any], drifted: list[Faulty] | None = None) -> dict[str, Any]:
        """Each column's value as JSON for PostgreSQL: exact numbers and times as text. Faulty names the first bad one.

        With `drifted`, what cannot be read is put there and left out, where no link depends on its column.
        """
        found: dict[str, Any] = {}
        for name, paths, kind in self.columns:
            try:
                found[name] = self._value(name, paths, kind, data)
            except Faulty as fault:
                if drifted is None or name in self.needed:
                    raise
                drifted.append(fault)
                found[name] = None
        return found

    def _value(self, name: str, paths: Sequence[Sequence[str]], kind: str, data: Mapping[str, Any]) -> Any:
        """The first of the paths that is there and not empty, read as the column's type; None if all are empty."""
        for path in paths:
            found = data.get(path[0]) if len(path) == 1 else _at(data, path)
            if found is not None and found != "":
                return typed(found, kind, name, self.timezone)
        return None


def reader(stream: Stream, timezone: ZoneInfo, needed: Iterable[str] = ()) -> ValueReader:
    """The reader of a stream. `needed`: columns that links of others compare, beside those of its own."""
    columns = [(one.name, [path.split(".") for path in one.paths], one.type) for one in stream.columns]
    shape = hashlib.blake2b(repr(columns).encode(), digest_size=4).hexdigest()
    compared = {own for link in stream.links for pairs in (*link.tiers, link.agree) for own, _ in pairs}
    return ValueReader(stream, timezone, shape, columns, frozenset(compared.union(needed)))


def at(data: Any, path: str) -> Any:
    """What stands at a dotted path; None where there is nothing. A number steps into a list."""
    return _at(data, path.split("."))


def _at(data: Any, path: Sequence[str]) -> Any:
    for step in path:
        if isinstance(data, Mapping):
            data = data.get(step)
        elif isinstance(data, list) and step.isdecimal() and int(step) < len(data):
            data = data[int(step)]
        else:
            return None
    return data


def typed(found: Any, kind: str, column: str, timezone: ZoneInfo) -> Any:
    """`found` read as a column type. Faulty if it is none."""
    try:
        return _READERS[kind](found, timezone)
    except _NotSo as error:
        raise Faulty(str(error), column, _kind_of(found)) from None


def _kind_of(found: Any) -> str:
    """What a value is, in JSON's words; never the value."""
    if isinstance(found, bool):
        return "boolean"
    kinds: tuple[tuple[type | tuple[type, ...], str], ...] = ((str, "text"), (Mapping, "object"), (list, "list"))
    return next((name for kind, name in kinds if isinstance(found, kind)), "number")


def key_of(stream: Stream, record: Record, timezone: ZoneInfo) -> str:
    """The record's key as its table takes it. Hold where it is none."""
    if not record.key:
        raise Hold("no-key", "the record has no key")
    if len(record.key) > _MOST:
        raise Hold("no-key", f"the record's key has more than {_MOST} characters")
    try:
        key = str(typed(record.key, stream.key_type, stream.key_column, timezone))
        key.encode()
    except (Faulty, UnicodeEncodeError):
        raise Hold("no-key", f"the record's key is no {stream.key_type}") from None
    return key


def version_of(stream: Stream, record: Record, timezone: ZoneInfo) -> datetime:
    """The time of the record's change; the moment at which it was read where the source states none."""
    stated = record.gone_at
    if record.data is not None:
        stated = stated_version(stream, record.data, timezone, record.observed_at)
    # A clock that runs ahead must not shut out all later changes; one that is ahead by little still tells the order.
    return stated if stated and not is_ahead(stated, record.observed_at) else record.observed_at


def stated_version(
    stream: Stream, data: Mapping[str, Any] | None, timezone: ZoneInfo, seen_at: datetime | None = None
) -> datetime | None:
    """The time of change that a record states; None if it states none. Faulty where it is no time.

    A time without a zone out of the hour that a clock repeats is the second one if that was before `seen_at`, else the first.
    """
    stated = at(data, stream.version) if stream.version and data is not None else None
    if stated is None or stated == "":
        return None
    first = datetime.fromisoformat(typed(stated, "timestamp", stream.version, timezone))
    second = second_of_repeated(stated, timezone)
    return second if second and seen_at and second <= seen_at else first


def second_of_repeated(stated: Any, timezone: ZoneInfo) -> datetime | None:
    """The later of the two moments that a time without a zone may mean where a clock was set back; None where it means one."""
    try:
        moment = datetime.fromisoformat(stated.strip()) if isinstance(stated, str) else None
    except ValueError:
        return None
    if moment is None or moment.tzinfo is not None:
        return None
    first, second = (moment.replace(tzinfo=timezone, fold=fold).astimezone(UTC) for fold in (0, 1))
    return second if second > first else None


def is_ahead(stated: datetime, seen_at: datetime) -> bool:
    """Whether a record was changed so long after it was seen that the clock which says so must be wrong."""
    return stated > seen_at + timedelta(seconds=SKEW)


def shows(by: ValueReader, told: Mapping[str, Any], shown: Mapping[str, Any], seen_at: datetime) -> bool:
    """Whether what a system shows is what it told, or later: by their versions, or by the columns that both state."""
    if second_of_repeated(at(told, by.stream.version) if by.stream.version else None, by.timezone):
        return True  # which of the two is the later one nobody can tell: what is shown stands
    versions = [stated_version(by.stream, data, by.timezone, seen_at) for data in (told, shown)]
    if versions[0] is not None and versions[1] is not None:
        return versions[1] >= versions[0]
    for name, paths, kind in by.columns:
        heads = {path[0] for path in paths}
        # An inner list may be shown in another fullness than it was told.
        if kind == "jsonb" or not heads & told.keys() or not heads & shown.keys():
            continue
        one = ValueReader(by.stream, by.timezone, by.shape, [(name, paths, kind)])
        if one.values(told) != one.values(shown):
            return False
    return True


def _has_no_number(found: Any) -> bool:
    """Whether NaN or an infinity is in it, which JSON's writer would make null."""
    if isinstance(found, float):
        return not math.isfinite(found)
    if isinstance(found, Mapping):
        return any(map(_has_no_number, found.values()))
    return isinstance(found, list | tuple) and any(map(_has_no_number, found))


class _NotSo(Exception):
    pass


def _text(found: Any, _zone: ZoneInfo) -> str:
    if type(found) is str and "\0" not in found:
        return found
    if isinstance(found, bool):
        return "true" if found else "false"
    if isinstance(found, str | int | float | Decimal):
        text = str(found)
        if "\0" in text:
            raise _NotSo("nul-character")
        return text
    raise _NotSo("not-a-text")


def _integer(found: Any, _zone: ZoneInfo) -> int:
    if isinstance(found, str) and re.fullmatch(r"[+-]?\d{1,19}", found.strip()):
        found = int(found)
    if isinstance(found, float) and found.is_integer():
        found = int(found)
    if isinstance(found, int) and not isinstance(found, bool) and -_LARGEST <= found < _LARGEST:
        return found
    raise _NotSo("not-an-integer")


def _numeric(found: Any, _zone: ZoneInfo) -> str:
    if isinstance(found, bool) or (isinstance(found, float) and not math.isfinite(found)):
        raise _NotSo("not-a-number")
    text = str(found).strip()
    if not isinstance(found, str | int | float | Decimal) or not _NUMBER.fullmatch(text):
        raise _NotSo("not-a-number")
    try:
        return str(Decimal(text))
    except InvalidOperation:
        raise _NotSo("not-a-number") from None


def _boolean(found: Any, _zone: ZoneInfo) -> bool:
    if isinstance(found, bool):
        return found
    text = str(found).strip().lower()
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise _NotSo("not-a-boolean")


def _date(found: Any, _zone: ZoneInfo) -> str:
    if not isinstance(found, str):
        raise _NotSo("not-a-date")
    text = found.strip()
    try:
        # Of a time with a zone its own day stands: a birthday does not move.
        return (datetime.fromisoformat(text).date() if len(text) > _DAY else date.fromisoformat(text)).isoformat()
    except ValueError:
        raise _NotSo("not-a-date") from None


def _timestamp(found: Any, zone: ZoneInfo) -> str:
    if not isinstance(found, str):
        raise _NotSo("not-a-timestamp")
    try:
        moment = datetime.fromisoformat(found.strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC).isoformat()
    except (ValueError, OverflowError):
        raise _NotSo("not-a-timestamp") from None


def _jsonb(found: Any, _zone: ZoneInfo) -> Any:
    return found


_READERS: Mapping[str, Callable[[Any, ZoneInfo], Any]] = {
    "text": _text,
    "integer": _integer,
    "numeric": _numeric,
    "boolean": _boolean,
    "date": _date,
    "timestamp": _timestamp,
    "jsonb": _jsonb,
}
