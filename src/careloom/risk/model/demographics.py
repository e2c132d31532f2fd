"""What a kind of person scores before any diagnosis, as CMS's software has it (`cms`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from careloom.risk.model import age_bands
from careloom.risk.model.profiles import ENTITLED, Profile

TRANSPLANT = ("1", "2", "3")
SEX = {"F": "Female", "M": "Male"}


@dataclass(frozen=True, slots=True, kw_only=True)
class DemographicCell:
    """A kind's segment (the prefix of its coefficients) and its terms.

    `terms` belong to risk_score_demographics, `besides` to risk_score and risk_score_hcc only (compat has such), both by
    their whole name. `bare` is chronic-only without any HCC. `divisor` names the
    coefficient that divides the sum, if any does.
    """

    segment: str
    terms: tuple[str, ...]
    besides: tuple[str, ...] = ()
    bare: tuple[str, ...] = ()
    is_disabled: bool = False
    is_nonaged: bool = False
    divisor: str = ""


def disabled(person: Profile) -> bool:
    """DISABL: under 65 with an OREC other than "0"; an empty, missing or unknown OREC is not "0", so it counts as another."""
    return not person.aged and person.orec != "0"


def cms_cell(person: Profile, family: str, edition: str) -> DemographicCell:
    """The cell of one kind of person under CMS's rules."""
    if family == "community":
        return _community(person)
    if family == "rx":
        return _rx(person)
    return _esrd(person, edition)


def _community(person: Profile) -> DemographicCell:
    if person.lti:
        terms = ["INS_" + age_bands.continuing(person)]
        terms += ["INS_LTIMCAID"] * person.medicaid + ["INS_ORIGDS"] * person.originally_disabled
        return DemographicCell(
            segment="INS_", terms=tuple(terms), is_disabled=disabled(person), is_nonaged=not person.aged
        )
    if person.new_enrollee:
        segment = "SNPNE_" if person.snp else "NE_"
        terms = [segment + _entitlement(person, "MCAID" if person.new_medicaid else "NMCAID") + age_bands.new(person)]
    else:
        segment = f"C{ {'full': 'F', 'partial': 'P'}.get(person.dual, 'N') }{'A' if person.aged else 'D'}_"
        terms = [segment + age_bands.continuing(person)]
        terms += [f"{segment}OriginallyDisabled_{SEX[person.sex]}"] * person.originally_disabled
    return DemographicCell(
        segment=segment, terms=tuple(terms), is_disabled=disabled(person), is_nonaged=not person.aged
    )


def _entitlement(person: Profile, money: str) -> str:
    return f"{money}_{'ORIGDIS' if person.originally_disabled else 'NORIGDIS'}_"


def _rx(person: Profile) -> DemographicCell:
    if person.new_enrollee:
        segment = "Rx_NE_" + ("LTI_" if person.lti else "Lo_" if person.low_income else "NoLo_")
        renal = "ESRD" if person.esrd else "NESRD"
        origin = "OD" if person.originally_disabled else "NOD"
        terms = [f"{segment}{renal}_{origin}_x_{person.sex}{age_bands.single(age_bands.turned(person))}"]
        return DemographicCell(segment=segment, terms=tuple(terms), is_nonaged=not person.aged)
    if person.lti:
        segment = "Rx_CE_LTI_"
        terms = [segment + age_bands.continuing(person), *[f"{segment}ORIGDS"] * person.originally_disabled]
    else:
        segment = f"Rx_CE_{'Low' if person.low_income else 'NoLow'}{'Aged' if person.aged else 'NoAged'}_"
        terms = [segment + age_bands.continuing(person), *[f"{segment}{person.sex}65OD"] * person.originally_disabled]
    return DemographicCell(segment=segment, terms=tuple(terms), is_nonaged=not person.aged)


def _esrd(person: Profile, edition: str) -> DemographicCell:
    if person.graft in TRANSPLANT:
        segment = f"TRANSPLANT_KIDNEY_ONLY_{person.graft}M"
        return DemographicCell(segment=segment, terms=(segment,))
    if person.graft in ("4-9", "10+"):
        return _graft(person, edition)
    v21 = edition == "V21"
    unable = disabled(person)
    young = unable if v21 else not person.aged
    if person.new_enrollee:
        money = _money(person, edition)
        origin = "ORIGDIS" if person.orec == "1" else "NORIGDIS"
        return DemographicCell(
            segment="DNE_",
            terms=(f"DNE_{money}_{origin}_{age_bands.new_on_dialysis(person)}",),
            is_disabled=unable,
            is_nonaged=young,
        )
    terms = ["DI_" + age_bands.continuing(person), *_origins(person, "DI_"), *_duals(person, "DI_", edition)]
    if person.aged and person.orec in ("2", "3"):
        terms.append(f"DI_Originally_ESRD_{SEX[person.sex]}")
    if person.lti and not v21:
        terms.append("DI_LTI_Aged" if person.aged else "DI_LTI_NonAged")
    return DemographicCell(segment="DI_", terms=tuple(terms), is_disabled=unable, is_nonaged=young)


