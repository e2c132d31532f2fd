"""The reference says what the code says: generated pages are current, and hand-written tables leave nothing out."""

from __future__ import annotations

import ast
import importlib.util
import re
from dataclasses import fields
from functools import cache
from types import ModuleType
from typing import Any

import pytest

from careloom import risk
from careloom.cli.main import COMMANDS, loaded, verbs
from careloom.core import errors
from careloom.identity.rules import REASONS, RULES
from careloom.project.json_schema import json_schema
from careloom.services.sync.summary import reason_text
from careloom.systems import rooms
from careloom.systems.hubspot.simulator.portal import faults
from careloom.systems.hubspot.simulator.server import control
from careloom.systems.hubspot.simulator.settings import TIERS, Settings
from docs.pages import DOCS, ROOT, blocks, pages

SOURCE = ROOT / "src" / "careloom"


@cache
def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def reference(name: str) -> str:
    return (DOCS / "reference" / name).read_text(encoding="utf-8")


def test_the_generated_pages_are_current() -> None:
    stale = [path.name for path, text in generator().pages().items() if path.read_text(encoding="utf-8") != text]
    assert not stale, f"run: python docs/generate.py ({', '.join(stale)})"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_in_the_reference_with_all_its_options(name: str) -> None:
    whole = reference("cli.md").split(f"\n## {name}\n")[1].split("\n## ")[0]
    for verb, command in verbs(loaded(name)).items():
        section = whole.split(f"\n### {name} {verb}\n")[1].split("\n### ")[0] if verb else whole
        words = [
            word for param in command.params for word in param.opts if param.name != "help" and word.startswith("-")
        ]
        assert [word for word in words if f"`{word}`" not in section] == []


def test_every_key_of_the_project_language_has_a_meaning_and_no_meaning_is_left_over() -> None:
    schemas = json_schema(rooms())
    meanings = generator().MEANINGS
    for section, file in (("project", "careloom.yaml"), ("sync", "syncs/*.yaml"), ("stream", "streams/*.yaml")):
        assert set(generator().keys_of(schemas[file])) == set(meanings[section])
    assert "(no meaning is written)" not in reference("project.md")


def test_every_reason_and_command_has_its_advice_and_none_is_left_over() -> None:
    made, meanings = generator(), generator().MEANINGS
    assert {code for codes in made.held_codes().values() for code in codes} == set(meanings["reasons"])
    assert set(made.remote_codes()) == set(meanings["remote"])
    assert set(made.landing_codes()) == set(meanings["landing"])
    assert set(made.report_codes()) == set(meanings["report_codes"])
    assert set(COMMANDS) == set(meanings["commands"])


def test_every_code_that_the_source_names_for_a_held_record_is_documented() -> None:
    page = reference("reasons.md")
    codes = {code for code in _texts_of_source() if reason_text(code) != "the other side's own reason"}
    assert {*REASONS, *(rule.reason for rule in RULES.values())} <= codes | set(REASONS)
    assert sorted(code for code in codes | set(REASONS) if f"`{code}`" not in page) == []


def test_every_matching_rule_is_in_the_table() -> None:
    page = reference("matching-rules.md")
    assert [code for code in RULES if f"| `{code}` |" not in page] == []


def test_every_exit_code_of_the_errors_is_explained() -> None:
    kinds = [
        variable
        for variable in vars(errors).values()
        if isinstance(variable, type) and issubclass(variable, errors.CareloomError)
    ]
    page = reference("exit-codes.md")
    for code in {0, 4, 20, 130, *(kind.exit_code for kind in kinds)}:
        assert f"\n| {code} | " in page


def test_every_environment_variable_that_the_source_reads_is_documented() -> None:
    page = reference("environment.md")
    read = {name for text in _texts_of_source() for name in re.findall(r"\bCARELOOM_[A-Z_]+\b", text)}
    for file in SOURCE.rglob("*.py"):
        read |= set(re.findall(r"environ(?:ment)?(?:\.get\(|\[)\"([A-Z_]+)\"", file.read_text(encoding="utf-8")))
    assert {"CARELOOM_DATABASE_URL", "TRACEPARENT"} <= read
    assert sorted(name for name in read if f"`{name}`" not in page) == []


def test_every_control_endpoint_fault_and_setting_of_the_simulator_is_documented() -> None:
    page = reference("simulator.md")
    lines = [f"`POST /__sim/{name}`" for name in control._ACTS]
    lines += [f"| `{name}` |" for name in (*faults.KINDS, *(field_.name for field_ in fields(Settings)))]
    lines += [f"`{tier}`" for tier in TIERS]
    assert [line for line in lines if line not in page] == []


@cache
def _texts_of_source() -> frozenset[str]:
    trees = [ast.parse(file.read_text(encoding="utf-8")) for file in SOURCE.rglob("*.py")]
    return frozenset(
        node.value
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def test_every_command_line_in_the_documentation_names_a_command_and_options_that_exist() -> None:
    wrong, seen = [], 0
    for page in pages():
        lines = [line for block in blocks(page) if block.language in {"sh", "text"} for line in block.text.splitlines()]
        for call in re.findall(r"(?:^|[\s/])careloom ((?:[a-z]+)(?: [^;|&>#\n]*)?)", "\n".join(lines)):
            # What stands behind `--` is another program's.
            name, *words = call.partition(" -- ")[0].split()
            if name not in COMMANDS:
                continue
            seen += 1
            verb_list = verbs(loaded(name))
            verb = words[0] if words and "" not in verb_list and words[0] != "VERB" else ""
            if verb and verb not in verb_list:
                wrong.append(f"{page.name}: {name} {verb}")
                continue
            options = {"--env"} | {word for param in verb_list.get(verb, loaded(name)).params for word in param.opts}
            wrong += [f"{page.name}: {name} {word}" for word in words if word.startswith("--") and word not in options]
    assert wrong == []
    assert seen > 50


def test_every_public_name_of_risk_is_in_its_page_and_the_example_runs() -> None:
    text = reference("risk-python.md")
    assert [name for name in risk.__all__ if f"\n### {name}\n" not in text] == []
    example = next(block for block in blocks(DOCS / "reference" / "risk-python.md") if "import score" in block.text)
    values: dict[str, Any] = {}
    exec(example.text, values)
    assert values["scores"].to_pylist()[0]["risk_score"] > 0


def test_what_a_blueprint_declares_is_in_its_page() -> None:
    receivables = reference("blueprints/collaboratemd-reports.md")
    for section in ("Secrets", "Reports", "Charts", "Models", "Metrics", "Settings of the models"):
        assert f"\n### {section}\n" in receivables
    assert "| `aging_buckets` |" in receivables
    assert "| `secret:collaboratemd-password` | `COLLABORATEMD_PASSWORD` |" in receivables
    assert "| `patients` | `warehouse`: `amd.PatientsWithStatistics` |" in reference("blueprints/amd-hubspot.md")
    assert "| `patients` | `drchrono`: `patients` | every 15 minutes |" in reference("blueprints/drchrono-clinical.md")
