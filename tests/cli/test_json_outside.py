"""Every verb that prints JSON does so outside a project too: the fault, on standard output."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import pytest

from careloom.cli.main import loaded, main, verbs
from careloom.cli.verbs import COMMANDS

# These begin a project, need none, or say of one machine what holds everywhere.
WITHOUT = {"init", "demo", "schema", "docs", "sim", "serve", "work", "risk factors", "risk tables", "risk emit"}


def words_of(command: str) -> list[tuple[str, list[str]]]:
    """Each verb of a command that takes --json, with something for each argument that it asks for."""
    named = {f"{command} {verb}".strip(): verb_ for verb, verb_ in verbs(loaded(command)).items()}
    return [
        (name, [*name.split(), *needed(verb), "--json"])
        for name, verb in named.items()
        if name not in WITHOUT and any("--json" in parameter.opts for parameter in verb.params)
    ]


def needed(verb: Any) -> list[str]:
    words: list[str] = []
    for parameter in verb.params:
        if parameter.required:
            is_number = parameter.type_descriptor.annotation is int
            words += (
                [*parameter.opts[:1], "2026" if is_number else "x.csv"] if parameter.opts[0][0] == "-" else ["build"]
            )
    return words


VERBS = dict(pair for command in COMMANDS for pair in words_of(command))


def test_the_verbs_are_those_that_somebody_scripts() -> None:
    assert {"check", "doctor", "plan", "runs", "held", "reports", "explain", "risk score", "migrate"} <= set(VERBS)


@pytest.mark.parametrize("name", VERBS)
def test_a_verb_outside_a_project_says_its_fault_as_json(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CARELOOM_DATABASE_URL", raising=False)
    monkeypatch.setenv("CARELOOM_ACTOR", "tester")
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    with (
        contextlib.chdir(tmp_path),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        pytest.raises(SystemExit) as ended,
    ):
        main(VERBS[name])
    out.flush()
    told = json.loads(out.buffer.getvalue().decode())  # type: ignore[attr-defined]
    assert ended.value.code not in (0, None), told
    findings = told if isinstance(told, list) else told.get("faults") or [told["error"]]
    assert findings
    assert all(finding.get("cause") or finding.get("message") or finding.get("detail") for finding in findings)
    assert not any(tmp_path.iterdir())
