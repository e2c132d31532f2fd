"""The twelve reports of the simulated billing service: their numbers, and their columns as its CSV files name them.

Reports are built by each customer, so no two are alike: the numbers of the first three are those of a user's own
configuration, the others are invented, and a project names its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["id", "code", "text", "person", "date", "money", "count", "percent", "hours", "flag"]
"""`money` is written `$1,234.50` and `(12.00)`, a date MM/DD/YYYY, `percent` 12.5%."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """One report. `columns`: header and kind, in the order of the file; a header may be empty or come twice."""

    name: str
    report: str
    filter: str
    columns: tuple[tuple[str, Kind], ...]


def _layout(name: str, report: str, filter_: str, columns: str) -> Layout:
    """From `Header:kind` lines."""
    pairs = [line.strip().rpartition(":") for line in columns.strip().splitlines()]
    return Layout(name=name, report=report, filter=filter_, columns=tuple((head, kind) for head, _, kind in pairs))  # type: ignore[misc]


LAYOUTS = (
    _layout(
        "ar_aging",
        "10078378",
        "10141925",
        """
        Charge ID:id
        Claim ID:id
        Patient ID:id
        Patient Name:person
        Facility Name:text
        Rendering Provider:text
        Payer Name:text
        Payer Type:text
        CPT Code:code
        Date of Service:date
        Date First Billed:date
        Charge Amount:money
        Balance Due:money
        Balance Due Insurance:money
        Balance Due Patient:money
        Balance Age (Days):count
        Electronic Statements Sent:count
        Paper Statements Sent:count
        Last Statement Date:date
        :text
        """,
    ),
    _layout(
        "gross_billing",
        "10078486",
        "10141929",
        """
        Charge ID:id
        Claim ID:id
        Patient ID:id
        Facility Name:text
        Rendering Provider:text
        Primary Payer Name:text
        Service Type:text
        CPT Code:code
        CPT Description:text
        Units:count
        Date of Service:date
        Charge Entered Date:date
        First Billed Date:date
        Charge Status:text
        Charge Amount:money
        Allowed Amount:money
        Expected Amount:money
        Insurance Payments:money
        Patient Payments:money
        Adjustments:money
        Charge Balance:money
        """,
    ),
    _layout(
        "charges_on_hold",
        "10078375",
        "10141926",
        """
        Charge ID:id
        Claim ID:id
        Patient ID:id
        Facility Name:text
        Rendering Provider:text
        Payer Name:text
        Service Type:text
        CPT Code:code
        Claim Status:text
        Hold Reason:text
        Date of Service:date
        Charge Entered Date:date
        Charge Amount:money
        Notes:text
        Notes:text
        """,
    ),
    _layout(
        "claim_stage_breakdown",
        "10078379",
        "10141927",
        """
        Claim ID:id
        Patient ID:id
        Payer Name:text
        Facility Name:text
        Claim Stage:text
        Stage Entered Date:date
        Claim Created Date:date
        Claim Last Worked Date:date
        Claim Amount:money
        Claim Balance:money
        Clearinghouse Rejected:flag
        """,
    ),
    _layout(
        "denial_trends",
        "10078380",
        "10141928",
        """
        Denial ID:id
        Claim ID:id
        Charge ID:id
        Patient ID:id
        Payer Name:text
        Facility Name:text
        CPT Code:code
        Denial Date:date
        Denial Group Code:code
        Denial Reason Code:code
        Denial Reason:text
        Charge Amount:money
        Denied Amount:money
        Recovered Amount:money
        Appealed:flag
        """,
    ),
    _layout(
        "payment_trends",
        "10078376",
        "10141930",
        """
        Payment ID:id
        Charge ID:id
        Patient ID:id
        Facility Name:text
        Payer Name:text
        Payment Source:text
        Payment Type:text
        Check Number:code
        Payment Received Date:date
        Payment Entered Date:date
        Payment Amount:money
        Applied Amount:money
        Unapplied Amount:money
        """,
    ),
    _layout(
        "quadrant_performance",
        "10078381",
        "10141931",
        """
        Rendering Provider:text
        Facility Name:text
        Month:date
        Encounters:count
        Work RVUs:count
        Charges:money
        Payments:money
        Adjustments:money
        New Patients:count
        """,
    ),
    _layout(
        "rcm_productivity",
        "10078382",
        "10141932",
        """
        User Name:person
        Work Date:date
        Task:text
        Claims Worked:count
        Charges Entered:count
        Payments Posted:count
        Amount Posted:money
        Hours Worked:hours
        """,
    ),
    _layout(
        "user_time_spread",
        "10078383",
        "10141933",
        """
        User Name:person
        Work Date:date
        Task:text
        Start Time:text
        Minutes:count
        Billable:flag
        """,
    ),
    _layout(
        "write_off_trends",
        "10078384",
        "10141934",
        """
        Write-off ID:id
        Charge ID:id
        Patient ID:id
        Payer Name:text
        Facility Name:text
        Write-off Date:date
        Write-off Reason:text
        Write-off Type:text
        Entered By:person
        Charge Amount:money
        Write-off Amount:money
        """,
    ),
    _layout(
        "pdr3_calculator",
        "10078385",
        "10141935",
        """
        Patient ID:id
        Facility Name:text
        Level of Care:text
        Admission Date:date
        Discharge Date:date
        Payer Name:text
        Authorized Days:count
        Billed Days:count
        Charge Amount:money
        """,
    ),
    _layout(
        "revenue_recognition",
        "10078386",
        "10141936",
        """
        Charge ID:id
        Patient ID:id
        Facility Name:text
        Payer Name:text
        Date of Service:date
        Posting Month:date
        Charge Amount:money
        Contractual Adjustment:money
        Insurance Payments:money
        Patient Payments:money
        Write-offs:money
        Refunds:money
        Recognized Revenue:money
        Collection %:percent
        """,
    ),
)

BY_NAME = {layout.name: layout for layout in LAYOUTS}
