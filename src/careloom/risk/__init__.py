"""CMS-HCC risk adjustment: scores for a whole population by one SQL statement, on whichever engine has the data.

`score` runs it in an embedded DuckDB; `scoring_statement` and `lookups` give the same statement and its tables to
PostgreSQL, BigQuery and Spark. Each is loaded when it is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from careloom.core.late import offered

if TYPE_CHECKING:
    from careloom.risk.blending import blended
    from careloom.risk.factors import Fact, Factors, facts, read_factors, standard_money
    from careloom.risk.frailty import Frailty, frailty_score
    from careloom.risk.lookup_tables import Lookups, lookups
    from careloom.risk.models import MODELS, Model, model_named
    from careloom.risk.money import Money
    from careloom.risk.monthly import snapshots
    from careloom.risk.payment import blend
    from careloom.risk.rules import RULES, Rule
    from careloom.risk.scoring import score
    from careloom.risk.statement import COLUMNS, Names, scoring_statement
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

__getattr__ = offered(
    __name__,
    {
        "blending": ("blended",),
        "factors": ("Fact", "Factors", "facts", "read_factors", "standard_money"),
        "frailty": ("Frailty", "frailty_score"),
        "lookup_tables": ("Lookups", "lookups"),
        "models": ("MODELS", "Model", "model_named"),
        "money": ("Money",),
        "monthly": ("snapshots",),
        "payment": ("blend",),
        "rules": ("RULES", "Rule"),
        "scoring": ("score",),
        "statement": ("COLUMNS", "Names", "scoring_statement"),
        "tables": ("Tables", "digests", "read_tables", "years"),
    },
)
