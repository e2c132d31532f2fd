"""Hand-worked people: CMS's published factors added up by hand, beside the literal reading and careloom.risk.

The factors are those of the 2024 to 2026 rate announcements (V28, V24, ESRD V24, RxHCC V08) and of the PACE models (V22,
ESRD V21). The scores marked with a star are also what CMS's own ESRD software of payment year 2026 gives, as two
independent implementations report that were held beside it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

import pytest

from risk.literal import Person, score
from risk.test_compat import Row, by_careloom, by_literal

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


def of(age: float, **told: object) -> Person:
    return Person(age=age, **told)  # type: ignore[arg-type]


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
ESRD_V24 = [
    case(
        "dialysis*", "ESRD V24", of(73, dual_elgbl_cd="02"), "A0103", "DI", "115", "0.624 F70_74, 0.060 FBDual, 0.030"
    ),
    case(
        "dialysis in an institution: not the graft's factor",
        "ESRD V24",
        of(80, orec="2", lti=True),
        "I509 J449",
        "DI",
        "85 111",
        "0.661 F80_84, -0.024 Originally_ESRD, 0.020 LTI_Aged, 0.063 HCC85, 0.058 HCC111, 0.003 CHF_gCopdCF",
    ),
    case(
        "dialysis below 65: substance use and psychiatric",
        "ESRD V24",
        of(50, sex="M", orec="2", dual_elgbl_cd="03"),
        "F200 F1020",
        "DI",
        "55 57",
        "0.551 M45_54, 0.111 HCC55, 0.111 HCC57, 0.055 NONAGED_gSubUseDs_gPsych",
    ),
    case(
        "kidney failure counts for nobody", "ESRD V24", of(50, sex="M", orec="2"), "N186 N185", "DI", "", "0.551 M45_54"
    ),
    case("dialysis, new*", "ESRD V24", of(40, new_enrollee=True), "", "DNE", "", "0.747 ND_PBD_NORIGDIS_NEF35_44"),
    case("dialysis, new, 85 and more", "ESRD V24", of(90, new_enrollee=True), "", "DNE", "", "0.963 NEF85_GT"),
    case(
        "dialysis, new, disabled below 65",
        "ESRD V24",
        of(50, new_enrollee=True, crec="2", **DIS),
        "",
        "DNE",
        "",
        "0.938 ND_PBD_ORIGDIS_NEF45_54",
    ),
    case(
        "the first month after a transplant*",
        "ESRD V24",
        of(50, sex="M", graft_months=1),
        "I509",
        "TRANSPLANT_KIDNEY_ONLY_1M",
        "85",
        "5.985",
    ),
    case(
        "the third month*",
        "ESRD V24",
        of(50, sex="M", graft_months=3),
        "",
        "TRANSPLANT_KIDNEY_ONLY_3M",
        "",
        "0.941",
    ),
    case("4 months: the graft functions", "ESRD V24", of(60, orec="2", graft_months=4), "", "GNPN", "", "0.373, 1.737"),
    case("9 months", "ESRD V24", of(60, orec="2", graft_months=9), "", "GNPN", "", "0.373, 1.737 LT65_DUR4_9"),
    case("10 months", "ESRD V24", of(60, orec="2", graft_months=10), "", "GNPN", "", "0.373, 0.335 LT65_DUR10PL"),
    case(
        "graft, full dual, aged*",
        "ESRD V24",
        of(67, dual_elgbl_cd="02", graft_months=6),
        "D66",
        "GFA",
        "48",
        "0.402 F65_69, 2.605 GE65_DUR4_9_FBD, 0.240 HCC48",
    ),
    case(
        "graft in an institution, partial dual*",
        "ESRD V24",
        of(70, sex="M", dual_elgbl_cd="01", lti=True, graft_months=12),
        "",
        "GI",
        "",
        "1.265 M70_74, 0.905 GE65_DUR10PL_ND_PBD, 0.162 PBD_GE65_flag, 0.955 LTI_GE65",
    ),
    case(
        "graft, new: divided by the actuarial adjustment of 0.905*",
        "ESRD V24",
        of(67, dual_elgbl_cd="02", new_enrollee=True, graft_months=6),
        "",
        "GNE",
        "",
        "(0.996 FBD_NORIGDIS_G_NEF67 + 2.605 GE65_DUR4_9_FBD) / 0.905 = 3.979",
    ),
]
ESRD_V21 = [
    case(
        "graft, Medicaid, aged*",
        "ESRD V21",
        of(67, dual_elgbl_cd="02", graft_months=6),
        "D66",
        "GC",
        "48",
        "0.291 F65_69, 0.275 MCAID_Female_Aged, 2.562 GE65_DUR4_9, 0.234 HCC48",
    ),
    case(
        "graft in an institution, Medicaid*",
        "ESRD V21",
        of(40, sex="M", dual_elgbl_cd="01", lti=True, graft_months=12),
        "",
        "GI",
        "",
        "0.956 M35_44, 0.074 MCAID, 0.840 LT65_DUR10PL",
    ),
    case("dialysis, new*", "ESRD V21", of(40, new_enrollee=True), "", "DNE", "", "0.793 NMCAID_NORIGDIS_NEF35_44"),
    case(
        "graft, new, Medicaid: not adjusted*",
        "ESRD V21",
        of(67, dual_elgbl_cd="02", new_enrollee=True, graft_months=6),
        "",
        "GNE",
        "",
        "0.919 MCAID_NORIGDIS_G_NEF67, 2.562 GE65_DUR4_9",
    ),
    case("transplant*", "ESRD V21", of(50, graft_months=1), "", "TRANSPLANT_KIDNEY_ONLY_1M", "", "6.030"),
    case(
        "below 65 and entitled by age is not disabled",
        "ESRD V21",
        of(50, crec="2", dual_elgbl_cd="02"),
        "K860",
        "DI",
        "34",
        "0.522 F45_54, 0.067 MCAID_Female_Aged, 0.073 HCC34",
    ),
]
RX = [
    case(
        "community, no low income, aged: 30 drops 31",
        "RxHCC V08",
        of(70),
        "E1165 E119",
        "Rx_CE_NoLowAged",
        "30",
        "0.078, 0.586",
    ),
    case("low income, aged", "RxHCC V08", of(70, low_income=True), "E119", "Rx_CE_LowAged", "31", "0.048, 0.493"),
    case(
        "low income, not aged",
        "RxHCC V08",
        of(50, low_income=True, **DIS),
        "E119",
        "Rx_CE_LowNoAged",
        "31",
        "0.729, 0.535",
    ),
    case("no low income, not aged", "RxHCC V08", of(50, **DIS), "E119", "Rx_CE_NoLowNoAged", "31", "0.333, 0.184"),
    case(
        "low income, originally disabled",
        "RxHCC V08",
        of(70, sex="M", low_income=True, **DIS),
        "E119",
        "Rx_CE_LowAged",
        "31",
        "0.213 M70_74, 0.165 M65OD, 0.493 RXHCC31",
    ),
    case(
        "institution, not aged: schizophrenia counts more",
        "RxHCC V08",
        of(50, lti=True, **DIS),
        "F200",
        "Rx_CE_LTI",
        "130",
        "1.904 F45_54, 0.264 RXHCC130, 0.828 NonAged_RXHCC130",
    ),
    case(
        "institution, originally disabled",
        "RxHCC V08",
        of(70, lti=True, **DIS),
        "",
        "Rx_CE_LTI",
        "",
        "1.073, 0.223 ORIGDS",
    ),
    case("new enrollee", "RxHCC V08", of(66, new_enrollee=True), "", "Rx_NE_NoLo", "", "0.413 NESRD_NOD_x_F66"),
    case("new, low income", "RxHCC V08", of(66, new_enrollee=True, low_income=True), "", "Rx_NE_Lo", "", "0.804"),
    case(
        "new, institution",
        "RxHCC V08",
        of(66, new_enrollee=True, lti=True, **DIS),
        "",
        "Rx_NE_LTI",
        "",
        "2.478 NESRD_OD",
    ),
    case("new, 64 counts as 65, ESRD", "RxHCC V08", of(64, new_enrollee=True, crec="2"), "", "Rx_NE_NoLo", "", "1.230"),
]
CASES = [*V28, *V24, *V22, *ESRD_V24, *ESRD_V21, *RX]


@cache
def careloom_rows(model: str) -> dict[str, Row]:
    """All cases of a model in one call."""
    mine = [one for one in CASES if one.model == model]
    rows = by_careloom([(one.person, list(one.codes)) for one in mine], model, "cms")
    return dict(zip((one.rule for one in mine), rows, strict=True))


def by(implementation: str, one: Case) -> Row:
    return (
        by_literal(one.person, one.codes, one.model)
        if implementation == "literal"
        else careloom_rows(one.model)[one.rule]
    )


@pytest.mark.parametrize("implementation", ["literal", "careloom"])
@pytest.mark.parametrize("one", CASES, ids=lambda one: f"{one.model}: {one.rule}")
def test_a_hand_worked_person_scores_what_the_rules_say(one: Case, implementation: str) -> None:
    row = by(implementation, one)
    assert row.scores[0] == one.expected
    assert row.segment == one.segment
    assert row.after == set(one.hccs.split())
    assert row.count == len(one.hccs.split())
    assert row.scores[0] == row.scores[1] + row.scores[2]
    assert row.scores[2] == 0 or one.hccs


COUNTED = ["B20", "A419", "E08649", "E6601", "I509", "J449", "N184", "M0579", "F200", "I4891", "G800", "C770"]
PAYMENT_COUNTS = {  # community, non-dual, aged: the published factor of so many payment HCCs
    "V28": [0, 0, 0, 0, 50, 102, 188, 316, 444, 728, 728, 728],
    "V24": [0, 0, 0, 6, 42, 77, 126, 214, 258, 505, 505, 505],
}


@pytest.mark.parametrize("implementation", ["literal", "careloom"])
@pytest.mark.parametrize("model", PAYMENT_COUNTS)
def test_the_number_of_payment_hccs_has_its_published_factor(model: str, implementation: str) -> None:
    people = [(of(72), COUNTED[:count]) for count in range(1, len(COUNTED) + 1)]
    if implementation == "careloom":
        rows = by_careloom(people, model, "cms")
    else:
        rows = [by_literal(person, codes, model) for person, codes in people]
    for (person, codes), row in zip(people, rows, strict=True):
        terms = score(person, codes, model=model).terms
        others = sum(value for name, value in terms.items() if not re.fullmatch(r"CNA_D(\d|10P)", name))
        assert row.scores[0] - others == PAYMENT_COUNTS[model][row.count - 1]
    assert max(row.count for row in rows) >= 10


def test_the_payment_score_is_adjusted_for_coding_and_normalised() -> None:
    # 2.120 x (1 - 0.059) / 1.067 = 1.86965...; CMS rounds later, at each step of the payment
    first = V28[0]
    assert by_literal(first.person, first.codes, "V28").payment == pytest.approx(2.120 * 0.941 / 1.067, abs=1e-12)
    assert careloom_rows("V28")[first.rule].payment == pytest.approx(1.869653, abs=1e-6)


def test_the_factors_of_payment_year_2026_are_the_published_ones() -> None:
    # rate announcement 2026: V28 1.067, coding 5.90 %; ESRD V24 dialysis 1.062 and graft 1.104
    someone: list[tuple[Person, list[str]]] = [(of(72), [])]
    grafted: list[tuple[Person, list[str]]] = [(of(67, dual_elgbl_cd="02", graft_months=6), [])]
    assert by_careloom(someone, "V28", "cms", None)[0].payment == pytest.approx(0.395 * 0.941 / 1.067, abs=1e-9)
    assert by_careloom(someone, "ESRD V24", "cms", None)[0].payment == pytest.approx(0.624 * 0.941 / 1.062, abs=1e-9)
    assert by_careloom(grafted, "ESRD V24", "cms", None)[0].payment == pytest.approx(3.007 * 0.941 / 1.104, abs=1e-9)
