"""The coefficients that need no diagnosis in the CMS-HCC and RxHCC models: the segment's prefix and the names."""

from __future__ import annotations

from risk.literal.cells import GROUPED, SINGLE, band, new_cell, new_years, sex_cell, sex_name
from risk.literal.defects import Defect
from risk.literal.persons import NEW_MEDICAID, Person


def community(person: Person) -> str:
    dual = "F" if person.full_dual else "P" if person.partial_dual else "N"
    return f"C{dual}{'A' if person.aged else 'D'}_"


def cms_hcc(person: Person, defects: frozenset[Defect]) -> tuple[str, list[str]]:
    """The prefix and the demographic names of the CMS-HCC models."""
    prefix = "INS_" if person.lti else community(person)
    if person.new_enrollee and not person.lti:
        prefix = "SNPNE_" if person.snp else "NE_"
    names = []
    if person.new_enrollee and not person.lti:
        if not (person.esrd and Defect.ESRD_ENTITLEMENT_GROUPS_NEW_ENROLLEES in defects):
            cell = sex_cell(person, band(new_years(person), SINGLE), new=True)
        else:
            cell = sex_cell(person, band(person.years, GROUPED), new=True)
        medicaid = person.dual_elgbl_cd in NEW_MEDICAID
        names.append(new_cell(person, "MCAID", cell, medicaid=medicaid, disabled=person.originally_disabled))
    elif not (person.new_enrollee and Defect.NEW_ENROLLEE_IN_INSTITUTION_HAS_NO_CELL in defects):
        names.append(sex_cell(person, band(person.years, GROUPED)))
    if person.originally_disabled:
        names.append(f"OriginallyDisabled_{sex_name(person)}")
    if person.lti and person.medicaid:
        names.append("LTIMCAID")
    return prefix, [f"{prefix}{name}" for name in names]


def rx(person: Person, defects: frozenset[Defect]) -> tuple[str, list[str]]:
    """The prefix and the demographic names of the RxHCC model."""
    if person.new_enrollee:
        prefix = "Rx_NE_LTI_" if person.lti else "Rx_NE_Lo_" if person.low_income else "Rx_NE_NoLo_"
        if Defect.RX_NEW_ENROLLEES_SCORE_NOTHING in defects:
            return prefix, []
        cell = sex_cell(person, band(new_years(person), SINGLE))
        esrd = "ESRD" if person.esrd else "NESRD"
        return prefix, [f"{prefix}{esrd}_{'OD' if person.originally_disabled else 'NOD'}_x_{cell}"]
    income = "Low" if person.low_income else "NoLow"
    prefix = "Rx_CE_LTI_" if person.lti else f"Rx_CE_{income}{'Aged' if person.aged else 'NoAged'}_"
    names = [sex_cell(person, band(person.years, GROUPED))]
    if person.originally_disabled and Defect.RX_ORIGINALLY_DISABLED_IS_LOST not in defects:
        names.append("ORIGDS" if person.lti else sex_cell(person, "65OD"))
    return prefix, [f"{prefix}{name}" for name in names]
