"""All six models in one dbt build on DuckDB, month by month too, and gaps as the command tells them: equal to the library."""

from __future__ import annotations

import json
import random
import shutil
from calendar import monthrange
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from blueprints.hcc_project import BLUEPRINT, GENERATED, SCORED, as_text, dbt, fill, rows_of
from careloom.risk import score
from careloom.risk.dbt.emit import emit_models
from careloom.risk.review.gaps import recapture, show_years
from careloom.risk.workspace import open_workspace
from risk.people import diagnoses, people

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("models")]

MODELS = ("V22", "V24", "V28", "ESRD-V21", "ESRD-V24")
YEAR, PEOPLE = 2026, 120
MONTHLY = ("V28", "ESRD-V24")
NEWEST = date(2025, 10, 20)
DAYS = (None, date(2026, 1, 2), date(2024, 7, 1), date(2023, 1, 1), date(2022, 12, 31), date(2021, 5, 5))
"""Days that are not in the service year: the last two are before what is looked back on."""
Coded = list[tuple[int, str, date | None]]


def _day(draw: random.Random) -> date | None:
    if draw.random() < 0.4:
        return draw.choice(DAYS)
    month = draw.randint(1, 10)
    return date(2025, month, draw.choice((1, 15, monthrange(2025, month)[1] if month < 10 else NEWEST.day)))


@pytest.fixture(scope="module")
def members() -> list[dict[str, Any]]:
    """People with the odd ones; two who cannot be scored."""
    person_list = people(PEOPLE, seed=31)
    person_list[3]["age"], person_list[4]["sex"] = None, "X"
    return person_list


@pytest.fixture(scope="module")
def coded_diagnoses(members: list[dict[str, Any]]) -> Coded:
    """Codes that each of the models knows, on every kind of day."""
    draw = random.Random(33)
    codes = [diagnoses(members, model=model, seed=32, most=4) for model in MODELS]
    return [(number, code, _day(draw)) for one in codes for number, found in one.items() for code in found]


@pytest.fixture(scope="module")
def warehouse(
    members: list[dict[str, Any]], coded_diagnoses: Coded, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[duckdb.DuckDBPyConnection]:
    """What dbt alone built of all of them."""
    folder = tmp_path_factory.mktemp("every")
    project = folder / "clinic"
    shutil.copytree(BLUEPRINT, project, ignore=GENERATED)
    emit_models(project, models=MODELS, years=[YEAR])
    persons = [tuple(as_text(value) for value in member.values()) for member in members]
    pairs = [tuple(as_text(value) for value in row) for row in coded_diagnoses]
    columns = ("person_id", "diagnosis_code", "service_date")
    fill(
        folder / "warehouse.duckdb",
        {"participants": (tuple(members[0]), persons), "participant_diagnosis_codes": (columns, pairs)},
    )
    wanted_text = json.dumps({"monthly": [{"model": model, "payment_year": YEAR} for model in MONTHLY]})
    only = ["--select", "+fact_patient_risk_scores", "+hcc_monthly_scores", "+hcc_recapture"]
    only += ["--exclude-resource-type", "test", "--exclude-resource-type", "unit_test"]
    process = dbt(project, folder, "build", "--vars", wanted_text, *only)
    assert process.returncode == 0, process.stdout[-3000:]
    with duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True) as db:
        yield db


def library_scores(
    members: list[dict[str, Any]], coded_diagnoses: Coded, model: str, until: date
) -> dict[str, dict[str, Any]]:
    """What the library says of everybody, of what is coded in the service year until that day or has no day."""
    pairs = [(number, code) for number, code, day in coded_diagnoses if day is None or date(2025, 1, 1) <= day <= until]
    table = pa.table({"person_id": [one for one, _ in pairs], "diagnosis_code": [code for _, code in pairs]})
    score_rows = score(pa.Table.from_pylist(members), table, model=model, year=YEAR).to_pylist()
    return {str(row["person_id"]): row for row in score_rows}


