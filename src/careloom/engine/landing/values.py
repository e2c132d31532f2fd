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

    `link_columns`: the columns that links compare.
    """

    stream: Stream
    timezone: ZoneInfo
    shape: str
    columns: Sequence[tuple[str, Sequence[Sequence[str]], str]]
    link_columns: frozenset[str] = frozenset()

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
            raise Hold("not-a-number", "the record holds a number that is not a number")
        return f"{self.shape}:{hashlib.blake2b(content, digest_size=16).hexdigest()}"

    def values(self, data: Mapping[str, Any], faults: list[Faulty] | None = None) -> dict[str, Any]:
        """Each column's value as JSON for PostgreSQL: exact numbers and times as text. Faulty names the first bad one.

        With `faults`, what cannot be read is put there and left out, where no link depends on its column.
        """
        row: dict[str, Any] = {}
        for name, paths, kind in self.columns:
            try:
                row[name] = self._value(name, paths, kind, data)
            except Faulty as fault:
                if faults is None or name in self.link_columns:
                    raise
                faults.append(fault)
                row[name] = None
        return row

    def _value(self, name: str, paths: Sequence[Sequence[str]], kind: str, data: Mapping[str, Any]) -> Any:
        """The first of the paths that is there and not empty, read as the column's type; None if all are empty."""
        for path in paths:
            value = data.get(path[0]) if len(path) == 1 else _at(data, path)
            if value is not None and value != "":
                return typed(value, kind, name, self.timezone)
        return None


def reader(stream: Stream, timezone: ZoneInfo, link_columns: Iterable[str] = ()) -> ValueReader:
    """The reader of a stream. `link_columns`: columns that links of others compare, beside those of its own."""
    columns = [(column.name, [path.split(".") for path in column.paths], column.type) for column in stream.columns]
    shape = hashlib.blake2b(repr(columns).encode(), digest_size=4).hexdigest()
    own_link_columns = {name for link in stream.links for pairs in (*link.tiers, link.agree) for name, _ in pairs}
    return ValueReader(stream, timezone, shape, columns, frozenset(own_link_columns.union(link_columns)))


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


def typed(value: Any, kind: str, column: str, timezone: ZoneInfo) -> Any:
    """`value` read as a column type. Faulty if it is not of that type."""
    try:
        return _READERS[kind](value, timezone)
    except _NotSo as error:
        raise Faulty(str(error), column, _kind_of(value)) from None


def _kind_of(value: Any) -> str:
    """What a value is, in JSON's words; never the value."""
    if isinstance(value, bool):
        return "boolean"
    kinds: tuple[tuple[type | tuple[type, ...], str], ...] = ((str, "text"), (Mapping, "object"), (list, "list"))
    return next((name for kind, name in kinds if isinstance(value, kind)), "number")


def key_of(stream: Stream, record: Record, timezone: ZoneInfo) -> str:
    """The record's key as its table takes it. Hold where it has none that can be used."""
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
    version = record.gone_at
    if record.data is not None:
        version = stated_version(stream, record.data, timezone, record.observed_at)
    # A clock that runs ahead must not shut out all later changes; one that is ahead by little still tells the order.
    return version if version and not is_ahead(version, record.observed_at) else record.observed_at


def stated_version(
    stream: Stream, data: Mapping[str, Any] | None, timezone: ZoneInfo, seen_at: datetime | None = None
) -> datetime | None:
    """The time of change that a record states; None if it states none. Faulty where it is not a time.

    A time without a zone out of the hour that a clock repeats is the second one if that was before `seen_at`, else the first.
    """
    version = at(data, stream.version) if stream.version and data is not None else None
    if version is None or version == "":
        return None
    first = datetime.fromisoformat(typed(version, "timestamp", stream.version, timezone))
    second = second_of_repeated(version, timezone)
    return second if second and seen_at and second <= seen_at else first


def second_of_repeated(version: Any, timezone: ZoneInfo) -> datetime | None:
    """The later of the two moments that a time without a zone may mean where a clock was set back; None where it means one."""
    try:
        moment = datetime.fromisoformat(version.strip()) if isinstance(version, str) else None
    except ValueError:
        return None
    if moment is None or moment.tzinfo is not None:
        return None
    first, second = (moment.replace(tzinfo=timezone, fold=fold).astimezone(UTC) for fold in (0, 1))
    return second if second > first else None


