"""A payment year is one file: what is added there, every part of the engine reads."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

import careloom
from careloom.risk.model.models import MODELS
from careloom.risk.payment_years import DEFAULT_MODEL, DEFAULT_YEAR
from careloom.risk.payment_years.calendar import PAYMENT_YEARS
from careloom.risk.published.tables import read_tables

PACKAGE = Path(careloom.__file__).parent
INVENTED = '''"""An invented payment year."""

from careloom.risk.payment_years.published_year import PaymentYear, PublishedTable, Status
from careloom.risk.payment_years.shared_tables import CURRENT, mapping

PAYMENT_YEAR = PaymentYear(
    year=2031,
    tables=(
        mapping("ra_dx_to_cc_2026.csv", ("V24", "V28"), "invented"),
        PublishedTable(
            part="coefficients",
            file="ra_coefficients_2026.csv",
            models=("V24", "V28"),
            status=Status.final,
            source="invented",
        ),
        *CURRENT,
    ),
    normalization={"V24": 1.6, "V28": 1.25},
    coding_intensity=0.1,
    blend={"V24": 0.25, "V28": 0.75},
    claims_left_out=("invented-reason",),
)
'''


@pytest.fixture(scope="module")
def package_copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package, and files of one woman with diabetes."""
    folder = tmp_path_factory.mktemp("years")
    shutil.copytree(PACKAGE, folder / "src" / "careloom", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "people.csv").write_text("person_id,sex,age,orec\nA1,F,72,0\n")
    (folder / "codes.csv").write_text("person_id,diagnosis_code,service_date\nA1,E119,2030-05-01\nA1,I509,2029-05-01\n")
    (folder / "dbt").mkdir()
    (folder / "dbt" / "dbt_project.yml").write_text("name: invented\n")
    return folder


def careloom_of(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(folder / "src")}
    command = [sys.executable, "-m", "careloom.cli.start", "risk", *words]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def run_score(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    files = ("--people", "people.csv", "--diagnoses", "codes.csv", "--out", "scores.csv")
    return careloom_of(folder, "score", *files, "--year", "2031", *words)


def test_a_year_that_no_file_is_of_is_refused_and_one_file_adds_it(package_copy: Path) -> None:
    process = run_score(package_copy)
    assert process.returncode == 2
    assert "there is no diagnosis mapping for 2031; known are 2024, 2025, 2026, 2027" in process.stderr

    (package_copy / "src" / "careloom" / "risk" / "payment_years" / "y2031.py").write_text(INVENTED)
    assert run_score(package_copy).returncode == 0
    (row,) = csv.DictReader((package_copy / "scores.csv").read_text().splitlines())
    # 0.395 for a woman of 72 and 0.166 for diabetes, by V28; 0.561 / 1.25 = 0.449, * 0.9; heart failure was coded in another year
    assert (row["hcc_list"], row["risk_score"], row["risk_score_payment"]) == ("38", "0.561", "0.404")

    assert run_score(package_copy, "--model", "BLEND").returncode == 0
    assert "V24 25% + V28 75%" in run_score(package_copy, "--model", "BLEND").stdout
    factors = careloom_of(package_copy, "factors", "--year", "2031").stdout
    assert "1.25" in factors
    assert "MA coding pattern adjustment 10.00%" in factors
    assert (
        "invented-reason"
        in careloom_of(package_copy, "claims", "--out", "x.csv", "--x12", "codes.csv", "--count", "?").stderr
    )
    emitted = careloom_of(package_copy, "emit", "--project", "dbt", "--year", "2031")
    assert emitted.returncode == 0, emitted.stderr
    seeds = (package_copy / "dbt" / "seeds" / "hcc" / "hcc_payment_factors.csv").read_text()
    assert "V28,2031,1.25,,0.1,0.75,," in seeds


def test_a_file_of_another_year_than_its_name_stops(package_copy: Path) -> None:
    wrong = package_copy / "src" / "careloom" / "risk" / "payment_years" / "y2032.py"
    wrong.write_text(INVENTED)
    try:
        process = run_score(package_copy)
    finally:
        wrong.unlink()
    assert process.returncode != 0
    assert "y2032.py is of 2031; name it y2031.py" in process.stderr


def test_the_default_year_and_model_are_ones_that_medicare_advantage_is_paid_by() -> None:
    assert PAYMENT_YEARS[DEFAULT_YEAR].blend == {DEFAULT_MODEL: 1.0}
    assert read_tables(DEFAULT_MODEL, DEFAULT_YEAR).status == "final"


def test_the_blueprint_of_scores_has_the_default_year_and_the_rules_of_the_years() -> None:
    project = PACKAGE.parents[1] / "blueprints" / "hcc-analytics" / "models" / "dbt_project.yml"
    variables = YAML(typ="safe").load(project.read_text())["vars"]
    assert variables["default_payment_year"] == DEFAULT_YEAR
    assert (
        variables["audio_only_until"]
        == min(year for year, of in PAYMENT_YEARS.items() if "audio-only" in of.claims_left_out) - 1
    )


def test_every_model_that_a_year_names_is_a_model() -> None:
    for payment_year in PAYMENT_YEARS.values():
        models = {model for table in payment_year.tables for model in table.models}
        models |= {
            *payment_year.normalization,
            *payment_year.graft_normalization,
            *payment_year.blend,
            *payment_year.pace_blend,
        }
        assert models <= set(MODELS), payment_year.year