def compare_rows(
    there: Mapping[str, dict[str, Any]], here: Mapping[str, dict[str, Any]], columns: tuple[str, ...]
) -> None:
    assert there.keys() == here.keys()
    assert len(here) == PEOPLE
    for key, row in there.items():
        assert {name: row[name] for name in columns} == {name: here[key][name] for name in columns}, key
        assert row["risk_score_payment"] == pytest.approx(here[key]["risk_score_payment"], abs=1e-9)


@pytest.mark.parametrize("model", MODELS)
def test_every_model_that_can_be_emitted_is_built_and_scores_as_the_library_does(
    warehouse: duckdb.DuckDBPyConnection, members: list[dict[str, Any]], coded_diagnoses: Coded, model: str
) -> None:
    rows = rows_of(warehouse.execute("select * from analytics.fact_patient_risk_scores where model = $1", [model]))
    expected_scores = library_scores(members, coded_diagnoses, model, date(2025, 12, 31))
    assert len(rows) == PEOPLE
    assert sum(len(row["hcc_list"]) > 0 for row in expected_scores.values()) > PEOPLE / 2
    compare_rows({row["person_id"]: row for row in rows}, expected_scores, SCORED)


@pytest.mark.parametrize("model", MONTHLY)
def test_each_months_scores_are_of_what_was_coded_by_its_end(
    warehouse: duckdb.DuckDBPyConnection, members: list[dict[str, Any]], coded_diagnoses: Coded, model: str
) -> None:
    rows = rows_of(warehouse.execute("select * from analytics.hcc_monthly_scores where model = $1", [model]))
    ends = [date(2025, month, monthrange(2025, month)[1]) for month in range(1, NEWEST.month + 1)]
    assert sorted({row["month_end"] for row in rows}) == ends
    assert len(rows) == PEOPLE * len(ends)
    columns = tuple(name for name in SCORED if name != "defaults_taken")
    scores = set()
    for end in (ends[0], ends[1], ends[5], ends[-1]):
        expected_scores = library_scores(members, coded_diagnoses, model, end)
        compare_rows({row["person_id"]: row for row in rows if row["month_end"] == end}, expected_scores, columns)
        scores.add(sum(row["risk_score"] or 0 for row in expected_scores.values()))
    assert len(scores) == 4


@pytest.mark.parametrize("model", ["V24", "V28", "ESRD-V24"])
def test_dbt_and_the_command_find_the_same_gaps(
    warehouse: duckdb.DuckDBPyConnection,
    members: list[dict[str, Any]],
    coded_diagnoses: Coded,
    model: str,
    tmp_path: Path,
) -> None:
    pq.write_table(pa.Table.from_pylist(members), tmp_path / "people.parquet")
    names = ("person_id", "diagnosis_code", "service_date")
    pq.write_table(
        pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in coded_diagnoses]), tmp_path / "dx.parquet"
    )
    text = "person_id, hcc, label, last_coded_on, years_coded, status, covered_by, open_coefficient"
    with open_workspace() as workspace:
        show_years(workspace, tmp_path / "people.parquet", tmp_path / "dx.parquet", model=model, year=YEAR, look_back=2)
        recapture(workspace)
        rows = workspace.db.execute(f"select {text} from recapture order by all").fetchall()
    query = f"select {text} from analytics.hcc_recapture where model = $1 order by all"
    assert warehouse.execute(query, [model]).fetchall() == rows
    assert {row[5] for row in rows} == {"recaptured", "covered", "open"}
    (before,) = warehouse.execute(
        "select count(*) from intermediate.int_former_hccs join hcc.hcc_categories using (model, payment_year, hcc)"
        " where model = $1 and is_chronic",
        [model],
    ).fetchone() or (0,)
    assert before > len(rows)  # what is below another of the same years is no question of its own