def _origins(person: Profile, segment: str) -> list[str]:
    return [f"{segment}OriginallyDisabled_{SEX[person.sex]}"] * person.originally_disabled


def _duals(person: Profile, segment: str, edition: str) -> list[str]:
    """V21 knows Medicaid and asks DISABL; V24 knows full and partial benefits and asks the age."""
    if edition == "V21":
        age = "NonAged" if disabled(person) else "Aged"
        return [f"{segment}MCAID_{SEX[person.sex]}_{age}"] * person.medicaid
    kind = {"full": "FBDual", "partial": "PBDual"}.get(person.dual)
    return [f"{segment}{kind}_{SEX[person.sex]}_{'Aged' if person.aged else 'NonAged'}"] if kind else []


def _money(person: Profile, edition: str) -> str:
    if edition == "V21":
        return "MCAID" if person.new_medicaid else "NMCAID"
    return "FBD" if person.dual == "full" else "ND_PBD"


def _graft(person: Profile, edition: str) -> DemographicCell:
    v21 = edition == "V21"
    unable = disabled(person)
    young = unable if v21 else not person.aged
    months = "DUR4_9" if person.graft == "4-9" else "DUR10PL"
    if person.lti:
        terms = ["GI_" + age_bands.continuing(person), *["GI_ORIGDS"] * person.originally_disabled]
        terms += ["GI_MCAID"] * (v21 and person.medicaid)
        terms += _duration(person, months, edition, "FGI") + _institution(person, edition)
        return DemographicCell(segment="GI_", terms=tuple(terms), is_disabled=unable, is_nonaged=young)
    if person.new_enrollee:
        cell = f"GNE_{_entitlement(person, _money(person, edition))}G_{age_bands.new(person)}"
        age = age_bands.turned(person) >= ENTITLED
        bump = [f"{'GE65' if age else 'LT65'}_{months}"] if v21 else [_bump(person, months, "FGC", is_aged=age)]
        return DemographicCell(
            segment="GNE_",
            terms=(cell, *bump),
            divisor="" if v21 else f"ActAdj_{months}",
            is_disabled=unable,
            is_nonaged=young,
        )
    segment = "GC_" if v21 else f"G{'F' if person.dual == 'full' else 'NP'}{'A' if person.aged else 'N'}_"
    terms = [segment + age_bands.continuing(person), *_origins(person, segment)]
    terms += _duals(person, segment, edition) if v21 else []
    return DemographicCell(
        segment=segment,
        terms=tuple(terms + _duration(person, months, edition, "FGC")),
        is_disabled=unable,
        is_nonaged=young,
    )


def _bump(person: Profile, months: str, where: str, *, is_aged: bool) -> str:
    return f"{where}_{'GE65' if is_aged else 'LT65'}_{months}_{'FBD' if person.dual == 'full' else 'ND_PBD'}"


def _duration(person: Profile, months: str, edition: str, where: str) -> list[str]:
    age = "GE65" if person.aged else "LT65"
    if edition == "V21":
        return [f"{age}_{months}"]
    return [
        _bump(person, months, where, is_aged=person.aged),
        *[f"{where}_PBD_{age}_flag"] * (person.dual == "partial"),
    ]


def _institution(person: Profile, edition: str) -> list[str]:
    return [] if edition == "V21" else ["LTI_GE65" if person.aged else "LTI_LT65"]


def worth(cell: DemographicCell, coefficients: Mapping[str, int]) -> Iterator[tuple[str, int]]:
    """The cell's demographic terms that have a coefficient, in thousandths; what its divisor adds comes last."""
    terms = [(name, coefficients[name.lower()]) for name in cell.terms if name.lower() in coefficients]
    yield from terms
    if cell.divisor:
        total, divisor = sum(value for _, value in terms), coefficients[cell.divisor.lower()]
        yield cell.divisor, (2 * 1000 * total + divisor) // (2 * divisor) - total
