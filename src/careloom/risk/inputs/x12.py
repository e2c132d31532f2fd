"""X12 837 professional and institutional claims, one transaction (ST to SE) at a time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa

from careloom.core.errors import Hold
from careloom.risk.inputs.lines import BROKEN, LARGEST, HeldInput, Holding, Line, day, line_of, parsers, read

CHUNK = 2**16
BLANK = "\r\n\t \xef\xbb\xbf"
SUPPORTED = {"005010X222A1": "professional", "005010X223A2": "institutional"}
HEADER_ELEMENTS = 16
SERVICE = {"SV1", "SV2"}
THROUGH = {"434", "472"}
DAY = re.compile("[0-9]{8}")
GS_VERSION, CLM_PLACE, DTP_DATES = 8, 5, 3

Segment = list[str]


@dataclass(slots=True, kw_only=True)
class _Transaction:
    """A transaction while its segments come in."""

    position: int
    group: Segment
    segments: list[Segment] = field(default_factory=list)
    size: int = 0


@dataclass(slots=True, kw_only=True)
class _Claim:
    """What hccinfhir's parser leaves out of a claim: its number, its frequency and its header's last day."""

    number: int
    frequency: str | None
    through: str | None = None
    services: int = 0


def read_837(paths: Iterable[Path | str], *, held: list[HeldInput] | None = None) -> pa.RecordBatchReader:
    """The service lines of 837P and 837I files (also gzipped), in the schema SERVICES, with any delimiters.

    A line without a date of its own has the last day of its claim. What cannot be read goes into `held`, with its
    place and reason; without that list it is raised as Hold when the reader comes to it.
    """
    return read(paths, _lines, held)


def _lines(stream: BinaryIO, holding: Holding) -> Iterator[Line]:
    for transaction in _transactions(stream, holding):
        place = f"transaction {transaction.position}"
        try:
            yield from _of_transaction(transaction, place, holding)
        except Hold as fault:
            holding.hold(place, fault.code, str(fault))


# ---------------------------------------------------------------- segments


def _segments(stream: BinaryIO) -> Iterator[Segment]:
    """Each segment as its elements, with components parted by `:`.

    Raises:
        Hold: the file is not X12, or a segment does not end.

    """
    rest, marks = "", None
    while len(rest) <= LARGEST and (chunk := stream.read(CHUNK)):
        text = (rest + chunk.decode("latin-1")).lstrip(BLANK)
        if marks is None and not text.startswith("ISA"[: len(text)]):
            raise Hold("not-x12", "the file does not begin with an ISA segment")
        at = 0
        while (marks := _marks(text, at) or marks) and (end := text.find(marks[2], at)) >= 0:
            yield _elements(text[at:end], marks)
            at = _past_blanks(text, end + 1)
        rest = text[at:]
    if marks is None:
        raise Hold("not-x12", "the file has no whole ISA segment")
    if rest.strip():
        raise Hold("cut-off", "the file ends within a segment")


def _past_blanks(text: str, at: int) -> int:
    while text[at : at + 1] and text[at] in BLANK:
        at += 1
    return at


def _marks(text: str, at: int) -> tuple[str, str, str] | None:
    """The marks between elements, between components and behind segments, if a whole ISA segment begins at `at`."""
    if not text.startswith("ISA", at):
        return None
    between, end = text[at + 3 : at + 4], at
    for _ in range(HEADER_ELEMENTS):
        end = text.find(between, end + 1) if between else -1
        if end < 0:
            return None
    return (between, text[end + 1], text[end + 2]) if len(text) > end + 2 else None


def _elements(text: str, marks: tuple[str, str, str]) -> Segment:
    """The elements, with hccinfhir's own delimiters taken out of what is not a delimiter here."""
    between, within, _ = marks
    elements = text.strip().split(between)
    if (between, within) == ("*", ":"):
        return elements
    cleaned = ["".join(" " if mark in "*~:" and mark not in within else mark for mark in part) for part in elements]
    return [part.replace(within, ":") for part in cleaned]


