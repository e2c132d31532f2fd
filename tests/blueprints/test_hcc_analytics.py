"""The dbt project of risk scores: emitted, built on PostgreSQL and DuckDB, and equal to the library person by person."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pyarrow as pa
import pytest
import sqlglot
from sqlglot import exp

from blueprints.hcc_claims import CLAIMANT, services, sources
from blueprints.hcc_project import BLUEPRINT, GENERATED, SCORED, as_text, dbt, fill, rows_of
from careloom.core.errors import Fix
from careloom.risk import lookups, score, standard_money
from careloom.risk.dbt.emit import edition_name, emit_models
from careloom.risk.inputs import diagnoses as diagnoses_of
from careloom.risk.inputs import filter_claims
from careloom.services.analytics.build import ModelsRun, run_models
from careloom.services.session.progress import Watch
from careloom.services.session.sessions import open_session
from careloom.services.session.settings import read_settings
from risk.people import diagnoses, people

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("models")]

EDITIONS = (("V24", 2026), ("V28", 2026))
PEOPLE = 300
MARTS = (
    "fact_patient_risk_scores",
    "risk_scores",
    "dim_hcc_hierarchies",
    "hcc_monthly_scores",
    "hcc_recapture",
    "hcc_opportunity_gaps",
    "payment_reconciliation",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clinic:
    """Invented members with their diagnoses, and what is thought and paid about them."""

    members: list[dict[str, Any]]
    codes: dict[int, list[str]]

    @property
    def tables(self) -> dict[str, tuple[tuple[str, ...], list[tuple[Any, ...]]]]:
        """The six sources: columns and rows, all of it text."""
        persons = [tuple(as_text(value) for value in member.values()) for member in self.members]
        rows = [
            (str(number), code, None if place % 2 else "2025-06-01")
            for number, found in self.codes.items()
            for place, code in enumerate(found)
        ]
        former = [(str(number), code, "2024-02-03") for number, found in self.codes.items() for code in found[::3]]
        row_list = [(str((number + 1) % PEOPLE), code, "2023-02-03") for number, code in self._firsts()]
        suspected = [(str(number), "V28", "2026", f"HCC {36 + number % 8}") for number in range(0, PEOPLE, 2)]
        paid = [
            (str(number), "V28", "2026", f"2026-0{1 + number % 3}-01", str(36 + number % 8), "1.5")
            for number in range(0, PEOPLE, 3)
        ]
        return {
            "participants": (tuple(self.members[0]), [*persons, persons[0]]),
            "participant_diagnosis_codes": (
                ("person_id", "diagnosis_code", "service_date"),
                [*rows, *former, *row_list, *rows[:5], ("stranger", "E119", None)],
            ),
            "hcc_opportunities": (("person_id", "model", "payment_year", "hcc"), suspected),
            "hcc_participant": (("person_id", "model", "payment_year", "payment_month", "hcc", "risk_score"), paid),
        } | sources()

    def _firsts(self) -> Iterator[tuple[int, str]]:
        return ((number, found[0]) for number, found in self.codes.items() if found)


@pytest.fixture(scope="module")
def clinic() -> Clinic:
    members = people(PEOPLE, seed=71)
    members[3]["age"], members[4]["sex"] = None, "X"
    return Clinic(members=members, codes=diagnoses(members, model="V28", seed=72))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The blueprint in a folder of its own, with the tables of two models, one of them month by month."""
    folder = tmp_path_factory.mktemp("hcc") / "clinic"
    shutil.copytree(BLUEPRINT, folder, ignore=GENERATED)
    settings = folder / "models" / "dbt_project.yml"
    text = settings.read_text().replace("monthly: []", "monthly: [{model: V28, payment_year: 2026}]")
    settings.write_text(text)
    emitted = emit_models(folder, models=[model for model, _ in EDITIONS], years=[2026])
    assert tuple(emitted.editions) == EDITIONS
    return folder


