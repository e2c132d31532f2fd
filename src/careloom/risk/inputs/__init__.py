"""Claims as payers and clearing houses send them, read into the tables that risk scores are made from.

`read_fhir` and `read_837` give one row a service line; `filter_claims` keeps the lines whose diagnoses CMS counts;
`diagnoses` and `encounters` make of either what `careloom.risk.score` and a person want to look at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from careloom.core.late import offered

if TYPE_CHECKING:
    from careloom.risk.inputs.fhir import read_fhir
    from careloom.risk.inputs.filter import diagnoses, encounters, filter_claims
    from careloom.risk.inputs.lines import SERVICES, HeldInput
    from careloom.risk.inputs.rules import ClaimRules, claim_rules
    from careloom.risk.inputs.x12 import read_837

__all__ = [
    "SERVICES",
    "ClaimRules",
    "HeldInput",
    "claim_rules",
    "diagnoses",
    "encounters",
    "filter_claims",
    "read_837",
    "read_fhir",
]

__getattr__ = offered(
    __name__,
    {
        "fhir": ("read_fhir",),
        "filter": ("diagnoses", "encounters", "filter_claims"),
        "lines": ("SERVICES", "HeldInput"),
        "rules": ("ClaimRules", "claim_rules"),
        "x12": ("read_837",),
    },
)