def _transactions(stream: BinaryIO, holding: Holding) -> Iterator[_Transaction]:
    group: Segment = []
    position, now = 0, None
    try:
        for segment in _segments(stream):
            if segment[0] == "GS":
                group = segment
            if segment[0] == "ST":
                _hold_open(now, holding)
                position += 1
                now = _Transaction(position=position, group=group)
            if now is None:
                continue
            now.size += sum(map(len, segment)) + len(segment)
            if now.size <= LARGEST:
                now.segments.append(segment)
            if segment[0] == "SE":
                yield now
                now = None
    except Hold as fault:
        holding.hold(f"after transaction {position}" if position else "the file", fault.code, str(fault))
    _hold_open(now, holding)


def _hold_open(now: _Transaction | None, holding: Holding) -> None:
    if now is not None:
        holding.hold(f"transaction {now.position}", "cut-off", "the transaction has no end (SE)")


# ---------------------------------------------------------------- claims


def _of_transaction(transaction: _Transaction, place: str, holding: Holding) -> Iterator[Line]:
    _check(transaction)
    claims, owners = _claims(transaction.segments)
    content = "~".join("*".join(segment) for segment in [transaction.group, *transaction.segments]) + "~"
    try:
        found = parsers()[1](content)
    except BROKEN:  # its message would quote the claim
        raise Hold("bad-claim", "the transaction cannot be read as an 837") from None
    if len(found) != len(owners):
        raise Hold("bad-claim", "the transaction has service lines outside of claims")
    for claim in claims:
        if not claim.services:
            holding.hold(f"{place}, claim {claim.number}", "no-services", "the claim has no service line")
    for service, claim in zip(found, owners, strict=True):
        try:
            row = line_of(
                service,
                frequency=claim.frequency,
                source=holding.source,
                position=transaction.position,
                claim=claim.number,
            )
            row["service_date"] = row["service_date"] or day(claim.through)
        except Hold as fault:
            holding.hold(f"{place}, claim {claim.number}", fault.code, str(fault))
            continue
        yield row


def _check(transaction: _Transaction) -> None:
    first, last = transaction.segments[0], transaction.segments[-1]
    if transaction.size > LARGEST:
        raise Hold("too-large", f"the transaction has more than {LARGEST >> 20} MiB")
    if _at(transaction.group, GS_VERSION) not in SUPPORTED:
        raise Hold("unsupported", f"only {' and '.join(SUPPORTED)} are read (837 professional and institutional)")
    if first[2:3] != last[2:3]:
        raise Hold("cut-off", "the transaction begins and ends with different control numbers")


def _claims(segments: list[Segment]) -> tuple[list[_Claim], list[_Claim]]:
    """The claims, and for each service line the claim it belongs to.

    Raises:
        Hold: a service line comes before any claim.

    """
    claims: list[_Claim] = []
    owners: list[_Claim] = []
    for segment in segments:
        if segment[0] == "CLM":
            claims.append(_Claim(number=len(claims) + 1, frequency=_frequency(segment)))
        elif segment[0] in SERVICE and len(segment) > 1:
            if not claims:
                raise Hold("bad-claim", "the transaction has service lines outside of claims")
            claims[-1].services += 1
            owners.append(claims[-1])
        elif segment[0] == "DTP" and claims and not claims[-1].services:
            claims[-1].through = _last_day(segment) or claims[-1].through
    return claims, owners


def _frequency(claim: Segment) -> str | None:
    """The third part of CLM05, behind place of service or type of bill and its qualifier."""
    return _at(_at(claim, CLM_PLACE).split(":"), 2) or None


def _last_day(segment: Segment) -> str | None:
    """The last day of a DTP segment with statement or service dates, as an ISO text."""
    text = _at(segment, DTP_DATES).rpartition("-")[2]
    if _at(segment, 1) not in THROUGH or not DAY.fullmatch(text):
        return None
    return f"{text[:4]}-{text[4:6]}-{text[6:]}"


def _at(parts: Segment, place: int) -> str:
    return parts[place] if len(parts) > place else ""