@pytest.fixture(scope="module")
def on_postgres(server_url: str, template: str, project: Path, clinic: Clinic) -> Iterator[tuple[str, ModelsRun]]:
    """A database with the members, in which careloom built the models, and how that went."""
    name = "models_of_risk"
    database = server_url.replace(":///careloom?", f":///{name}?")
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    with psycopg.connect(database) as connection:
        connection.execute("create schema raw")
        for table, (columns, rows) in clinic.tables.items():
            connection.execute(
                f"create table raw.{table} ({', '.join(f'{column} text' for column in columns)})".encode()
            )
            with connection.cursor().copy(f"copy raw.{table} from stdin".encode()) as copy:
                for row in rows:
                    copy.write_row(row)
    with open_session(project, read_settings({"CARELOOM_DATABASE_URL": database})) as session:
        yield database, run_models(session, "build", Watch())
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def on_duckdb(project: Path, clinic: Clinic, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A DuckDB file with the members, in which dbt alone built the models."""
    folder = tmp_path_factory.mktemp("warehouse")
    warehouse = folder / "warehouse.duckdb"
    fill(warehouse, clinic.tables)
    process = dbt(project, folder, "build")
    assert process.returncode == 0, process.stdout[-3000:]
    return warehouse


def library_scores(clinic: Clinic, model: str, year: int) -> dict[str, dict[str, Any]]:
    """What the library says of each member."""
    pairs = pa.table(
        {
            "person_id": [number for number, found in clinic.codes.items() for _ in found],
            "diagnosis_code": [code for person_codes in clinic.codes.values() for code in person_codes],
        }
    )
    score_rows = score(pa.Table.from_pylist(clinic.members), pairs, model=model, year=year).to_pylist()
    return {str(row["person_id"]): row for row in score_rows}


def check_members(clinic: Clinic, rows: list[dict[str, Any]]) -> None:
    """Every member is there once for each model and year, with the library's scores."""
    assert len(rows) == PEOPLE * len(EDITIONS)
    for model, year in EDITIONS:
        rows_by_person_id = {
            row["person_id"]: row for row in rows if (row["model"], row["payment_year"]) == (model, year)
        }
        expected_scores = library_scores(clinic, model, year)
        assert rows_by_person_id.keys() == expected_scores.keys()
        for key, row in rows_by_person_id.items():
            assert {name: row[name] for name in SCORED} == {name: expected_scores[key][name] for name in SCORED}, (
                model,
                key,
            )
            assert row["risk_score_payment"] == pytest.approx(expected_scores[key]["risk_score_payment"], abs=1e-9)


def test_every_model_is_built_by_careloom_and_every_test_passes(on_postgres: tuple[str, ModelsRun]) -> None:
    _, built = on_postgres
    assert built.complete
    assert [node for node in built.nodes if node.status not in ("success", "pass")] == []
    assert built.counts["unit_test pass"] == 19
    assert built.counts["test pass"] > 30


def test_postgresql_scores_each_member_as_the_library_does(on_postgres: tuple[str, ModelsRun], clinic: Clinic) -> None:
    with psycopg.connect(on_postgres[0]) as connection:
        check_members(clinic, rows_of(connection.execute("select * from analytics.fact_patient_risk_scores")))


def test_duckdb_scores_each_member_as_the_library_does(on_duckdb: Path, clinic: Clinic) -> None:
    with duckdb.connect(str(on_duckdb), read_only=True) as db:
        rows = rows_of(db.execute("select * from analytics.fact_patient_risk_scores"))
    check_members(clinic, rows)
    assert standard_money("V28", 2026).normalization is not None
    assert {row["held"] for row in rows} == {None, "age-missing", "sex-missing"}
    for row in rows:
        if row["model"] == "V28":
            assert row["risk_score_blended"] == row["risk_score_payment"]


def test_both_engines_have_the_same_marts_and_none_is_empty(
    on_postgres: tuple[str, ModelsRun], on_duckdb: Path
) -> None:
    with psycopg.connect(on_postgres[0]) as connection, duckdb.connect(str(on_duckdb), read_only=True) as there:
        for mart in MARTS:
            ours, theirs = (rows_of(one.execute(f"select * from analytics.{mart}")) for one in (connection, there))
            assert plain(ours) == plain(theirs), mart
            assert ours, mart
        status = {row[0] for row in there.execute("select distinct status from analytics.hcc_recapture").fetchall()}
        assert status == {"recaptured", "covered", "open"}
        reasons = there.execute("select count(distinct reason) from analytics.payment_reconciliation").fetchall()
        assert reasons[0][0] > 5


def test_claims_count_on_both_engines_as_the_library_filters_them(
    on_postgres: tuple[str, ModelsRun], on_duckdb: Path
) -> None:
    rows = diagnoses_of(filter_claims(services(), 2026)).read_all().to_pylist()
    service_dates = {row["diagnosis_code"]: row["service_date"] for row in rows}
    assert 50 < len(service_dates) < services().num_rows - 50
    query = f"select diagnosis_code, service_date from intermediate.int_diagnoses where person_id = '{CLAIMANT}'"
    with psycopg.connect(on_postgres[0]) as connection, duckdb.connect(str(on_duckdb), read_only=True) as there:
        assert dict(connection.execute(query).fetchall()) == service_dates
        assert dict(there.execute(query).fetchall()) == service_dates


def plain(rows: list[dict[str, Any]]) -> list[str]:
    """Rows in one order, numbers without their scale."""
    return sorted(str({name: _plain(value) for name, value in row.items()}) for row in rows)


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 9)
    return value.normalize() + 0 if isinstance(value, Decimal) else value


