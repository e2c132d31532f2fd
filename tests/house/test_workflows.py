"""The workflows of the repository: what GitHub's schema asks, and nothing in them that `make` does not do here as well."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[2]
GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def read(path: Path) -> Any:
    return YAML(typ="safe").load(path)


def schema(name: str) -> Any:
    text = (files("check_jsonschema") / "builtin_schemas" / "vendor" / f"{name}.json").read_text(encoding="utf-8")
    return json.loads(text)


def faults(document: Any, name: str) -> list[str]:
    validator = jsonschema.validators.validator_for(schema(name))(schema(name))
    return [fault.message for fault in validator.iter_errors(document)]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_is_one_to_github(path: Path) -> None:
    assert faults(read(path), "github-workflows") == []


@pytest.mark.parametrize("name", ["fault.yml", "wish.yml"])
def test_an_issue_form_is_one_to_github(name: str) -> None:
    assert faults(read(GITHUB / "ISSUE_TEMPLATE" / name), "github-issue-forms") == []


def test_the_schema_refuses_what_is_no_workflow() -> None:
    document = read(WORKFLOWS[0])
    job = next(iter(document["jobs"].values()))
    job["steps"][0]["runs"] = "make"
    assert faults(document, "github-workflows")


def test_every_job_runs_a_target_of_the_makefile() -> None:
    jobs = [(path.name, name, job) for path in WORKFLOWS for name, job in read(path)["jobs"].items()]
    assert len(jobs) > 4
    for file, name, job in jobs:
        text = "\n".join(step.get("run", "") for step in job["steps"])
        words = [word for line in re.findall(r"^make (.*)$", text, re.MULTILINE) for word in line.split()]
        targets = [word for word in words if "=" not in word]
        assert targets, f"{file}: {name} runs nothing of the Makefile"
        assert [word for word in targets if not re.search(rf"^{word}:", MAKEFILE, re.MULTILINE)] == [], (
            f"{file}: {name}"
        )


def test_no_workflow_holds_a_secret_or_more_rights_than_it_needs() -> None:
    for path in WORKFLOWS:
        document = read(path)
        assert "permissions" in document, path.name
        assert "secrets." not in path.read_text(encoding="utf-8"), path.name
