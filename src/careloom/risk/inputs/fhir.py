"""FHIR ExplanationOfBenefit: bundles, single resources and NDJSON exports; what a claim says is `fhir_claims`'s."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa

from careloom.core.errors import Hold
from careloom.core.strict_json import strict_json
from careloom.risk.inputs.fhir_claims import lines_of
from careloom.risk.inputs.fhir_people import Namespaces
from careloom.risk.inputs.fhir_shapes import not_fhir, text_at
from careloom.risk.inputs.lines import LARGEST, Holding, Keeping, Line, read

MARK = b"\xef\xbb\xbf"
LINED = (".ndjson", ".jsonl")
CLAIM = "ExplanationOfBenefit"
FAILED = "OperationOutcome"
BROKEN = (ValueError, TypeError, AttributeError, LookupError, RecursionError)
"""What a claim of an odd shape could still raise; its message would quote the claim."""


def read_fhir(paths: Iterable[Path | str], *, held: Keeping | None = None) -> pa.RecordBatchReader:
    """The service lines of bundles, resources and NDJSON files (each also gzipped), in the schema SERVICES.

    Other resources than claims pass by. What cannot be read goes into `held`, with its place and reason; without that
    list it is raised as Hold when the reader comes to it.
    """
    return read(paths, partial(_resources, spaces=Namespaces()), held)


def _resources(stream: BinaryIO, holding: Holding, spaces: Namespaces) -> Iterator[Line]:
    texts = _by_line(stream) if holding.source.removesuffix(".gz").lower().endswith(LINED) else _whole_or_lined(stream)
    position = 0
    for position, text in enumerate((text for text in texts if text.strip()), 1):
        yield from _claims(text.removeprefix(MARK), position, holding, spaces)
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


def _claims(text: bytes, position: int, holding: Holding, spaces: Namespaces) -> Iterator[Line]:
    place = f"resource {position}"
    if len(text) > LARGEST:
        holding.hold(place, "too-large", f"it has more than {LARGEST >> 20} MiB; export it as NDJSON")
        return
    try:
        value = strict_json(text)
    except Hold as fault:
        holding.hold(place, fault.code, str(fault))
        return
    entries = _entries(value)
    patients = _patients(entries)
    for number, entry in enumerate(entries, 1):
        inside = f"{place}, entry {number}" if entry is not value else place
        resource = entry.get("resource") if entry is not value and isinstance(entry, dict) else entry
        try:
            lines = _lines(resource, entry if entry is not value else None, patients, spaces)
        except Hold as fault:
            holding.hold(inside, fault.code, str(fault))
            continue
        for line in lines:
            yield {**line, "source": holding.source, "position": position, "claim": number}


def _entries(value: Any) -> list[Any]:
    """The entries of a bundle, with those of bundles in it; of anything else, itself."""
    if not isinstance(value, dict) or value.get("resourceType") != "Bundle":
        return [value]
    entries = value.get("entry") or []
    if not isinstance(entries, list):
        return [None]
    return [
        inner
        for entry in entries
        for inner in (
            _entries(entry["resource"]) if _is_bundle(entry) else [entry if isinstance(entry, dict) else None]
        )
    ]


def _is_bundle(entry: Any) -> bool:
    resource = entry.get("resource") if isinstance(entry, dict) else None
    return isinstance(resource, dict) and resource.get("resourceType") == "Bundle"


def _patients(entries: list[Any]) -> dict[str, Any]:
    """The bundle's Patient resources by their full address; nothing under one that several have."""
    patients: dict[str, Any] = {}
    for entry in entries:
        resource = entry.get("resource") if isinstance(entry, dict) else None
        address = entry.get("fullUrl") if isinstance(entry, dict) else None
        if isinstance(resource, dict) and resource.get("resourceType") == "Patient" and isinstance(address, str):
            patients[address] = resource if patients.get(address, resource) == resource else None
    return patients


def _lines(
    resource: Any, entry: Mapping[str, Any] | None, patients: Mapping[str, Any], spaces: Namespaces
) -> list[Line]:
    kind = resource.get("resourceType") if isinstance(resource, dict) else None
    if kind == FAILED:
        raise Hold("refused", "the server put an error there in place of a claim; export it again")
    if not isinstance(kind, str):
        if resource is None and entry is not None and _deletes(entry):
            raise Hold("deleted", "the bundle deletes a resource there; a claim of that id in other files still counts")
        raise Hold("not-fhir", "there is no FHIR resource")
    if kind != CLAIM:
        return []
    try:
        return list(lines_of(resource, patients, spaces))
    except BROKEN:
        raise not_fhir() from None


def _deletes(entry: Mapping[str, Any]) -> bool:
    request = entry.get("request")
    return isinstance(request, dict) and (text_at(request, "method") or "").upper() == "DELETE"
