"""What a person's categories are worth together, by name.

Each name is a product of groups; a group is true when the person has one of its HCCs. DISABLED and NONAGED are
flags of the person. V22 to ESRD V24: the V22I..V24 macros; V28: the model's table of interactions.
"""

from __future__ import annotations

from risk.literal.defects import Defect
from risk.literal.persons import Person


def _span(first: int, last: int) -> set[str]:
    return {str(hcc) for hcc in range(first, last + 1)}


CANCER, DIABETES, LUNGS_FAIL, HEART, COPD = _span(8, 12), _span(17, 19), _span(82, 84), {"85"}, _span(110, 112)
SEPSIS, ULCER, OPENINGS, PNEUMONIA, SCHIZOPHRENIA, SEIZURES = {"2"}, _span(157, 159), {"188"}, {"114"}, {"57"}, {"79"}

Product = tuple[set[str] | str, ...]


def _alone(flag: str, *hccs: str) -> dict[str, Product]:
    return {f"{flag}_HCC{hcc}": (flag, {hcc}) for hcc in hccs}


INSTITUTION: dict[str, Product] = {
    "SEPSIS_ARTIF_OPENINGS": (SEPSIS, OPENINGS),
    "SEPSIS_ASP_SPEC_BACT_PNEUM": (SEPSIS, PNEUMONIA),
    "SCHIZOPHRENIA_CHF": (SCHIZOPHRENIA, HEART),
    "SCHIZOPHRENIA_SEIZURES": (SCHIZOPHRENIA, SEIZURES),
    "DIABETES_CHF": (DIABETES, HEART),
}
LUNG_INSTITUTION: dict[str, Product] = {
    "CHF_gCopdCF": (HEART, COPD),
    "gCopdCF_CARD_RESP_FAIL": (COPD, LUNGS_FAIL),
    "SCHIZOPHRENIA_gCopdCF": (SCHIZOPHRENIA, COPD),
}
V22_ULCER, V21_COPD = {"157", "158"}, {"110", "111"}
PRODUCTS: dict[str, dict[str, Product]] = {
    "V22": {
        **INSTITUTION,
        **LUNG_INSTITUTION,
        **_alone("DISABLED", "85", "161", "39", "77", "6"),
        "HCC47_gCancer": ({"47"}, CANCER),
        "HCC85_gDiabetesMellit": (HEART, DIABETES),
        "HCC85_gCopdCF": (HEART, COPD),
        "HCC85_gRenal": (HEART, _span(134, 137)),
        "gRespDepandArre_gCopdCF": (LUNGS_FAIL, COPD),
        "HCC85_HCC96": (HEART, {"96"}),
        "gSubstanceAbuse_gPsychiatric": ({"54", "55"}, {"57", "58"}),
        "SEPSIS_PRESSURE_ULCER": (SEPSIS, V22_ULCER),
        "ART_OPENINGS_PRESSURE_ULCER": (OPENINGS, V22_ULCER),
        "gCopdCF_ASP_SPEC_BACT_PNEUM": (COPD, PNEUMONIA),
        "ASP_SPEC_BACT_PNEUM_PRES_ULC": (PNEUMONIA, V22_ULCER),
        "DISABLED_PRESSURE_ULCER": ("DISABLED", V22_ULCER),
    },
    "V24": {
        **INSTITUTION,
        **LUNG_INSTITUTION,
        **_alone("DISABLED", "85", "161", "39", "77", "6"),
        "HCC47_gCancer": ({"47"}, CANCER),
        "HCC85_gRenal_V24": (HEART, _span(134, 138)),
        "HCC85_HCC96": (HEART, {"96"}),
        "gSubstanceUseDisorder_gPsych": (_span(54, 56), _span(57, 60)),
        "SEPSIS_PRESSURE_ULCER": (SEPSIS, ULCER),
        "ART_OPENINGS_PRESS_ULCER": (OPENINGS, ULCER),
        "gCopdCF_ASP_SPEC_B_PNEUM": (COPD, PNEUMONIA),
        "ASP_SPEC_B_PNEUM_PRES_ULC": (PNEUMONIA, ULCER),
        "DISABLED_PRESSURE_ULCER": ("DISABLED", ULCER),
    },
    "V28": {
        "DIABETES_HF_V28": (_span(35, 38), _span(221, 226)),
        "HF_CHR_LUNG_V28": (_span(221, 226), _span(276, 280)),
        "HF_KIDNEY_V28": (_span(221, 226), _span(326, 329)),
        "CHR_LUNG_CARD_RESP_FAIL_V28": (_span(276, 280), _span(211, 213)),
        "HF_HCC238_V28": (_span(221, 226), {"238"}),
        "gSubUseDisorder_gPsych_V28": (_span(135, 139), _span(151, 155)),
        "DISABLED_CANCER_V28": ("DISABLED", _span(17, 23)),
        "DISABLED_NEURO_V28": ("DISABLED", _span(180, 182) | _span(190, 192) | {"195", "196", "198", "199"}),
        "DISABLED_HF_V28": ("DISABLED", _span(221, 226)),
        "DISABLED_CHR_LUNG_V28": ("DISABLED", _span(276, 280)),
        "DISABLED_ULCER_V28": ("DISABLED", _span(379, 382)),
    },
    "ESRD V21": {
        **INSTITUTION,
        **_alone("NONAGED", "6", "34", "39", "46", "54", "55", "77", "85", "110", "161", "176"),
        "SEPSIS_CARD_RESP_FAIL": (SEPSIS, LUNGS_FAIL),
        "CANCER_IMMUNE": (CANCER, {"47"}),
        "CHF_COPD": (HEART, V21_COPD),
        "CHF_RENAL": (HEART, _span(134, 141)),
        "COPD_CARD_RESP_FAIL": (V21_COPD, LUNGS_FAIL),
        "SEPSIS_PRESSURE_ULCER": (SEPSIS, _span(157, 160)),
        "ART_OPENINGS_PRESSURE_ULCER": (OPENINGS, _span(157, 160)),
        "COPD_ASP_SPEC_BACT_PNEUM": (V21_COPD, PNEUMONIA),
        "ASP_SPEC_BACT_PNEUM_PRES_ULC": (PNEUMONIA, _span(157, 160)),
        "SCHIZOPHRENIA_COPD": (SCHIZOPHRENIA, V21_COPD),
        "NONAGED_PRESSURE_ULCER": ("NONAGED", _span(157, 160)),
    },
    "ESRD V24": {
        **INSTITUTION,
        **LUNG_INSTITUTION,
        **_alone("NONAGED", "6", "34", "39", "46", "77", "85", "110", "161", "176"),
        "HCC47_gCancer": ({"47"}, CANCER),
        "HCC85_gRenal_V24": (HEART, _span(134, 138)),
        "HCC85_HCC96": (HEART, {"96"}),
        "gSubUseDs_gPsych_V24": (_span(54, 56), _span(57, 60)),
        "NONAGED_gSubUseDs_gPsych": ("NONAGED", _span(54, 56), _span(57, 60)),
        "SEPSIS_PRESSURE_ULCER_V24": (SEPSIS, _span(157, 160)),
        "ART_OPENINGS_PRESS_ULCER_V24": (OPENINGS, _span(157, 160)),
        "gCopdCF_ASP_SPEC_B_PNEUM": (COPD, PNEUMONIA),
        "ASP_SPEC_B_PNEUM_PRES_ULC_V24": (PNEUMONIA, _span(157, 160)),
        "NONAGED_PRESSURE_ULCER_V24": ("NONAGED", _span(157, 160)),
    },
    "RxHCC V08": {f"NonAged_RXHCC{hcc}": ("NONAGED", {hcc}) for hcc in ("1", "130", "131", "132", "133", "159", "163")},
    "RxHCC MAPD": {
        f"NonAged_RXHCC{hcc}": ("NONAGED", {hcc}) for hcc in ("1", "130", "131", "132", "133", "159", "163")
    },
}


