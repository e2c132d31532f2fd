"""The kinds of people that a model tells apart: every kind that can be is listed, so SQL only looks them up.

A kind is one combination of age band, sex, and what Medicare says about the person. SQL turns a person's columns into
the kind's number (see `statement.py`); here each number is turned back and scored by the demographic rules.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product

AGES = (0, 35, 45, 55, 60, 64, 65, 66, 67, 68, 69, 70, 75, 80, 85, 90, 95)
"""Where each age class begins. 64 and the years to 69 stand alone: new enrollees are told apart by them."""
ENTITLED = 65
SEXES = ("M", "F")
DUALS = ("none", "full", "partial", "medicaid")
"""`medicaid`: a code that hccinfhir counts as Medicaid but neither as a full nor as a partial benefit (07, 09, 10)."""
FULL = ("02", "04", "08")
PARTIAL = ("01", "03", "05", "06")
OTHER_MEDICAID = ("07", "09", "10")
ORECS = ("0", "1", "2", "3", "")
GRAFTS = ("none", "1", "2", "3", "4-9", "10+", "0")
FLAGS = (False, True)

_ALL = {
    "age": AGES,
    "sex": SEXES,
    "dual": DUALS,
    "orec": ORECS,
    "crec_esrd": FLAGS,
    "new_enrollee": FLAGS,
    "snp": FLAGS,
    "lti": FLAGS,
    "low_income": FLAGS,
    "graft": GRAFTS,
}
_BASE = ("age", "sex", "orec", "crec_esrd", "new_enrollee", "lti")
DIMENSIONS: dict[str, tuple[str, ...]] = {
    "community": (*_BASE, "dual", "snp"),
    "esrd": (*_BASE, "dual", "graft"),
    "rx": (*_BASE, "low_income"),
}
"""What each family of models reads of a person, in the order in which a kind's number is made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One kind of person. `age` is the first year of the age class; `orec` is empty for empty or unknown."""

    age: int = 65
    sex: str = "F"
    dual: str = "none"
    orec: str = "0"
    crec_esrd: bool = False
    new_enrollee: bool = False
    snp: bool = False
    lti: bool = False
    low_income: bool = False
    graft: str = "none"

    @property
    def aged(self) -> bool:
        """Of the age of entitlement or more."""
        return self.age >= ENTITLED

    @property
    def esrd(self) -> bool:
        """Entitled by end-stage renal disease, first or now."""
        return self.orec in ("2", "3") or self.crec_esrd

    @property
    def originally_disabled(self) -> bool:
        """Entitled by age now, by disability first."""
        return self.aged and self.orec == "1"

    @property
    def medicaid(self) -> bool:
        """With any dual status."""
        return self.dual != "none"

    @property
    def new_medicaid(self) -> bool:
        """A new enrollee with a dual status that counts for new enrollees."""
        return self.new_enrollee and self.dual in ("full", "partial")


def sizes(family: str) -> tuple[tuple[str, int], ...]:
    """Each dimension of a family with the number of its values, in the order of the number's digits."""
    return tuple((name, len(_ALL[name])) for name in DIMENSIONS[family])


def kinds(family: str) -> Iterator[Profile]:
    """Every kind of person of a family, the first one being number 0."""
    names = DIMENSIONS[family]
    for values in product(*(_ALL[name] for name in names)):
        yield Profile(**dict(zip(names, values, strict=True)))  # type: ignore[arg-type]


@cache
def everyone(family: str) -> tuple[Profile, ...]:
    """All `kinds` of a family: a kind's number is its place."""
    return tuple(kinds(family))
