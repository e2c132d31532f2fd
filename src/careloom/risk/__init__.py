"""CMS-HCC risk adjustment: scores for a whole population by one SQL statement, on whichever engine has the data.

`score` runs it in an embedded DuckDB; `scoring_statement` and `lookups` give the same statement and its tables to
PostgreSQL, BigQuery and Spark.
"""

from __future__ import annotations

from careloom.risk.lookups import Lookups, lookups
from careloom.risk.models import MODELS, Model, model_named
from careloom.risk.payment import blend
from careloom.risk.rules import RULES, Rule
from careloom.risk.scoring import score, standard_money
from careloom.risk.statement import COLUMNS, Money, Names, scoring_statement
from careloom.risk.tables import Tables, digests, read_tables, years

__all__ = [
    "COLUMNS",
    "MODELS",
    "RULES",
    "Lookups",
    "Model",
    "Money",
    "Names",
    "Rule",
    "Tables",
    "blend",
    "digests",
    "lookups",
    "model_named",
    "read_tables",
    "score",
    "scoring_statement",
    "standard_money",
    "years",
]
