"""What a kind of person scores before any diagnosis in hccinfhir 0.4.0, bug for bug (`compat`)."""

from __future__ import annotations

from collections.abc import Container, Iterator

from careloom.risk.model import age_bands
from careloom.risk.model.demographics import SEX, TRANSPLANT, DemographicCell
from careloom.risk.model.profiles import Profile

_DEMOGRAPHIC = ("NMCAID_", "MCAID_", "LTI_", "OriginallyDisabled_", "LTIMCAID")
_UNPREFIXED = ("FGC", "FGI", "GE65_DUR", "LT65_DUR", "LTI_GE65", "LTI_LT65")


def compat_cell(person: Profile, family: str, coefficients: Container[str]) -> DemographicCell:
    """The cell of one kind of person as the library makes it; `coefficients` has the lower-case names that it knows."""
    segment, category = _prefix(person, family), _category(person)
    cell = [name for name in (segment + category,) if name.lower() in coefficients]
    own_terms: list[str] = []
    besides: list[str] = []
    for name in _interactions(person, category):
        term = _looked_up(name, segment, coefficients)
        if term:
            (own_terms if name.startswith(_DEMOGRAPHIC) else besides).append(term)
    return DemographicCell(
        segment=segment,
        terms=tuple(cell + own_terms),
        besides=tuple(besides),
        bare=tuple(own_terms),
        is_disabled=not person.aged and person.orec != "0",
        is_nonaged=not person.aged,
    )


def _looked_up(name: str, segment: str, coefficients: Container[str]) -> str | None:
    if name.startswith(_UNPREFIXED) and name.lower() in coefficients:
        return name
    return segment + name if (segment + name).lower() in coefficients else None


def _prefix(person: Profile, family: str) -> str:
    if family == "rx":
        return _rx_prefix(person)
    if family == "esrd":
        if person.esrd:
            return _esrd_prefix(person)
        if person.graft in TRANSPLANT:
            return f"TRANSPLANT_KIDNEY_ONLY_{person.graft}M"
    if person.lti:
        return "INS_"
    if person.new_enrollee:
        return "SNPNE_" if person.snp else "NE_"
    return f"C{ {'full': 'F', 'partial': 'P'}.get(person.dual, 'N') }{'A' if person.aged else 'D'}_"


def _esrd_prefix(person: Profile) -> str:
    if person.graft == "none":
        return "DNE_" if person.new_enrollee else "DI_"
    if person.lti:
        return "GI_"
    if person.new_enrollee:
        return "GNE_"
    return f"G{'F' if person.dual == 'full' else 'NP'}{'A' if person.aged else 'N'}_"


def _rx_prefix(person: Profile) -> str:
    if person.lti:
        return "Rx_NE_LTI_" if person.new_enrollee else "Rx_CE_LTI_"
    if person.new_enrollee:
        return "Rx_NE_Lo_" if person.low_income else "Rx_NE_NoLo_"
    return f"Rx_CE_{'Low' if person.low_income else 'NoLow'}{'Aged' if person.aged else 'NoAged'}_"


def _category(person: Profile) -> str:
    if person.new_enrollee and not person.esrd:
        return age_bands.new(person)
    return ("NE" if person.new_enrollee else "") + person.sex + age_bands.grouped(person.age)


def _interactions(person: Profile, category: str) -> Iterator[str]:
    sex, age = SEX[person.sex], "Aged" if person.aged else "NonAged"
    if person.originally_disabled:
        yield f"OriginallyDisabled_{sex}"
    if person.aged and person.orec in ("2", "3"):
        yield f"Originally_ESRD_{sex}"
    if person.medicaid:
        yield f"MCAID_{sex}_{age}"
    if person.lti:
        yield f"LTI_{age}"
        yield "LTI_GE65" if person.aged else "LTI_LT65"
        yield from ["LTIMCAID"] * person.medicaid
    origin = "ORIGDIS" if person.originally_disabled else "NORIGDIS"
    yield f"{'MCAID' if person.new_medicaid else 'NMCAID'}_{origin}_{category}"
    yield f"{'FBD' if person.dual == 'full' else 'ND_PBD'}_{origin}_{category}"
    yield from _durations(person)
    if person.dual in ("full", "partial"):
        yield f"{'FBDual' if person.dual == 'full' else 'PBDual'}_{sex}_{age}"


def _durations(person: Profile) -> Iterator[str]:
    if person.graft not in ("4-9", "10+"):
        return
    age, months = ("GE65" if person.aged else "LT65"), ("DUR4_9" if person.graft == "4-9" else "DUR10PL")
    where = "FGI" if person.lti else "FGC"
    yield f"{age}_{months}"
    yield f"{where}_{age}_{months}_{'FBD' if person.dual == 'full' else 'ND_PBD'}"
    if person.dual == "partial":
        yield f"{where}_PBD_{age}_flag"