def is_ahead(version: datetime, seen_at: datetime) -> bool:
    """Whether a record was changed so long after it was seen that the clock which says so must be wrong."""
    return version > seen_at + timedelta(seconds=SKEW)


def shows(
    reader: ValueReader, event_data: Mapping[str, Any], current_data: Mapping[str, Any], seen_at: datetime
) -> bool:
    """Whether what a system shows is what it told, or later: by their versions, or by the columns that both state."""
    if second_of_repeated(at(event_data, reader.stream.version) if reader.stream.version else None, reader.timezone):
        return True  # no one can say which of the two is later: what is shown stays
    versions = [stated_version(reader.stream, data, reader.timezone, seen_at) for data in (event_data, current_data)]
    if versions[0] is not None and versions[1] is not None:
        return versions[1] >= versions[0]
    for name, paths, kind in reader.columns:
        heads = {path[0] for path in paths}
        # An inner list may be shown in another fullness than it was told.
        if kind == "jsonb" or not heads & event_data.keys() or not heads & current_data.keys():
            continue
        column_reader = ValueReader(reader.stream, reader.timezone, reader.shape, [(name, paths, kind)])
        if column_reader.values(event_data) != column_reader.values(current_data):
            return False
    return True


def _has_no_number(value: Any) -> bool:
    """Whether NaN or an infinity is in it, which JSON's writer would make null."""
    if isinstance(value, float):
        return not math.isfinite(value)
    if isinstance(value, Mapping):
        return any(map(_has_no_number, value.values()))
    return isinstance(value, list | tuple) and any(map(_has_no_number, value))


class _NotSo(Exception):
    pass


def _text(value: Any, _zone: ZoneInfo) -> str:
    if type(value) is str and "\0" not in value:
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float | Decimal):
        text = str(value)
        if "\0" in text:
            raise _NotSo("nul-character")
        return text
    raise _NotSo("not-a-text")


def _integer(value: Any, _zone: ZoneInfo) -> int:
    if isinstance(value, str) and re.fullmatch(r"[+-]?\d{1,19}", value.strip()):
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and -_LARGEST <= value < _LARGEST:
        return value
    raise _NotSo("not-an-integer")


def _numeric(value: Any, _zone: ZoneInfo) -> str:
    if isinstance(value, bool) or (isinstance(value, float) and not math.isfinite(value)):
        raise _NotSo("not-a-number")
    text = str(value).strip()
    if not isinstance(value, str | int | float | Decimal) or not _NUMBER.fullmatch(text):
        raise _NotSo("not-a-number")
    try:
        return str(Decimal(text))
    except InvalidOperation:
        raise _NotSo("not-a-number") from None


def _boolean(value: Any, _zone: ZoneInfo) -> bool:
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise _NotSo("not-a-boolean")


def _date(value: Any, _zone: ZoneInfo) -> str:
    if not isinstance(value, str):
        raise _NotSo("not-a-date")
    text = value.strip()
    try:
        # Of a time with a zone its own day stands: a birthday does not move.
        return (datetime.fromisoformat(text).date() if len(text) > _DAY else date.fromisoformat(text)).isoformat()
    except ValueError:
        raise _NotSo("not-a-date") from None


def _timestamp(value: Any, zone: ZoneInfo) -> str:
    if not isinstance(value, str):
        raise _NotSo("not-a-timestamp")
    try:
        moment = datetime.fromisoformat(value.strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC).isoformat()
    except (ValueError, OverflowError):
        raise _NotSo("not-a-timestamp") from None


def _jsonb(value: Any, _zone: ZoneInfo) -> Any:
    return value


_READERS: Mapping[str, Callable[[Any, ZoneInfo], Any]] = {
    "text": _text,
    "integer": _integer,
    "numeric": _numeric,
    "boolean": _boolean,
    "date": _date,
    "timestamp": _timestamp,
    "jsonb": _jsonb,
}
