"""Groups of categories, and what counts more when it comes together: one table a model, as CMS's software has it.

A part of an interaction is a group, a single category (`HCC85`), or a fact about the person: `disabled` (under 65 and
entitled by disability) or `nonaged` (under 65).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Interactions:
    """`groups`: name to its categories; `parts`: an interaction's name to what must all be there."""

    groups: Mapping[str, frozenset[str]]
    parts: Mapping[str, tuple[str, ...]]


def _groups(**groups: str) -> dict[str, frozenset[str]]:
    return {name: frozenset(categories.split()) for name, categories in groups.items()}


def _alone(flag: str, prefix: str, categories: str) -> dict[str, tuple[str, ...]]:
    return {f"{prefix}_HCC{category}": (flag, f"HCC{category}") for category in categories.split()}


V28 = Interactions(
    groups=_groups(
        CANCER="17 18 19 20 21 22 23",
        DIABETES="35 36 37 38",
        CARD_RESP_FAIL="211 212 213",
        HF="221 222 223 224 225 226",
        CHR_LUNG="276 277 278 279 280",
        KIDNEY="326 327 328 329",
        SUBSTANCE="135 136 137 138 139",
        PSYCHIATRIC="151 152 153 154 155",
        NEURO="180 181 182 190 191 192 195 196 198 199",
        ULCER="379 380 381 382",
    ),
    parts={
        "DIABETES_HF_V28": ("DIABETES", "HF"),
        "HF_CHR_LUNG_V28": ("HF", "CHR_LUNG"),
        "HF_KIDNEY_V28": ("HF", "KIDNEY"),
        "CHR_LUNG_CARD_RESP_FAIL_V28": ("CHR_LUNG", "CARD_RESP_FAIL"),
        "HF_HCC238_V28": ("HF", "HCC238"),
        "gSubUseDisorder_gPsych_V28": ("SUBSTANCE", "PSYCHIATRIC"),
        "DISABLED_CANCER_V28": ("disabled", "CANCER"),
        "DISABLED_NEURO_V28": ("disabled", "NEURO"),
        "DISABLED_HF_V28": ("disabled", "HF"),
        "DISABLED_CHR_LUNG_V28": ("disabled", "CHR_LUNG"),
        "DISABLED_ULCER_V28": ("disabled", "ULCER"),
    },
)

_V24_GROUPS = {
    "CANCER": "8 9 10 11 12",
    "DIABETES": "17 18 19",
    "CARD_RESP_FAIL": "82 83 84",
    "COPD": "110 111 112",
    "RENAL": "134 135 136 137 138",
    "SUBSTANCE": "54 55 56",
    "PSYCHIATRIC": "57 58 59 60",
}
_V24_PARTS = {
    "HCC47_gCancer": ("HCC47", "CANCER"),
    "DIABETES_CHF": ("DIABETES", "HCC85"),
    "CHF_gCopdCF": ("HCC85", "COPD"),
    "HCC85_gRenal_V24": ("HCC85", "RENAL"),
    "gCopdCF_CARD_RESP_FAIL": ("COPD", "CARD_RESP_FAIL"),
    "HCC85_HCC96": ("HCC85", "HCC96"),
}
_INSTITUTIONAL = {
    "SEPSIS_ARTIF_OPENINGS": ("HCC2", "HCC188"),
    "SEPSIS_ASP_SPEC_BACT_PNEUM": ("HCC2", "HCC114"),
    "SCHIZOPHRENIA_CHF": ("HCC57", "HCC85"),
    "SCHIZOPHRENIA_SEIZURES": ("HCC57", "HCC79"),
}

V24 = Interactions(
    groups=_groups(**_V24_GROUPS, PRESSURE_ULCER="157 158 159"),
    parts=_V24_PARTS
    | _INSTITUTIONAL
    | {
        "gSubstanceUseDisorder_gPsych": ("SUBSTANCE", "PSYCHIATRIC"),
        "SEPSIS_PRESSURE_ULCER": ("HCC2", "PRESSURE_ULCER"),
        "ART_OPENINGS_PRESS_ULCER": ("HCC188", "PRESSURE_ULCER"),
        "gCopdCF_ASP_SPEC_B_PNEUM": ("COPD", "HCC114"),
        "ASP_SPEC_B_PNEUM_PRES_ULC": ("HCC114", "PRESSURE_ULCER"),
        "SCHIZOPHRENIA_gCopdCF": ("HCC57", "COPD"),
        "DISABLED_PRESSURE_ULCER": ("disabled", "PRESSURE_ULCER"),
    }
    | _alone("disabled", "DISABLED", "85 161 39 77 6"),
)

