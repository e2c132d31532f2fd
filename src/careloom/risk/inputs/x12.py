"""X12 837 files, read into transactions (ST to SE) of segments, with any delimiters; what is in them is `x12_claims`'s."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa

from careloom.core.errors import Hold
from careloom.risk.inputs.lines import LARGEST, Holding, Keeping, Line, read
from careloom.risk.inputs.x12_claims import PART, SUPPORTED, Segment, element, lines_of

CHUNK = 2**16
BLANK = "\r\n\t \xef\xbb\xbf"
HEADER_ELEMENTS = 16
MARKS = 3
GS_VERSION = 8


@dataclass(slots=True, kw_only=True)
class _Transaction:
    """A transaction while its segments come in."""

    position: int
    version: str
    segments: list[Segment] = field(default_factory=list)
    size: int = 0


def read_837(paths: Iterable[Path | str], *, held: Keeping | None = None) -> pa.RecordBatchReader:
    """The service lines of 837P and 837I files (also gzipped), in the schema SERVICES, with any delimiters.

    A line without a date of its own has the last day of its claim. What cannot be read goes into `held`, with its
    place and reason; without that list it is raised as Hold when the reader comes to it.
    """
    return read(paths, _lines, held)


def _lines(stream: BinaryIO, holding: Holding) -> Iterator[Line]:
    for transaction in _transactions(stream, holding):
        place = f"transaction {transaction.position}"
        try:
            _check(transaction)
        except Hold as fault:
            holding.hold(place, fault.code, str(fault))
            continue
        yield from lines_of(transaction.segments, transaction.version, transaction.position, holding)


def _segments(stream: BinaryIO) -> Iterator[Segment]:
    """Each segment as its elements, with components parted by PART.

    Raises:
        Hold: the file is not X12, or a segment does not end.

    """
    remainder, marks = "", None
    while len(remainder) <= LARGEST and (chunk := stream.read(CHUNK)):
        text = (remainder + chunk.decode("latin-1")).lstrip(BLANK)
        if marks is None and not text.startswith("ISA"[: len(text)]):
            raise Hold("not-x12", "the file does not begin with an ISA segment")
        start = 0
        while (marks := _marks(text, start) or marks) and (end := text.find(marks[2], start)) >= 0:
            if text.startswith("ISA", start) and _marks(text, start) is None:
                break  # the rest of a header that may have other marks
            yield _elements(text[start:end], marks)
            start = _past_blanks(text, end + 1)
        remainder = text[start:]
    if marks is None:
        raise Hold("not-x12", "the file has no whole ISA segment")
    if remainder.strip():
        raise Hold("cut-off", "the file ends within a segment")


def _past_blanks(text: str, start: int) -> int:
    while text[start : start + 1] and text[start] in BLANK:
        start += 1
    return start


def _marks(text: str, start: int) -> tuple[str, ...] | None:
    """The marks between elements, between components and behind segments, if a whole ISA segment begins at `start`.

    Raises:
        Hold: it has too few elements, so that a letter would be a mark.

    """
    if not text.startswith("ISA", start):
        return None
    between, end = text[start + 3 : start + 4], start
    for _ in range(HEADER_ELEMENTS):
        end = text.find(between, end + 1) if between else -1
        if end < 0:
            return None
    marks = (between, *text[end + 1 : end + 3])
    if len(marks) < MARKS:
        return None
    if any(mark.isalnum() for mark in marks) or len(set(marks)) < MARKS:
        raise Hold("not-x12", "an ISA segment is damaged, so nothing behind it can be read")
    return marks


def _elements(text: str, marks: tuple[str, ...]) -> Segment:
    between, component_mark, _ = marks
    name, *elements = text.strip().split(between)
    return [name.upper(), *(part.replace(component_mark, PART) for part in elements)]


def _transactions(stream: BinaryIO, holding: Holding) -> Iterator[_Transaction]:
    version, position, current = "", 0, None
    try:
        for segment in _segments(stream):
            if segment[0] in {"ISA", "GS", "GE", "IEA"}:
                version = element(segment, GS_VERSION) if segment[0] == "GS" else ""
            if segment[0] in {"ISA", "GS", "GE", "IEA", "ST"}:
                _hold_open(current, holding)
                current = None
            if segment[0] == "ST":
                position += 1
                current = _Transaction(position=position, version=version)
            if current is None:
                _hold_stray(segment, position, holding)
                continue
            current.size += sum(map(len, segment)) + len(segment)
            if current.size <= LARGEST:
                current.segments.append(segment)
            if segment[0] == "SE":
                yield current
                current = None
    except Hold as fault:
        holding.hold(f"after transaction {position}" if position else "the file", fault.code, str(fault))
    _hold_open(current, holding)


def _hold_stray(segment: Segment, position: int, holding: Holding) -> None:
    if segment[0] == "CLM":
        place = f"after transaction {position}" if position else "the file"
        holding.hold(place, "bad-claim", "a claim is outside of any transaction (ST to SE)")


def _hold_open(current: _Transaction | None, holding: Holding) -> None:
    if current is not None:
        holding.hold(f"transaction {current.position}", "cut-off", "the transaction has no end (SE)")


def _check(transaction: _Transaction) -> None:
    first, last = transaction.segments[0], transaction.segments[-1]
    if transaction.size > LARGEST:
        raise Hold("too-large", f"the transaction has more than {LARGEST >> 20} MiB")
    if transaction.version not in SUPPORTED:
        raise Hold("unsupported", f"only {' and '.join(SUPPORTED)} are read (837 professional and institutional)")
    if element(first, 1) != "837":
        raise Hold("unsupported", "the transaction is no 837")
    if first[2:3] != last[2:3]:
        raise Hold("cut-off", "the transaction begins and ends with different control numbers")
