"""FHIR ExplanationOfBenefit: bundles, single resources and NDJSON exports."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa

from careloom.core.errors import Hold
from careloom.core.strict_json import strict_json
from careloom.risk.inputs.lines import BROKEN, LARGEST, HeldInput, Holding, Line, line_of, parsers, read

MARK = b"\xef\xbb\xbf"
LINED = (".ndjson", ".jsonl")
CLAIM = "ExplanationOfBenefit"
FAILED = "OperationOutcome"


def read_fhir(paths: Iterable[Path | str], *, held: list[HeldInput] | None = None) -> pa.RecordBatchReader:
    """The service lines of bundles, resources and NDJSON files (each also gzipped), in the schema SERVICES.

    Other resources than claims pass by. What cannot be read goes into `held`, with its place and reason; without that
    list it is raised as Hold when the reader comes to it.
    """
    return read(paths, _resources, held)


def _resources(stream: BinaryIO, holding: Holding) -> Iterator[Line]:
    texts = _by_line(stream) if holding.source.removesuffix(".gz").endswith(LINED) else _whole_or_lined(stream)
    position = 0
    for position, text in enumerate((text for text in texts if text.strip()), 1):
        yield from _claims(text.removeprefix(MARK), position, holding)
    if not position:
        holding.hold("the file", "empty", "there is nothing in it; export it again")


def _by_line(stream: BinaryIO) -> Iterator[bytes]:
    return iter(lambda: stream.readline(LARGEST + 1), b"")


def _whole_or_lined(stream: BinaryIO) -> Iterator[bytes]:
    """By line, where the first line is a whole object; else the text, or the first part of one that is too large."""
    first = stream.readline(LARGEST + 1)
    if first.removeprefix(MARK).lstrip()[:1] == b"{" and first.rstrip()[-1:] == b"}":
        yield first
        yield from _by_line(stream)
    else:
        yield first + stream.read(max(LARGEST + 1 - len(first), 0))


def _claims(text: bytes, position: int, holding: Holding) -> Iterator[Line]:
    place = f"resource {position}"
    if len(text) > LARGEST:
        holding.hold(place, "too-large", f"it has more than {LARGEST >> 20} MiB; export it as NDJSON")
        return
    try:
        value = strict_json(text)
    except Hold as fault:
        holding.hold(place, fault.code, str(fault))
        return
    for number, resource in enumerate(_entries(value), 1):
        inside = f"{place}, entry {number}" if resource is not value else place
        yield from _lines(resource, position, number, inside, holding)


def _entries(value: Any) -> list[Any]:
    """The resources of a bundle; of anything else, itself."""
    if not isinstance(value, dict) or value.get("resourceType") != "Bundle":
        return [value]
    entries = value.get("entry") or []
    if not isinstance(entries, list):
        return [None]
    return [entry.get("resource") if isinstance(entry, dict) else None for entry in entries]


def _lines(resource: Any, position: int, number: int, place: str, holding: Holding) -> Iterator[Line]:
    kind = resource.get("resourceType") if isinstance(resource, dict) else None
    if kind == FAILED:
        holding.hold(place, "refused", "the server put an error there in place of a claim; export it again")
    elif not isinstance(kind, str):
        holding.hold(place, "not-fhir", "there is no FHIR resource")
    elif kind == CLAIM:
        try:
            yield from _of_claim(resource, source=holding.source, position=position, claim=number)
        except Hold as fault:
            holding.hold(place, fault.code, str(fault))


def _of_claim(resource: dict[str, Any], **where: Any) -> list[Line]:
    status = resource.get("status")
    if not isinstance(status, str | None):
        raise Hold("bad-claim", "the claim is not an ExplanationOfBenefit as FHIR R4 has it")
    try:
        found = parsers()[0](resource)
    except BROKEN:  # its message would quote the claim
        raise Hold("bad-claim", "the claim is not an ExplanationOfBenefit as FHIR R4 has it") from None
    return [line_of(service, status=status, **where) for service in found]
