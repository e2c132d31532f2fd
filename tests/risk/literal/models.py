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
