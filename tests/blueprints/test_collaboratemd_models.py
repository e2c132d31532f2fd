"""The analysts' models over what was really loaded: the same on PostgreSQL and DuckDB, equal to the files, there at every moment."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from threading import Event, Thread
from typing import Any

import duckdb
import psycopg
import pyarrow as pa
import pytest

from blueprints.fake_practice import Office, billing_office
from blueprints.test_collaboratemd_standing import call_in
from careloom.engine.reports.columns import column_names
from careloom.services.analytics.build import ModelsRun, build_after, run_models
from careloom.services.session.progress import Watch
from careloom.systems.collaboratemd.simulator import RunningCollaborateMD
from warm_python import warm_python

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("models")]

MARTS = (
    "ar_aging_view",
    "gross_billing_view",
    "payment_trends_view",
    "charges_on_hold",
    "denial_trends",
    "claim_stage_breakdown",
    "quadrant_performance",
    "rcm_productivity",
    "user_time_spread",
    "write_off_trends",
    "pdr3_calculator",
    "revenue_recognition",
    "collection_rates",
    "receivables_key_figures",
    "ar_aging_by_snapshot",
    "report_totals",
)
TODAY = "2026-11-21"


@pytest.fixture(scope="module")
def office(server_url: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """All reports loaded and all models built, once."""
    name = "models_of_reports"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    folder = tmp_path_factory.mktemp("models") / "office"
    database = server_url.replace(":///careloom?", f":///{name}?")
    with (
        RunningCollaborateMD("--today", TODAY) as service,
        billing_office(folder, database, service, rows=60, unit_tests=True) as new_office,
    ):
        pin(folder / "models" / "dbt_project.yml")
        new_office.run()
        yield new_office
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def pin(project: Path) -> None:
    """A fixed day, so that what is counted from today is the same on both engines."""
    project.write_text(project.read_text().replace("as_of: null", f'as_of: "{TODAY}"'))


@pytest.fixture(scope="module")
def build_run(office: Office) -> ModelsRun:
    return run_models(office.session, "build", Watch())


def test_every_model_builds_and_every_test_of_theirs_passes(build_run: ModelsRun) -> None:
    assert build_run.complete
    assert [node for node in build_run.nodes if node.status not in ("success", "pass", "no-op")] == []
    assert build_run.counts["unit_test pass"] == 27
    assert build_run.counts["test pass"] > 25
    assert build_run.counts["model success"] == 35


def test_totals_of_the_views_are_those_of_the_files_to_the_cent(office: Office, build_run: ModelsRun) -> None:
    assert build_run.complete
    truth = office.service.control("truth")
    views = {
        ("ar_aging", "Balance Due"): "select sum(balance_due) from analytics.ar_aging_view",
        ("gross_billing", "Charge Amount"): "select sum(charge_amount) from analytics.gross_billing_view",
        ("gross_billing", "Charge Balance"): "select sum(charge_balance) from analytics.gross_billing_view",
        ("payment_trends", "Payment Amount"): "select sum(payment_amount) from analytics.payment_trends_view",
        ("payment_trends", "Unapplied Amount"): "select sum(unapplied_amount) from analytics.payment_trends_view",
        ("charges_on_hold", "Charge Amount"): "select sum(total_amount) from analytics.charges_on_hold",
        ("denial_trends", "Denied Amount"): "select sum(denied_amount) from analytics.denial_trends",
        ("write_off_trends", "Write-off Amount"): "select sum(write_off_amount) from analytics.write_off_trends",
        (
            "revenue_recognition",
            "Recognized Revenue",
        ): "select sum(recognized_revenue) from analytics.revenue_recognition",
    }
    for (report, head), statement in views.items():
        cents = sum(account["distinct_totals"][head] for account in truth[report].values())
        assert office.ask(statement) == [(Decimal(cents) / 100,)], (report, head)
    for report, accounts in truth.items():
        for account, found in accounts.items():
            for head, cents in found["totals"].items():
                column = column_names([head])[0]
                rows = office.ask(
                    "select total_that_came, total_kept, unexplained, duplicate_rows from analytics.report_totals "
                    f"where report = '{report}' and customer_account = '{account}' and column_name = '{column}'"
                )
                kept = Decimal(found["distinct_totals"][head]) / 100
                twice = found["rows"] - found["distinct_rows"]
                assert rows == [(Decimal(cents) / 100, kept, 0, twice)], (report, account, head)


def test_no_name_of_a_patient_leaves_staging(office: Office, build_run: ModelsRun) -> None:
    assert build_run.complete
    names = office.ask("select distinct patient_name from reports.ar_aging where patient_name is not null")
    assert len(names) > 10
    for mart in MARTS:
        text = str(office.ask(f"select * from analytics.{mart}"))
        assert not [name for (name,) in names if name in text], mart


def test_readers_and_their_own_views_never_miss_a_view_while_it_is_built_anew(
    office: Office, build_run: ModelsRun
) -> None:
    assert build_run.complete
    over, errors, read = Event(), list[str](), [0]

    def keep_reading() -> None:
        with psycopg.connect(office.database, autocommit=True) as connection:
            while not over.is_set():
                try:
                    connection.execute("select sum(owed) from mine.owed").fetchone()
                    connection.execute("select count(*) from analytics.gross_billing_view").fetchone()
                    read[0] += 1
                except psycopg.Error as error:
                    errors.append(type(error).__name__)

    office.ask_nothing(
        "create schema mine; create view mine.owed as select payer_type, sum(balance_due) as owed "
        "from analytics.ar_aging_view group by 1"
    )
    reading = Thread(target=keep_reading)
    reading.start()
    try:
        again = run_models(office.session, "run", Watch())
    finally:
        over.set()
        reading.join()
    assert again.exit_code == 0
    assert errors == []
    assert read[0] > 10


def test_a_view_whose_columns_change_is_not_taken_from_under_somebody_elses(
    office: Office, build_run: ModelsRun
) -> None:
    assert build_run.complete
    office.ask_nothing(
        "create schema if not exists yours; create view yours.days as "
        "select payment_posting_tat_days from analytics.payment_trends_view"
    )
    model = office.folder / "models" / "models" / "marts" / "payment_trends_view.sql"
    contract = model.with_name("_receivables.yml")
    text, columns = model.read_text(), contract.read_text()
    try:
        model.write_text(text.replace("as payment_posting_tat_days", "as posting_days"))
        contract.write_text(columns.replace("name: payment_posting_tat_days", "name: posting_days"))
        run = run_models(office.session, "run", Watch(), select="payment_trends_view")
        assert [item.name for item in run.failed] == ["payment_trends_view"]
        assert "something of yours stands on it" in (office.folder / ".careloom" / "dbt" / "last.log").read_text()
        assert office.ask("select count(*) > 0 from yours.days") == [(True,)]
        office.ask_nothing("drop view yours.days")
        assert run_models(office.session, "run", Watch(), select="payment_trends_view").exit_code == 0
        assert office.ask("select count(posting_days) > 0 from analytics.payment_trends_view") == [(True,)]
    finally:
        model.write_text(text)
        contract.write_text(columns)
        run_models(office.session, "run", Watch(), select="payment_trends_view")


@pytest.mark.parametrize(
    ("now", "changed"),
    [
        ("payment_received_date as received_day", "payment_received_date as day_of_receipt"),
        ("payment_received_date as received_day", "cast(payment_received_date as text) as received_day"),
        ("payment_received_date as received_day,", ""),
    ],
)
def test_a_model_that_breaks_its_contract_is_not_built_and_the_former_one_stays(
    office: Office, build_run: ModelsRun, now: str, changed: str
) -> None:
    assert build_run.complete
    model = office.folder / "models" / "models" / "marts" / "payment_trends_view.sql"
    text = model.read_text()
    assert now in text
    former_rows = office.ask("select pg_get_viewdef('analytics.payment_trends_view'::regclass)")
    try:
        model.write_text(text.replace(now, changed))
        run = run_models(office.session, "run", Watch(), select="payment_trends_view")
        assert [item.name for item in run.failed] == ["payment_trends_view"]
        assert "enforced contract that failed" in (office.folder / ".careloom" / "dbt" / "last.log").read_text()
        assert office.ask("select pg_get_viewdef('analytics.payment_trends_view'::regclass)") == former_rows
    finally:
        model.write_text(text)


def test_models_are_built_only_after_a_change_or_a_build_that_did_not_end(office: Office, build_run: ModelsRun) -> None:
    assert build_run.complete
    assert build_after(office.session, Watch()) is None
    office.ask_nothing("delete from models_built")
    finished = build_after(office.session, Watch())
    assert finished is not None
    assert finished.exit_code == 0


def test_duckdb_gives_the_same(office: Office, build_run: ModelsRun, tmp_path: Path) -> None:
    assert build_run.complete
    warehouse = tmp_path / "warehouse.duckdb"
    copy_reports(office, warehouse)
    profile = {
        "careloom": {
            "target": "it",
            "outputs": {"it": {"type": "duckdb", "path": str(warehouse), "schema": "analytics", "threads": 1}},
        }
    }
    (tmp_path / "profiles.yml").write_text(json.dumps(profile))
    folders = ["--project-dir", str(office.folder / "models"), "--profiles-dir", str(tmp_path)]
    places = ["--target-path", str(tmp_path / "target"), "--log-path", str(tmp_path / "logs")]
    command = [str(warm_python()), "-m", "dbt.cli.main", "build", *folders, *places]
    process = subprocess.run(
        command, capture_output=True, text=True, check=False, env=os.environ | {"DO_NOT_TRACK": "1"}
    )
    assert process.returncode == 0, process.stdout[-3000:]
    differing = {}
    with duckdb.connect(str(warehouse), read_only=True) as db:
        for mart in MARTS:
            other_rows = db.execute(f"select * from analytics.{mart}").fetchall()
            own_rows = office.ask(f"select * from analytics.{mart}")
            assert own_rows, mart
            differing[mart] = [
                pair for pair in zip(plain(own_rows), plain(other_rows), strict=True) if pair[0] != pair[1]
            ][:2]
    assert {mart: truth for mart, truth in differing.items() if truth} == {}


def copy_reports(office: Office, warehouse: Path) -> None:
    """The reports as they are, in a DuckDB file."""
    with duckdb.connect(str(warehouse)) as db, psycopg.connect(office.database) as connection:
        db.execute("create schema reports")
        db.execute("create schema careloom")
        views = [f"reports.{report}" for report in office.session.project.reports]
        for view in (*views, "reports.ar_aging_snapshots", "careloom.account_reports"):
            cursor = connection.execute(f"select * from {view}")
            names = [item.name for item in cursor.description or ()]
            rows = [[json.dumps(cell) if isinstance(cell, dict) else cell for cell in row] for row in cursor.fetchall()]
            table = pa.table({name: pa.array([row[at] for row in rows]) for at, name in enumerate(names)})
            # A column without a value has no type of its own.
            empty = [name for name in names if pa.types.is_null(table.schema.field(name).type)]
            for name in empty:
                table = table.set_column(names.index(name), name, table.column(name).cast(pa.string()))
            db.register("given", table)
            db.execute(f"create table {view} as select * from given")
            db.unregister("given")


def plain(rows: Any) -> list[str]:
    """Rows in one order, numbers without their scale."""
    return sorted(str(list(map(normal_cell, row))) for row in rows)


def normal_cell(cell: Any) -> Any:
    if isinstance(cell, datetime):
        return cell.astimezone(UTC).isoformat()
    return cell.normalize() + 0 if isinstance(cell, Decimal) else cell


def test_an_analyst_who_builds_into_a_schema_of_her_own_leaves_productions_alone(
    office: Office, build_run: ModelsRun, tmp_path: Path
) -> None:
    assert build_run.complete
    former_rows = office.ask(
        "select oid, relfilenode from pg_class where relnamespace = 'analytics'::regnamespace order by 1"
    )
    careloom = json.loads((office.folder / ".careloom" / "dbt" / "profiles.yml").read_bytes())["careloom"]["outputs"]
    profile = {"careloom": {"target": "dev", "outputs": {"dev": careloom["careloom"] | {"schema": "dev_anna"}}}}
    (tmp_path / "profiles.yml").write_text(json.dumps(profile))
    folders = ["--project-dir", str(office.folder / "models"), "--profiles-dir", str(tmp_path)]
    places = ["--target-path", str(tmp_path / "target"), "--log-path", str(tmp_path / "logs")]
    command = [str(warm_python()), "-m", "dbt.cli.main", "run", "--select", "+collection_rates", *folders, *places]
    environment = os.environ | {"DO_NOT_TRACK": "1", "CARELOOM_DBT_PASSWORD": ""}
    process = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert process.returncode == 0, process.stdout[-3000:]
    rows = office.ask("select viewname from pg_views where schemaname = 'dev_anna'")
    assert {"collection_rates", "payment_trends_view", "stg_payment_trends"} <= {name for (name,) in rows}
    assert office.ask("select count(*) from dev_anna.collection_rates") == office.ask(
        "select count(*) from analytics.collection_rates"
    )
    after = office.ask(
        "select oid, relfilenode from pg_class where relnamespace = 'analytics'::regnamespace order by 1"
    )
    assert after == former_rows


def test_a_run_ends_with_receivables_by_payer_and_age_the_worst_payers_first(
    office: Office, build_run: ModelsRun
) -> None:
    assert build_run.complete
    rows = office.ask("select payer_name, sum(balance_due) from analytics.ar_aging_view group by 1 order by 2 desc, 1")
    result = call_in(office, "run", "reports")
    assert result.code == 0, result.err
    table = result.out[result.out.index("Balance by payer and age") :].splitlines()
    assert table[0] == f"Balance by payer and age: ${sum(sum_ for _, sum_ in rows):,.2f}"
    assert [name for name in ("0-5 days", "121+ days") if name not in table[1]] == []
    for (payer, balance), line in zip(rows[:12], table[2:], strict=False):
        assert line.startswith(payer), line
        assert f"${balance:,.2f}" in line
    plain = call_in(office, "run", "reports", "--json").json
    assert plain["no_charts"] == ""
    (chart,) = plain["charts"]
    assert [(payer, sum(map(Decimal, parts.values()))) for payer, parts in chart["bars"].items()] == rows[:12]


def test_the_page_shows_what_has_changed_since_the_snapshot_before(
    office: Office, build_run: ModelsRun, tmp_path: Path
) -> None:
    assert build_run.complete
    assert call_in(office, "report", "ar-aging").out.count("There is no snapshot before this one yet.") == 2
    account = "select sum(balance_due) from analytics.ar_aging_view where customer_account = '10028395'"
    ((before,),) = office.ask(account)
    office.service.control("settings", seed=9)
    try:
        office.run("ar_aging", accounts=("10028395",))
        change = office.ask(account)[0][0] - before
        assert change
        page = call_in(office, "report", "ar-aging", "--html", str(tmp_path / "page.html"), "--json").json["charts"]
        changes = {chart["title"]: Decimal(chart["all"]) for chart in page if chart["title"].startswith("Change")}
        # The other accounts have but one snapshot: their balances are no change.
        assert list(changes.values()) == [change, change]
        words = f"In all {'-' if change < 0 else ''}${abs(change):,.2f}."
        assert (tmp_path / "page.html").read_text().count(words) >= 2
        assert (
            run_models(office.session, "test", Watch(), select="the_newest_snapshot_is_what_readers_see").exit_code == 0
        )
    finally:
        office.service.control("settings", seed=1)
        office.run("ar_aging", accounts=("10028395",))
