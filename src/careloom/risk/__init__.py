"""CMS-HCC risk adjustment: scores for a whole population by one SQL statement, on whichever engine has the data.

`score` runs it in an embedded DuckDB; `scoring_statement` and `lookups` give the same statement and its tables to
PostgreSQL, BigQuery and Spark. Each is loaded when it is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from careloom.core.late import offered

if TYPE_CHECKING:
    from careloom.risk.model.models import MODELS, Model, model_named
    from careloom.risk.model.rules import RULES, Rule
    from careloom.risk.payment.announced import blend
    from careloom.risk.payment.factors import Fact, Factors, facts, read_factors, standard_money
    from careloom.risk.payment.frailty import Frailty, frailty_score
    from careloom.risk.payment.payment_factors import Money
    from careloom.risk.published.lookup_tables import Lookups, lookups
    from careloom.risk.published.tables import Tables, digests, read_tables, years
    from careloom.risk.scores.blend import blended
    from careloom.risk.scores.monthly import snapshots
    from careloom.risk.scores.score import score
    from careloom.risk.sql.statement import COLUMNS, Names, scoring_statement

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
        "model.models": ("MODELS", "Model", "model_named"),
        "model.rules": ("RULES", "Rule"),
        "payment.announced": ("blend",),
        "payment.factors": ("Fact", "Factors", "facts", "read_factors", "standard_money"),
        "payment.frailty": ("Frailty", "frailty_score"),
        "payment.payment_factors": ("Money",),
        "published.lookup_tables": ("Lookups", "lookups"),
        "published.tables": ("Tables", "digests", "read_tables", "years"),
        "scores.blend": ("blended",),
        "scores.monthly": ("snapshots",),
        "scores.score": ("score",),
        "sql.statement": ("COLUMNS", "Names", "scoring_statement"),
    },
)
