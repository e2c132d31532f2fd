"""Invented claims of somebody who is no member: as tables of the dbt project, and as the library reads them."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import product
from typing import Any

import pyarrow as pa

from careloom.risk.inputs import SERVICES

BILLS = ("110", "0111", "117", "118", "121", "131", "138", "231", "771", "871", "411", "999", None)
PROCEDURES = ("99213", "99214", "A0021", "00000", "G0438", None)
STATUSES = ("active", None, "cancelled", "entered-in-error")
CLAIMANT = "claimant"


def claims() -> list[dict[str, Any]]:
    """A claim of one line for each kind of bill, procedure and status, and one of two lines of which one counts."""
    kinds = list(product(BILLS, PROCEDURES, STATUSES))
    first = date(2025, 1, 1)
    lines = [
        _line(f"c{number}", bill, procedure, status, first + timedelta(days=number))
        for number, (bill, procedure, status) in enumerate(kinds)
    ]
    return [*lines, _line("two", "131", "99213", None, first), _line("two", "131", "00000", None, date(2025, 12, 31))]


def _line(claim: str, bill: str | None, procedure: str | None, status: str | None, day: date) -> dict[str, Any]:
    return {"claim_id": claim, "type_of_bill": bill, "procedure_code": procedure, "status": status, "service_date": day}


def code_of(claim: str) -> str:
    """The claim's only diagnosis, by which it can be told."""
    return f"Z{claim.upper()}"


def services() -> pa.Table:
    """The lines as `careloom.risk.inputs` reads them."""
    rows = []
    for line in claims():
        bill = (line["type_of_bill"] or "").lstrip("0")
        rows.append(
            line
            | {
                "person_id": CLAIMANT,
                "facility_type": bill[:1] or None,
                "service_type": bill[1:2] or None,
                "frequency": bill[2:] or None,
                "diagnosis_codes": [code_of(line["claim_id"])],
                "source": line["claim_id"],
                "position": 1,
                "claim": 1,
            }
        )
    return pa.Table.from_pylist(rows, SERVICES)


def sources() -> dict[str, tuple[tuple[str, ...], list[tuple[Any, ...]]]]:
    """The same as the two sources of the dbt project."""
    claim_list = claims()
    lines = [(CLAIMANT, *(None if value is None else str(value) for value in line.values())) for line in claim_list]
    codes = sorted({line["claim_id"] for line in claim_list})
    return {
        "service_lines": (("person_id", *claim_list[0]), lines),
        "claim_diagnoses": (
            ("person_id", "claim_id", "diagnosis_code"),
            [(CLAIMANT, claim, code_of(claim)) for claim in codes],
        ),
    }
