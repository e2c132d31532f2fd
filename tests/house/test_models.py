"""Each dbt model of a blueprint says what a row is of and is tested for it; one with a CASE or a join has a unit test."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

BLUEPRINTS = Path(__file__).parents[2] / "blueprints"
GRAIN_TESTS = {"unique", "unique_together", "one_row_for_each", "one_content_for_each_id"}
BRANCHES = re.compile(r"\b(?:case|join)\b", re.IGNORECASE)
WITHOUT_GRAIN_TEST = {
    "ar_aging_view",
    "duplicate_rows",
    "gross_billing_view",
    "int_diagnoses",
    "int_former_hccs",
    "int_hcc_monthly_scores",
    "int_hcc_months",
    "int_service_lines",
    "metrics_days",
    "payment_trends_view",
    "report_totals",
    "risk_scores",
    "stg_ar_aging_snapshots",
    "stg_claim_diagnoses",
    "stg_diagnosis_codes",
    "stg_hcc_opportunities",
    "stg_hcc_participant",
    "stg_pdr3_calculator",
    "stg_quadrant_performance",
    "stg_rcm_productivity",
    "stg_revenue_recognition",
    "stg_service_lines",
    "stg_user_time_spread",
    "unparsed_values",
}
WITHOUT_UNIT_TEST = {
    "ar_aging_by_snapshot",
    "fact_patient_risk_scores",
    "report_totals",
    "stg_service_lines",
    "stg_snapshots",
    "unparsed_values",
}
"""Both lists only become shorter: a model that is tested must leave them."""


def models() -> dict[str, Path]:
    return {path.stem: path for path in BLUEPRINTS.glob("*/models/models/**/*.sql") if "hcc" not in path.parent.name}


def properties() -> list[dict[str, Any]]:
    return [YAML(typ="safe").load(path) or {} for path in BLUEPRINTS.glob("*/models/models/**/*.yml")]


def names_of_tests(owner: dict[str, Any]) -> set[str]:
    own = {test if isinstance(test, str) else next(iter(test)) for test in owner.get("data_tests", [])}
    return own.union(*(names_of_tests(column) for column in owner.get("columns", [])))


def test_every_model_has_a_test_of_its_grain() -> None:
    tested = {
        model["name"]
        for file in properties()
        for model in file.get("models", [])
        if names_of_tests(model) & GRAIN_TESTS
    }
    assert len(models()) > 50
    assert models().keys() - tested == WITHOUT_GRAIN_TEST


def test_every_model_with_a_case_or_a_join_has_a_unit_test() -> None:
    tested = {test["model"] for file in properties() for test in file.get("unit_tests", [])}
    branching = {name for name, path in models().items() if BRANCHES.search(path.read_text(encoding="utf-8"))}
    assert branching - tested == WITHOUT_UNIT_TEST