V22 = Interactions(
    groups=_groups(
        CANCER="8 9 10 11 12",
        DIABETES="17 18 19",
        CARD_RESP_FAIL="82 83 84",
        COPD="110 111 112",
        RENAL="134 135 136 137",
        SUBSTANCE="54 55",
        PSYCHIATRIC="57 58",
        PRESSURE_ULCER="157 158",
    ),
    parts=_INSTITUTIONAL
    | {
        "HCC47_gCancer": ("HCC47", "CANCER"),
        "HCC85_gDiabetesMellit": ("HCC85", "DIABETES"),
        "HCC85_gCopdCF": ("HCC85", "COPD"),
        "HCC85_gRenal": ("HCC85", "RENAL"),
        "gRespDepandArre_gCopdCF": ("CARD_RESP_FAIL", "COPD"),
        "HCC85_HCC96": ("HCC85", "HCC96"),
        "gSubstanceAbuse_gPsychiatric": ("SUBSTANCE", "PSYCHIATRIC"),
        "DIABETES_CHF": ("DIABETES", "HCC85"),
        "CHF_gCopdCF": ("HCC85", "COPD"),
        "gCopdCF_CARD_RESP_FAIL": ("COPD", "CARD_RESP_FAIL"),
        "SEPSIS_PRESSURE_ULCER": ("HCC2", "PRESSURE_ULCER"),
        "ART_OPENINGS_PRESSURE_ULCER": ("HCC188", "PRESSURE_ULCER"),
        "gCopdCF_ASP_SPEC_BACT_PNEUM": ("COPD", "HCC114"),
        "ASP_SPEC_BACT_PNEUM_PRES_ULC": ("HCC114", "PRESSURE_ULCER"),
        "SCHIZOPHRENIA_gCopdCF": ("HCC57", "COPD"),
        "DISABLED_PRESSURE_ULCER": ("disabled", "PRESSURE_ULCER"),
    }
    | _alone("disabled", "DISABLED", "85 161 39 77 6"),
)

ESRD_V24 = Interactions(
    groups=_groups(**_V24_GROUPS, PRESSURE_ULCER="157 158 159 160"),
    parts=_V24_PARTS
    | _INSTITUTIONAL
    | {
        "gSubUseDs_gPsych_V24": ("SUBSTANCE", "PSYCHIATRIC"),
        "NONAGED_gSubUseDs_gPsych": ("nonaged", "SUBSTANCE", "PSYCHIATRIC"),
        "SEPSIS_PRESSURE_ULCER_V24": ("HCC2", "PRESSURE_ULCER"),
        "ART_OPENINGS_PRESS_ULCER_V24": ("HCC188", "PRESSURE_ULCER"),
        "gCopdCF_ASP_SPEC_B_PNEUM": ("COPD", "HCC114"),
        "ASP_SPEC_B_PNEUM_PRES_ULC_V24": ("HCC114", "PRESSURE_ULCER"),
        "SCHIZOPHRENIA_gCopdCF": ("HCC57", "COPD"),
        "NONAGED_PRESSURE_ULCER_V24": ("nonaged", "PRESSURE_ULCER"),
    }
    | _alone("nonaged", "NONAGED", "6 34 46 110 176 85 161 39 77"),
)

ESRD_V21 = Interactions(
    groups=_groups(
        CANCER="8 9 10 11 12",
        DIABETES="17 18 19",
        CARD_RESP_FAIL="82 83 84",
        COPD="110 111",
        RENAL="134 135 136 137 138 139 140 141",
        PRESSURE_ULCER="157 158 159 160",
    ),
    parts=_INSTITUTIONAL
    | {
        "SEPSIS_CARD_RESP_FAIL": ("HCC2", "CARD_RESP_FAIL"),
        "CANCER_IMMUNE": ("CANCER", "HCC47"),
        "DIABETES_CHF": ("DIABETES", "HCC85"),
        "CHF_COPD": ("HCC85", "COPD"),
        "CHF_RENAL": ("HCC85", "RENAL"),
        "COPD_CARD_RESP_FAIL": ("COPD", "CARD_RESP_FAIL"),
        "SEPSIS_PRESSURE_ULCER": ("HCC2", "PRESSURE_ULCER"),
        "ART_OPENINGS_PRESSURE_ULCER": ("HCC188", "PRESSURE_ULCER"),
        "COPD_ASP_SPEC_BACT_PNEUM": ("COPD", "HCC114"),
        "ASP_SPEC_BACT_PNEUM_PRES_ULC": ("HCC114", "PRESSURE_ULCER"),
        "SCHIZOPHRENIA_COPD": ("HCC57", "COPD"),
        "NONAGED_PRESSURE_ULCER": ("nonaged", "PRESSURE_ULCER"),
    }
    | _alone("nonaged", "NONAGED", "6 34 46 54 55 110 176 85 161 39 77"),
)

RX_V08 = Interactions(
    groups={},
    parts={
        f"NonAged_RXHCC{category}": ("nonaged", f"HCC{category}")
        for category in ("1", "130", "131", "132", "133", "159", "163")
    },
)