def test_lookups_made_in_the_warehouse_are_those_of_the_library(on_duckdb: Path) -> None:
    with duckdb.connect(str(on_duckdb), read_only=True) as db:
        for model, year in EDITIONS:
            for name, table in lookups(model, year).tables.items():
                shared_columns = [column for column in table.column_names if column != "terms"]
                hcc_table = db.execute(f"select * from hcc.{edition_name(model, year)}_{name[4:]}").to_arrow_table()
                there = set(zip(*(hcc_table[column].to_pylist() for column in shared_columns), strict=True))
                here = set(zip(*(table[column].to_pylist() for column in shared_columns), strict=True))
                if (
                    name == "hcc_names"
                ):  # the last chunk has fewer categories than bits: what it is with those nobody asks
                    here = {row for row in here if row[1] == 0 or row[2]}
                assert here <= there, name
                if name not in ("hcc_names", "hcc_hierarchy"):  # which has no row for chunks that push nothing out
                    assert here == there, name


@pytest.mark.parametrize("engine", ["bigquery", "spark"])
def test_every_model_is_the_engines_own_sql_where_there_is_no_engine_to_run_it(
    engine: str, project: Path, on_duckdb: Path, tmp_path: Path
) -> None:
    shutil.copy(on_duckdb, tmp_path / "warehouse.duckdb")
    process = dbt(project, tmp_path, "compile", "--vars", json.dumps({"render_for": engine}))
    assert process.returncode == 0, process.stdout[-3000:]
    compiled = tmp_path / "target" / "compiled" / "hcc_analytics" / "models"
    texts = {path.stem: path.read_text() for path in compiled.rglob("*.sql") if not path.parent.name.endswith(".yml")}
    assert {*MARTS, "hcc_scores", "hcc_v28_2026_scores", "stg_participants", "int_risk_adjustments"} <= texts.keys()
    for name, text in texts.items():
        # Relations are written by the adapter that is there; those of the engine have other quotes.
        trees = sqlglot.parse(text.replace('"', "`"), read=engine)
        assert len(trees) == 1, name
        assert isinstance(trees[0], exp.Query), name
        assert not (text.count("try_cast") and engine == "bigquery"), name
    words = {"bigquery": ("ARRAY_CONCAT(", "BIT_OR("), "spark": ("SHIFTRIGHT(", "ARRAY_REMOVE(")}
    assert [word for word in words[engine] if word not in texts["hcc_v28_2026_scores"]] == []


def test_nothing_of_cmss_tables_is_kept_with_the_blueprint() -> None:
    git = shutil.which("git")
    if git is None or not (BLUEPRINT.parents[1] / ".git").exists():
        pytest.skip("not a git checkout")
    process = subprocess.run(
        [git, "ls-files", str(BLUEPRINT)], cwd=BLUEPRINT, capture_output=True, text=True, check=True
    )
    kept_parts = process.stdout.split()
    assert kept_parts
    assert not [name for name in kept_parts if "/hcc/" in name or name.endswith(".csv")]


def test_emitting_again_takes_away_what_is_not_asked_for_any_more(tmp_path: Path) -> None:
    folder = tmp_path / "project"
    shutil.copytree(BLUEPRINT / "models", folder, ignore=GENERATED)
    first = emit_models(folder, models=["V28", "V24", "v24", "RX-V08-MAPD", "RX-V08"], years=[2027, 2026])
    assert first.editions == [("V28", 2026), ("V28", 2027), ("V24", 2026), ("RX-V08-MAPD", 2027)]
    assert [*first.absent] == [("V24", 2027), ("RX-V08-MAPD", 2026), ("RX-V08", 2026), ("RX-V08", 2027)]
    assert "ambiguous" in first.absent["RX-V08", 2026]
    assert "hcc_rx_v08_mapd_2027_scores.sql" in {path.name for path in first.files}
    second = emit_models(folder, models=["V28"], years=[2026])
    there = {
        path.relative_to(folder) for kind in ("models", "macros", "seeds") for path in (folder / kind / "hcc").iterdir()
    }
    assert there == set(second.files)
    with (folder / "seeds" / "hcc" / "hcc_payment_factors.csv").open() as file:
        assert [(row["model"], row["payment_year"]) for row in csv.DictReader(file)] == [("V28", "2026")]


def test_a_folder_without_a_dbt_project_and_a_year_without_tables_are_said_so(tmp_path: Path) -> None:
    with pytest.raises(Fix, match="no dbt project"):
        emit_models(tmp_path)
    (tmp_path / "dbt_project.yml").touch()
    with pytest.raises(Fix, match="V28 in 1999"):
        emit_models(tmp_path, models=["V28"], years=[1999])
    with pytest.raises(Fix, match="no risk model 'V99'"):
        emit_models(tmp_path, models=["V99"])
