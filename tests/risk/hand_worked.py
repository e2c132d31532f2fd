"""Hand-worked people of the community models: what each is, and CMS's published factors added up by hand."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from risk.literal import Person

FACTOR = re.compile(r"[+-]?\d+\.\d+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One person; `worth` names every factor with its value, and the sum of its numbers is the score."""

    rule: str
    model: str
    person: Person
    codes: tuple[str, ...] = ()
    segment: str
    hccs: str = ""
    worth: str

    @property
    def expected(self) -> int:
        """The sum of all factors, or what stands behind an equals sign where it is not a sum."""
        counted = self.worth.rpartition("=")[2]
        return int(sum(Decimal(number) for number in FACTOR.findall(counted)) * 1000)


def of(age: float, **facts: object) -> Person:
    return Person(age=age, **facts)  # type: ignore[arg-type]


def case(rule: str, model: str, person: Person, codes: str, segment: str, hccs: str, worth: str) -> Case:
    return Case(
        rule=rule,
        model=model,
        person=person,
        codes=tuple(codes.split()),
        segment=segment,
        hccs=hccs,
        worth=worth,
    )


DIS = {"orec": "1"}
V28 = [
    case(
        "community, non-dual, aged: cells, HCCs and their three interactions; four payment HCCs add nothing",
        "V28",
        of(72),
        "E11.9 i509 J449 N184",
        "CNA",
        "38 226 280 327",
        "0.395 F70_74, 0.166 HCC38, 0.360 HCC226, 0.319 HCC280, 0.514 HCC327, "
        "0.112 DIABETES_HF, 0.078 HF_CHR_LUNG, 0.176 HF_KIDNEY",
    ),
    case(
        "community, non-dual, disabled: substance use and psychiatric interact below 65 only",
        "V28",
        of(50, **DIS),
        "F200 F1020",
        "CND",
        "139 151",
        "0.340 F45_54, 0.207 HCC139, 0.380 HCC151, 0.087 gSubUseDisorder_gPsych",
    ),
    case("full dual, aged", "V28", of(80, sex="M", dual_elgbl_cd="02"), "I509", "CFA", "226", "0.789 M80_84, 0.406"),
    case("partial dual, aged", "V28", of(80, sex="M", dual_elgbl_cd="01"), "I509", "CPA", "226", "0.565 M80_84, 0.311"),
    case("full dual, disabled", "V28", of(50, dual_elgbl_cd="02", **DIS), "I509", "CFD", "226", "0.384 F45_54, 0.537"),
    case(
        "partial dual, disabled",
        "V28",
        of(50, sex="M", dual_elgbl_cd="03", **DIS),
        "I509",
        "CPD",
        "226",
        "0.300 M45_54, 0.411",
    ),
    case(
        "institution: LTIMCAID for Medicaid, and disabled people's own interactions",
        "V28",
        of(60, lti=True, dual_elgbl_cd="02", **DIS),
        "I501 C50011",
        "INS",
        "23 226",
        "0.881 F60_64, 0.130 LTIMCAID, 0.197 HCC23, 0.217 HCC226, 0.367 DISABLED_CANCER, 0.488 DISABLED_HF",
    ),
    case(
        "institution before new enrollee: the continuing enrollee's cell",
        "V28",
        of(86, sex="M", lti=True, new_enrollee=True),
        "",
        "INS",
        "",
        "1.135 M85_89",
    ),
    case("64 and entitled by age counts as 65", "V28", of(64, new_enrollee=True), "", "NE", "", "0.532 NEF65"),
    case("64 and disabled does not", "V28", of(64, new_enrollee=True, **DIS), "", "NE", "", "1.212 NEF60_64"),
    case("new enrollee of 65", "V28", of(65, new_enrollee=True), "", "NE", "", "0.532 NEF65"),
    case("new enrollee of 67 with ESRD", "V28", of(67, new_enrollee=True, orec="2"), "", "NE", "", "0.557 NEF67"),
    case("new enrollee, originally disabled", "V28", of(69, new_enrollee=True, **DIS), "", "NE", "", "1.276 NEF69"),
    case("new enrollee of 70", "V28", of(70, new_enrollee=True), "", "NE", "", "0.694 NEF70_74"),
    case(
        "new enrollee of a C-SNP, with Medicaid: no diagnosis counts",
        "V28",
        of(66, new_enrollee=True, snp=True, dual_elgbl_cd="04"),
        "I509",
        "SNPNE",
        "226",
        "1.285 NEF66",
    ),
    case("disabled at 64", "V28", of(64, **DIS), "", "CND", "", "0.436 F60_64"),
    case("originally disabled at 65", "V28", of(65, **DIS), "", "CNA", "", "0.330 F65_69, 0.228 OriginallyDisabled"),
    case(
        "diabetes counts once, the same for every kind",
        "V28",
        of(72),
        "E0800 E0821 E08649",
        "CNA",
        "36",
        "0.395, 0.166",
    ),
    case("diabetes without complication counts as much", "V28", of(72), "E08649", "CNA", "38", "0.395, 0.166"),
    case("heart failure 224 to 226 counts once", "V28", of(72), "I5023 I5021 I0981", "CNA", "224", "0.395, 0.360"),
    case("heart failure 226 counts as much", "V28", of(72), "I0981", "CNA", "226", "0.395, 0.360"),
    case("223 alone does not count", "V28", of(72), "T82512A", "CNA", "", "0.395"),
    case("223 beside 226 counts, and drops it", "V28", of(72), "T82512A I509", "CNA", "223", "0.395, 2.505 HCC223"),
    case("metastatic cancer drops the others", "V28", of(72), "C771 C770", "CNA", "17", "0.395, 4.209 HCC17"),
    case("haemophilia of a woman is another HCC", "V28", of(72), "D66", "CNA", "112", "0.395, 0.450 HCC112"),
    case("haemophilia of a man", "V28", of(72, sex="M"), "D66", "CNA", "111", "0.396 M70_74, 4.639 HCC111"),
    case("breast cancer below 50", "V28", of(49, **DIS), "C50011", "CND", "22", "0.340 F45_54, 0.366 HCC22"),
    case("breast cancer from 50", "V28", of(50, **DIS), "C50011", "CND", "23", "0.340 F45_54, 0.233 HCC23"),
    case("both HCCs of a code go when an age edit fires", "V28", of(10), "I70231", "CND", "", "0.238 F0_34"),
    case("an unknown code is nothing", "V28", of(72), "Z0000 nothing", "CNA", "", "0.395"),
]
V24 = [
    case(
        "diabetes, heart, lungs and kidneys, and four payment HCCs",
        "V24",
        of(72),
        "E1169 I509 J449 N184",
        "CNA",
        "18 85 111 137",
        "0.386 F70_74, 0.302 HCC18, 0.331 HCC85, 0.335 HCC111, 0.289 HCC137, "
        "0.121 DIABETES_CHF, 0.155 CHF_gCopdCF, 0.156 HCC85_gRenal, 0.006 D4",
    ),
    case(
        "a fifth payment HCC takes the place of the four's factor",
        "V24",
        of(72),
        "E1169 I509 J449 N184 B20",
        "CNA",
        "1 18 85 111 137",
        "0.386, 0.335 HCC1, 0.302, 0.331, 0.335, 0.289, 0.121, 0.155, 0.156, 0.042 D5",
    ),
    case(
        "institution, disabled, with sepsis, an ulcer and an opening",
        "V24",
        of(60, lti=True, dual_elgbl_cd="02", **DIS),
        "I509 A419 L89154 Z931",
        "INS",
        "2 85 157 188",
        "1.067 F60_64, 0.061 LTIMCAID, 0.324 HCC2, 0.203 HCC85, 0.854 HCC157, 0.514 HCC188, 0.474 SEPSIS_ARTIF_OPENINGS, "
        "0.279 DISABLED_HCC85, 0.155 SEPSIS_PRESSURE_ULCER, 0.359 ART_OPENINGS_PRESS_ULCER, 0.544 DISABLED_PRESSURE_ULCER",
    ),
    case(
        "substance use and psychiatric, disabled",
        "V24",
        of(50, **DIS),
        "F200 F1020",
        "CND",
        "55 57",
        "0.348 F45_54, 0.279 HCC55, 0.352 HCC57, 0.138 gSubstanceUseDisorder_gPsych",
    ),
]
V22 = [
    case(
        "heart failure with diabetes, and with kidney disease; V22 counts no payment HCCs",
        "V22",
        of(72),
        "E119 I509 N184",
        "CNA",
        "19 85 137",
        "0.374 F70_74, 0.104 HCC19, 0.323 HCC85, 0.237 HCC137, 0.154 HCC85_gDiabetesMellit, 0.270 HCC85_gRenal",
    ),
    case(
        "institution: heart failure with lung disease",
        "V22",
        of(80, lti=True),
        "I509 J449",
        "INS",
        "85 111",
        "0.860 F80_84, 0.191 HCC85, 0.305 HCC111, 0.164 CHF_gCopdCF",
    ),
    case(
        "new enrollee with Medicaid, originally disabled",
        "V22",
        of(66, new_enrollee=True, dual_elgbl_cd="02", **DIS),
        "",
        "NE",
        "",
        "1.619 MCAID_ORIGDIS_NEF66",
    ),
]
