"""The rendering for BigQuery has BigQuery's functions only, and the types of every column, comparison and result are known."""

from __future__ import annotations

import pytest
from sqlglot import exp

from careloom.risk import COLUMNS, scoring_statement
from careloom.risk.model.models import MODELS
from risk.bigquery_typing import annotate, declare_tables, faults

TYPES = {
    "person_id": "INT64",
    "risk_score_payment": "FLOAT64",
    "payment_hcc_count": "INT64",
    **dict.fromkeys(("model", "segment", "held"), "STRING"),
    **dict.fromkeys(("risk_score", "risk_score_demographics", "risk_score_hcc", "risk_score_chronic_only"), "NUMERIC"),
    **dict.fromkeys(("hcc_list", "hcc_list_before", "interactions", "defaults_taken"), "ARRAY<STRING>"),
}


@pytest.mark.parametrize("model", [name for name in MODELS if name != "RX-V08"])
def test_bigquery_finds_nothing_to_refuse_in_the_statement(model: str) -> None:
    year = 2027 if MODELS[model].variant or MODELS[model].proposed else 2026
    statement, schema = scoring_statement(model, year, dialect="bigquery"), declare_tables(model, year)
    assert faults(statement, schema) == []
    tree = annotate(statement, schema)
    assert isinstance(tree, exp.Select)
    rows_by_name = {one.alias_or_name: one.type.sql("bigquery") for one in tree.selects if one.type is not None}
    assert rows_by_name == TYPES
    assert tuple(rows_by_name) == COLUMNS


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("select LIST_CONCAT(['a'], ['b']) as x from people", "no function LIST_CONCAT"),
        ("select person_id from people where sex = 1", "STRING with INT64: people.sex = 1"),
        ("select person_id from people where age in ('1')", "FLOAT64 with STRING: people.age IN ('1')"),
        ("select age & 3 as x from people", "bits of what is no INT64: people.age & 3"),
        ("select case when lti then 'a' else 2 end as x from people", "branches of ['INT64', 'STRING']"),
    ],
)
def test_what_bigquery_refuses_is_seen(wrong: str, message: str) -> None:
    fault_list = faults(wrong, declare_tables("V28", 2026))
    assert any(fault.replace("`", "").startswith(message) for fault in fault_list), fault_list
