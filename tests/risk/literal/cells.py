"""How the coefficients of age, sex and entitlement are called."""

from __future__ import annotations

import re

from risk.literal.persons import Person


def band(years: int, starts: tuple[int, ...]) -> str:
    """The name of an age's cell, whose lowest ages are given: 0_34, 66, 95_GT."""
    low = max(start for start in starts if start <= years)
    if low == starts[-1]:
        return f"{low}_GT"
    high = starts[starts.index(low) + 1] - 1
    return f"{low}" if high == low else f"{low}_{high}"


CELL = re.compile(r"_[FM]\d+_(\d+|GT)$")
GROUPED = (0, 35, 45, 55, 60, 65, 70, 75, 80, 85, 90, 95)
SINGLE = (0, 35, 45, 55, 60, 65, 66, 67, 68, 69, 70, 75, 80, 85, 90, 95)
DIALYSIS_NEW = (0, 35, 45, 55, 60, 65, 70, 75, 80, 85)


def sex_cell(person: Person, band: str, *, new: bool = False) -> str:
    return ("NE" if new else "") + ("F" if person.female else "M") + band


def new_years(person: Person) -> int:
    """A new enrollee of 64 whose first entitlement is by age turns 65 in the payment year, and counts as 65."""
    return 65 if person.years == 64 and person.orec in {"0", "", None} else person.years


def sex_name(person: Person) -> str:
    return "Female" if person.female else "Male"


def new_cell(person: Person, family: str, cell: str, *, medicaid: bool, disabled: bool) -> str:
    dual = {True: "MCAID", False: "NMCAID"} if family == "MCAID" else {True: "FBD", False: "ND_PBD"}
    return f"{dual[medicaid]}_{'ORIGDIS' if disabled else 'NORIGDIS'}_{cell}"
