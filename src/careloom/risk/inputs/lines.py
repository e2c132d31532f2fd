"""What a service line is, whatever brought it; and what becomes of a claim that cannot be read."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast

import pyarrow as pa

from careloom.core.errors import Hold

SERVICES = pa.schema(
    [
        ("person_id", pa.string()),
        ("claim_id", pa.string()),
        ("claim_numbers", pa.list_(pa.string())),
        ("format", pa.string()),
        ("claim_type", pa.string()),
        ("institutional", pa.bool_()),
        ("facility_type", pa.string()),
        ("service_type", pa.string()),
        ("type_of_bill", pa.string()),
        ("frequency", pa.string()),
        ("status", pa.string()),
        ("use", pa.string()),
        ("outcome", pa.string()),
        ("action", pa.string()),
        ("refers_to", pa.list_(pa.string())),
        ("replaced", pa.bool_()),
        ("chart_review", pa.string()),
        ("sent", pa.timestamp("us")),
        ("procedure_code", pa.string()),
        ("modifiers", pa.list_(pa.string())),
        ("ndc", pa.string()),
        ("place_of_service", pa.string()),
        ("provider_specialty", pa.string()),
        ("service_date", pa.date32()),
        ("through_date", pa.date32()),
        ("diagnosis_codes", pa.list_(pa.string())),
        ("diagnosis_kinds", pa.list_(pa.string())),
        ("uncounted_diagnoses", pa.list_(pa.string())),
        ("linked_diagnosis_codes", pa.list_(pa.string())),
        ("source", pa.string()),
        ("position", pa.int64()),
        ("claim", pa.int64()),
    ]
)
"""A service line. `diagnosis_codes` are all ICD-10-CM codes of its claim, `diagnosis_kinds` what each is (see KINDS), and
`uncounted_diagnoses` the reasons why others of its claim are no codes here (`icd-9`, `another-system`, `no-code`).

`position` counts a file's resources or transactions from 1, `claim` the claims in it. `claim_numbers` are what else the claim
is called by, `refers_to` the numbers of the claims that it is about, and `action` what it does to them: `replacement`, `void`,
or `delete` (a chart review that takes diagnoses back). `replaced` says that the claim itself calls itself replaced. `frequency`
is a bill's third digit; `status`, `use` and `outcome` are a FHIR claim's; `chart_review` is `linked`, `unlinked` or `delete`;
`sent` is when the file's sender made it, in UTC."""

KINDS = ("principal", "other", "admitting", "reason-for-visit", "external-cause", "unconfirmed")
"""What a diagnosis is on its claim."""

BATCH = 4096
LARGEST = 64 * 2**20
"""Bytes that one resource or one X12 transaction may have; what is larger is held, so that memory stays bounded."""
Line = dict[str, Any]


class Keeping(Protocol):
    """What keeps the held: a list, or what writes them away."""

    def append(self, held_input: HeldInput, /) -> None:
        """Keep one more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldInput:
    """A file, or a claim in it, that was not read; `reason` and `place` never quote it."""

    source: str
    place: str
    code: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """Where the held of one reading go: into `keeper`, or, where no one asked for them, out as an error."""

    source: str
    keeper: Keeping | None

    def hold(self, place: str, code: str, reason: str) -> None:
        """Keep it.

        Raises:
            Hold: there is no list to keep it in.

        """
        if self.keeper is None:
            raise Hold(code, f"{self.source}, {place}: {reason}")
        self.keeper.append(HeldInput(source=self.source, place=place, code=code, reason=reason))


Reading = Callable[[BinaryIO, Holding], Iterator[Line]]


def read(paths: Iterable[Path | str], reading: Reading, keeper: Keeping | None) -> pa.RecordBatchReader:
    """The service lines of all files, file by file and only as they are asked for."""
    lines = (line for path in paths for line in _of_file(Path(path), reading, keeper))
    return pa.RecordBatchReader.from_batches(SERVICES, _batches(lines))


def _batches(lines: Iterator[Line]) -> Iterator[pa.RecordBatch]:
    while chunk := list(islice(lines, BATCH)):
        yield pa.RecordBatch.from_pylist(chunk, schema=SERVICES)


def _of_file(path: Path, reading: Reading, keeper: Keeping | None) -> Iterator[Line]:
    holding = Holding(source=str(path), keeper=keeper)
    try:
        with _open(path) as stream:
            yield from reading(stream, holding)
    except (OSError, EOFError, zlib.error) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else "it is damaged"
        holding.hold("the file", "unreadable", f"the file cannot be read to its end: {why}")


@contextmanager
def _open(path: Path) -> Iterator[BinaryIO]:
    with path.open("rb") as plain:
        if path.suffix != ".gz":
            yield plain
            return
        with gzip.open(plain) as stream:
            yield cast("BinaryIO", stream)


def line_of(**values: Any) -> Line:
    """A row of SERVICES; the type of bill is put together of its two digits.

    Raises:
        Hold: it names no person.

    """
    if not values.get("person_id"):
        raise Hold("no-person", "the claim does not say whose it is")
    facility, service = values.get("facility_type"), values.get("service_type")
    return {"type_of_bill": f"{facility}{service}X" if facility and service else None, **values}


def calendar_day(year: str, month: str, day: str) -> date:
    """The day of these digits.

    Raises:
        Hold: no calendar has it.

    """
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        raise Hold("bad-date", "the claim has a service date that no calendar has") from None