def disabled(person: Person, defects: frozenset[Defect]) -> bool:
    """DISABL: below 65, and the reason is not 0; a blank is not."""
    old_age = {"0", None} if Defect.MISSING_OREC_IS_OLD_AGE in defects else {"0"}
    return not person.aged and person.orec not in old_age


def nonaged(person: Person, model: str, defects: frozenset[Defect]) -> bool:
    """Below 65; V21's macros write DISABL in its place (NONAGED_HCC6 = DISABL*HCC6)."""
    if model == "ESRD V21" and Defect.V21_NONAGED_IS_AN_AGE not in defects:
        return disabled(person, defects)
    return not person.aged


def interactions(person: Person, hccs: set[str], model: str, defects: frozenset[Defect]) -> list[str]:
    flags = {"DISABLED": disabled(person, defects), "NONAGED": nonaged(person, model, defects)}
    names = [
        name
        for name, product in PRODUCTS[model].items()
        if all(flags[group] if isinstance(group, str) else bool(group & hccs) for group in product)
    ]
    if Defect.V22_DIABETES_AND_HEART_FAILURE_MISNAMED in defects:
        names = [name for name in names if name != "HCC85_gDiabetesMellit"]
    return names


def disease_terms(person: Person, hccs: set[str], model: str, prefix: str, defects: frozenset[Defect]) -> list[str]:
    """The names of the coefficients that a person's HCCs bring: each HCC, their interactions, their number."""
    kind = "RXHCC" if model.startswith("RxHCC") else "HCC"
    names = [f"{kind}{hcc}" for hcc in sorted(hccs, key=int)] + interactions(person, hccs, model, defects)
    if hccs:
        names.append(f"D{len(hccs)}" if len(hccs) < 10 else "D10P")
    return [f"{prefix}{name}" for name in names]
