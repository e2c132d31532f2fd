"""What a service line is, whatever brought it; and what becomes of a claim that cannot be read."""

from __future__ import annotations

import gzip
import warnings
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, cast

import pyarrow as pa

from careloom.core.errors import Fix, Hold

SERVICES = pa.schema(
    [
        ("person_id", pa.string()),
        ("claim_id", pa.string()),
        ("claim_type", pa.string()),
        ("facility_type", pa.string()),
        ("service_type", pa.string()),
        ("type_of_bill", pa.string()),
        ("frequency", pa.string()),
        ("status", pa.string()),
        ("procedure_code", pa.string()),
        ("modifiers", pa.list_(pa.string())),
        ("ndc", pa.string()),
        ("place_of_service", pa.string()),
        ("provider_specialty", pa.string()),
        ("service_date", pa.date32()),
        ("diagnosis_codes", pa.list_(pa.string())),
        ("linked_diagnosis_codes", pa.list_(pa.string())),
        ("source", pa.string()),
        ("position", pa.int64()),
        ("claim", pa.int64()),
    ]
)
"""A service line. `diagnosis_codes` are all of its claim; `position` counts a file's resources or transactions from 1,
`claim` the claims in it; `frequency` is a bill's third digit (8 is a void), `status` that of a FHIR claim."""

BATCH = 4096
LARGEST = 64 * 2**20
"""Bytes that one resource or one X12 transaction may have; what is larger is held, so that memory stays bounded."""
BROKEN = (ValueError, TypeError, AttributeError, LookupError, RecursionError)
"""What hccinfhir's parsers raise on a claim they cannot read."""

Line = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldInput:
    """A file, or a claim in it, that was not read; `reason` and `place` never quote it."""

    source: str
    place: str
    code: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """Where the held of one reading go: into `held`, or, where nobody asked for them, out as an error."""

    source: str
    held: list[HeldInput] | None

    def hold(self, place: str, code: str, reason: str) -> None:
        """Keep it.

        Raises:
            Hold: there is no list to keep it in.

        """
        if self.held is None:
            raise Hold(code, f"{self.source}, {place}: {reason}")
        self.held.append(HeldInput(source=self.source, place=place, code=code, reason=reason))


Reading = Callable[[BinaryIO, Holding], Iterator[Line]]


def read(paths: Iterable[Path | str], reading: Reading, held: list[HeldInput] | None) -> pa.RecordBatchReader:
    """The service lines of all files, file by file and only as they are asked for."""
    lines = (line for path in paths for line in _of_file(Path(path), reading, held))
    return pa.RecordBatchReader.from_batches(SERVICES, _batches(lines))


def _batches(lines: Iterator[Line]) -> Iterator[pa.RecordBatch]:
    while chunk := list(islice(lines, BATCH)):
        yield pa.RecordBatch.from_pylist(chunk, schema=SERVICES)


def _of_file(path: Path, reading: Reading, held: list[HeldInput] | None) -> Iterator[Line]:
    holding = Holding(source=str(path), held=held)
    try:
        with _opened(path) as stream:
            yield from reading(stream, holding)
    except (OSError, EOFError, zlib.error) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else "it is damaged"
        holding.hold("the file", "unreadable", f"the file cannot be read to its end: {why}")


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    with path.open("rb") as plain:
        if path.suffix != ".gz":
            yield plain
            return
        with gzip.open(plain) as unpacked:
            yield cast("BinaryIO", unpacked)


def line_of(found: Any, **more: Any) -> Line:
    """A row of SERVICES from what hccinfhir's parsers give.

    Raises:
        Hold: it names no person, or a date that no calendar has.

    """
    if not found.patient_id:
        raise Hold("no-person", "the claim does not say whose it is")
    kind = (found.facility_type, found.service_type)
    return {
        "person_id": found.patient_id,
        "claim_id": found.claim_id,
        "claim_type": found.claim_type,
        "facility_type": found.facility_type,
        "service_type": found.service_type,
        "type_of_bill": None if None in kind else f"{kind[0]}{kind[1]}X",
        "procedure_code": found.procedure_code,
        "modifiers": found.modifiers,
        "ndc": found.ndc,
        "place_of_service": found.place_of_service,
        "provider_specialty": found.provider_specialty,
        "service_date": day(found.service_date),
        "diagnosis_codes": found.claim_diagnosis_codes,
        "linked_diagnosis_codes": found.linked_diagnosis_codes,
        **{name: value for name, value in more.items() if value is not None},
    }


def day(text: str | None) -> date | None:
    """The date of an ISO text.

    Raises:
        Hold: there is no such day.

    """
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise Hold("bad-date", "the claim has a service date that no calendar has") from None


@lru_cache(maxsize=1)
def parsers() -> tuple[Callable[[Any], list[Any]], Callable[[str], list[Any]]]:
    """The parsers of hccinfhir, of one FHIR claim and of one X12 transaction.

    Raises:
        Fix: hccinfhir is not installed.

    """
    try:
        with warnings.catch_warnings():  # it opens its own files in a way that Python calls deprecated
            warnings.simplefilter("ignore", DeprecationWarning)
            from hccinfhir.extractor_837 import extract_sld_837  # type: ignore[import-untyped]  # noqa: PLC0415 optional dependency
            from hccinfhir.extractor_fhir import extract_sld_fhir  # type: ignore[import-untyped]  # noqa: PLC0415 optional dependency
    except ImportError as error:
        raise Fix(
            "claims are read with hccinfhir, which is not installed; run: python -m pip install 'careloom[risk]'"
        ) from error
    return extract_sld_fhir, extract_sld_837
