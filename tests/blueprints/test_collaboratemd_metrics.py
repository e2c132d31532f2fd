"""The semantic layer: valid as whoever wrote its language checks it, and over columns that the models have and promise to keep."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from typing import Any

import pytest
import sqlglot
from dbt_semantic_interfaces.implementations.semantic_manifest import PydanticSemanticManifest
from dbt_semantic_interfaces.validations.semantic_manifest_validator import SemanticManifestValidator
from sqlglot import exp

from blueprints.test_collaboratemd_model_edges import MODELS, NUMBERS
from warm_python import warm_python

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("models")]

AUDIT = {"report_totals", "duplicate_rows", "unparsed_values", "metrics_days"}
ROWS = {"ar_aging_view", "gross_billing_view", "payment_trends_view"}
"""Marts of which a row is one of the report: its number may come twice there, of which a test of the staging warns."""


@dataclass(frozen=True, slots=True)
class Parsed:
    manifest: dict[str, Any]
    semantic: PydanticSemanticManifest

    @property
    def models(self) -> dict[str, dict[str, Any]]:
        return {node["name"]: node for node in self.manifest["nodes"].values() if node["resource_type"] == "model"}

    @property
    def marts(self) -> dict[str, dict[str, Any]]:
        return {name: one for name, one in self.models.items() if not name.startswith("stg_") and name not in AUDIT}


@pytest.fixture(scope="module")
def parsed(tmp_path_factory: pytest.TempPathFactory) -> Parsed:
    folder = tmp_path_factory.mktemp("parsed")
    output = {"type": "duckdb", "path": str(folder / "none.duckdb"), "schema": "analytics"}
    (folder / "profiles.yml").write_text(json.dumps({"careloom": {"target": "it", "outputs": {"it": output}}}))
    places = ["--project-dir", str(MODELS), "--profiles-dir", str(folder), "--target-path", str(folder / "target")]
    quiet = ["--log-path", str(folder / "logs"), "--no-version-check"]
    command = [str(warm_python()), "-m", "dbt.cli.main", "parse", *places, *quiet]
    process = subprocess.run(
        command, capture_output=True, text=True, check=False, env=os.environ | {"DO_NOT_TRACK": "1"}
    )
    assert process.returncode == 0, process.stdout[-2000:]
    return Parsed(
        json.loads((folder / "target" / "manifest.json").read_bytes()),
        PydanticSemanticManifest.parse_raw((folder / "target" / "semantic_manifest.json").read_text()),
    )


def test_it_is_valid(parsed: Parsed) -> None:
    findings = SemanticManifestValidator[PydanticSemanticManifest]().validate_semantic_manifest(parsed.semantic)
    assert (findings.errors, findings.warnings, findings.future_errors) == ((), (), ())
    assert len(parsed.semantic.semantic_models) == 7
    assert len(parsed.semantic.metrics) == 17
    assert [spine.node_relation.alias for spine in parsed.semantic.project_configuration.time_spines] == [
        "metrics_days"
    ]


def test_it_names_only_columns_that_the_models_promise(parsed: Parsed) -> None:
    looked_at = 0
    for semantic in parsed.semantic.semantic_models:
        columns = set(parsed.marts[semantic.node_relation.alias]["columns"])
        for part in (*semantic.entities, *semantic.dimensions, *semantic.measures):
            names = {
                node.name for node in sqlglot.parse_one(part.expr or part.name, read="postgres").find_all(exp.Column)
            }
            assert names <= columns, (semantic.name, part.name)
            looked_at += len(names)
    assert looked_at > 50


def test_every_mart_has_a_contract_with_the_type_of_each_column(parsed: Parsed) -> None:
    assert len(parsed.marts) == 17
    for name, model in parsed.marts.items():
        assert model["contract"]["enforced"], name
        assert [column for column, one in model["columns"].items() if not one["data_type"]] == [], name
        assert list(model["columns"])[-1] == "loaded_at", name


def test_every_mart_has_a_test_of_its_grain(parsed: Parsed) -> None:
    grains = {
        node["attached_node"].rpartition(".")[2]
        for node in parsed.manifest["nodes"].values()
        if node["resource_type"] == "test" and (node.get("test_metadata") or {}).get("name") == "unique_together"
    }
    assert set(parsed.marts) - grains == ROWS
    watched = {
        node["attached_node"].rpartition(".")[2]
        for node in parsed.manifest["nodes"].values()
        if node["resource_type"] == "test"
        and (node.get("test_metadata") or {}).get("name") == "one_content_for_each_id"
    }
    assert watched == {f"stg_{report}" for report in NUMBERS} | {"stg_denial_trends", "stg_ar_aging_snapshots"}
