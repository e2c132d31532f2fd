"""CMS-HCC risk adjustment: scores for a whole population by one SQL statement, on whichever engine has the data.

`score` runs it in an embedded DuckDB; `scoring_statement` and `lookups` give the same statement and its tables to
PostgreSQL, BigQuery and Spark.
"""

from __future__ import annotations

from careloom.risk.blending import blended
from careloom.risk.factors import Fact, Factors, facts, read_factors, standard_money
from careloom.risk.frailty import Frailty, frailty_score
from careloom.risk.lookups import Lookups, lookups
from careloom.risk.models import MODELS, Model, model_named
from careloom.risk.monthly import snapshots
from careloom.risk.payment import blend
from careloom.risk.rules import RULES, Rule
from careloom.risk.scoring import score
from careloom.risk.statement import COLUMNS, Money, Names, scoring_statement
from careloom.risk.tables import Tables, digests, read_tables, years

__all__ = [
    "COLUMNS",
    "MODELS",
    "RULES",
    "Fact",
    "Factors",
    "Frailty",
    "Lookups",
    "Model",
    "Money",
    "Names",
    "Rule",
    "Tables",
    "blend",
    "blended",
    "digests",
    "facts",
    "frailty_score",
    "lookups",
    "model_named",
    "read_factors",
    "read_tables",
    "score",
    "scoring_statement",
    "snapshots",
    "standard_money",
    "years",
]
