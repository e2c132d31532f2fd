"""Why `cms` and `compat` score a person differently: which rules of `rules.RULES` reach the person."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from careloom.risk.model.compat_demographics import compat_cell
from careloom.risk.model.demographics import TRANSPLANT
from careloom.risk.model.profiles import ENTITLED, Profile
from careloom.risk.published.tables import Tables

SCORES = ("risk_score", "risk_score_demographics", "risk_score_hcc", "risk_score_chronic_only")
COMPARED = (*SCORES, "segment", "hcc_list", "hcc_list_before", "interactions")
_GRAFTS = ("4-9", "10+")
_OLDEST_BAND = 85


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One person: the kind, the age and orec as they are given, and the row of either mode."""

    read: Tables
    person: Profile
    age: float
    orec: str | None
    compat: Mapping[str, Any]
    cms: Mapping[str, Any]

    @property
    def family(self) -> str:
        """The model's."""
        return self.read.model.family

    @property
    def v21(self) -> bool:
        """Of the older ESRD model."""
        return self.read.model.edition == "V21"

    def differs(self, *names: str) -> bool:
        """Whether one of the columns differs."""
        return any(self.compat[name] != self.cms[name] for name in names)


def rules_reaching(case: Case) -> list[str]:
    """The names of the rules that reach the person; none if both modes say the same."""
    if not case.differs(*COMPARED):
        return []
    return [name for name, reaches in _REACHES.items() if reaches(case)]


def _esrd(case: Case) -> bool:
    return case.family == "esrd"


def _dialysis(case: Case) -> bool:
    return _esrd(case) and case.person.graft not in (*TRANSPLANT, *_GRAFTS)


def _graft(case: Case) -> bool:
    return _esrd(case) and case.person.graft in _GRAFTS


def _besides(case: Case) -> bool:
    return bool(compat_cell(case.person, case.family, case.read.coefficients).besides)


def _bare(case: Case) -> bool:
    return bool(compat_cell(case.person, case.family, case.read.coefficients).bare)


def _missing_orec(case: Case) -> bool:
    return case.orec is None and not case.person.aged and case.differs("interactions")


def _dialysis_new_enrollee(case: Case) -> bool:
    person = case.person
    turns_65 = person.age == ENTITLED - 1 and person.orec in ("0", "")
    odd = person.age >= _OLDEST_BAND or turns_65 or (person.orec == "1" and not person.aged)
    return _dialysis(case) and person.new_enrollee and odd


_REACHES: Mapping[str, Callable[[Case], bool]] = {
    "edits-by-whole-years": lambda case: (
        bool(case.read.edits) and case.age != int(case.age) and case.differs("hcc_list_before")
    ),
    "rx-hierarchy": lambda case: case.family == "rx" and case.cms["hcc_list"] != case.cms["hcc_list_before"],
    "rx-new-enrollee": lambda case: case.family == "rx" and case.person.new_enrollee,
    "rx-originally-disabled": lambda case: (
        case.family == "rx" and case.person.originally_disabled and not case.person.new_enrollee
    ),
    "new-enrollee-age-band": lambda case: (
        case.family == "community"
        and case.person.new_enrollee
        and case.person.esrd
        and not case.person.lti
        and ENTITLED - 1 <= case.person.age < ENTITLED + 5
    ),
    "institution-before-new-enrollee": lambda case: (
        case.family == "community" and case.person.lti and case.person.new_enrollee
    ),
    "missing-orec": _missing_orec,
    "demographics-are-demographics": lambda case: case.differs(*SCORES[1:]) and _besides(case),
    "no-negative-chronic": lambda case: (
        case.differs("risk_score_chronic_only") and not case.compat["payment_hcc_count"] and _bare(case)
    ),
    "v22-diabetes-name": lambda case: (
        "HCC85_gDiabetesMellit" in case.cms["interactions"]
        and "HCC85_gDiabetesMellit" not in case.compat["interactions"]
    ),
    "esrd-graft-segments": lambda case: (
        _graft(case) and (case.person.new_enrollee or (case.v21 and not case.person.lti))
    ),
    "esrd-dialysis-new-enrollee": _dialysis_new_enrollee,
    "esrd-transplant": lambda case: _esrd(case) and case.person.graft in TRANSPLANT,
    "esrd-status": lambda case: _esrd(case) and (not case.person.esrd or case.person.graft == "0"),
    "esrd-institution": lambda case: _dialysis(case) and case.person.lti,
    "esrd-graft-new-enrollee-adjustment": lambda case: (
        _graft(case) and case.person.new_enrollee and not case.person.lti and not case.v21
    ),
    "esrd-v21-disabled": lambda case: _esrd(case) and case.v21 and not case.person.aged and case.person.orec == "0",
    "esrd-v21-medicaid": lambda case: _graft(case) and case.v21 and case.person.lti and case.person.medicaid,
    "newest-hierarchy": lambda case: (
        case.family != "rx" and case.differs("hcc_list") and not case.differs("hcc_list_before")
    ),
    "rx-variants": lambda case: bool(case.read.model.variant) and case.differs("hcc_list_before"),
}
"""By the names of `rules.RULES`; the one rule that both modes keep differs only from hccinfhir itself."""
