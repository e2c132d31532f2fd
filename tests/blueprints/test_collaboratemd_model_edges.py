"""The models over crooked rows, made here cell by cell: both engines read them alike, and their totals are those of the rows."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest

from careloom.engine.reports.columns import column_names
from careloom.systems.collaboratemd.simulator.layouts import BY_NAME, LAYOUTS
from warm_python import warm_python

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("models")]

MODELS = Path(
    os.environ.get("EDGE_MODELS") or Path(__file__).parents[2] / "blueprints" / "collaboratemd-reports" / "models"
)
AS_OF = "2026-01-31"
TYPES = {
    "money": "numeric(18, 2)",
    "date": "date",
    "count": "bigint",
    "percent": "numeric(18, 2)",
    "hours": "numeric(18, 2)",
}
ARRIVED_AS_TEXT = {
    ("ar_aging", "balance_due"),
    ("payment_trends", "payment_received_date"),
    ("pdr3_calculator", "billed_days"),
}
"""One broken value in the first file made these columns text."""
PINNED_WHOLE = {("write_off_trends", "write_off_amount")}
"""The first file had only whole amounts here: later ones with cents are beside the row."""
MISSING = {("gross_billing", "expected_amount")}
NUMBERS = {
    "ar_aging": ["charge_id"],
    "gross_billing": ["charge_id"],
    "charges_on_hold": ["charge_id"],
    "claim_stage_breakdown": ["claim_id"],
    "payment_trends": ["payment_id"],
    "write_off_trends": ["write_off_id"],
    "pdr3_calculator": ["patient_id", "admission_date"],
    "revenue_recognition": ["charge_id", "posting_month"],
    "quadrant_performance": ["rendering_provider", "facility_name", "month"],
    "rcm_productivity": ["user_name", "work_date", "task"],
    "user_time_spread": ["user_name", "work_date", "task", "start_time"],
}
"""What tells the rows of a report from one another."""
NEVER_LOADED = "denial_trends"
LOADED = {"10000000": "2026-01-30 10:00:00+00:00", "10000001": "2026-01-31 04:30:00+00:00"}
"""When each account's snapshot came; the second on the 30th in the project's zone."""
NEWEST = (6, 7)
VIEWS = {one: f"{one}_view" for one in ("ar_aging", "gross_billing", "payment_trends")}
UNREADABLE = {
    "ar_aging": {"balance_due": ["n/a", "12.3.4"]},
    "payment_trends": {"payment_received_date": ["02/30/2026", "soon"]},
}
Row = dict[str, Any]


def money(number: int) -> Decimal:
    return Decimal(number * 7919 % 100_000 - 20_000) / 100


def value(kind: str, name: str, number: int, place: int) -> Any:
    if kind != "id" and (number + place) % 7 == 0:
        return None
    values = {
        "id": str(1000 + number),
        "code": f"C{number % 4}",
        "text": f"Value {number % 3}",
        "person": f"Zzyzx Invented{number % 5}",
        "date": date(2025, 11, 1) + timedelta(days=(number * 5 + place) % 90),
        "money": money(number * 31 + place),
        "count": (number * 13 + place) % 150,
        "percent": Decimal(number % 1000) / 10,
        "hours": Decimal(number % 80) / 10,
        "flag": "Y" if number % 3 else "N",
    }
    return values[kind] if name != "patient_id" else (None if number % 5 == 0 else f"P{number % 6}")


def columns_of(report: str) -> dict[str, str]:
    layout = BY_NAME[report]
    names = column_names([head for head, _ in layout.columns])
    return {name: kind for name, (_, kind) in zip(names, layout.columns, strict=True) if (report, name) not in MISSING}


def rows_of(report: str) -> list[Row]:
    """Forty rows of two accounts; then one of them twice again, and one id with another content."""
    columns = columns_of(report)
    rows: list[Row] = [
        {"customer_account": f"1000000{number % 2}"}
        | {name: value(kind, name, number, place) for place, (name, kind) in enumerate(columns.items())}
        for number in range(40)
    ]
    amounts = [name for name, kind in columns.items() if kind in ("money", "count")]
    rows += [dict(rows[3]), dict(rows[3]), dict(rows[8]), rows[5] | {amounts[0]: 7}]
    if report == "pdr3_calculator":
        rows.append(rows[10] | {"admission_date": date(2026, 1, 9), "discharge_date": date(2026, 1, 2)})
    for name, bad in UNREADABLE.get(report, {}).items():
        rows += [rows[index] | {name: cell} for index, cell in enumerate(bad)]
    return rows


def column_type(report: str, name: str, kind: str) -> str:
    if (report, name) in ARRIVED_AS_TEXT:
        return "text"
    return "bigint" if (report, name) in PINNED_WHOLE else TYPES.get(kind, "text")


def written_cell(cell: Any) -> Any:
    """As the service writes it."""
    if isinstance(cell, Decimal):
        return f"(${-cell:,.2f})" if cell < 0 else f"${cell:,.2f}"
    return f"{cell:%m/%d/%Y}" if isinstance(cell, date) else cell


def stored_row(report: str, row: Row, columns: Mapping[str, str]) -> list[Any]:
    cells, values = [], {}
    for name, kind in columns.items():
        cell = row[name]
        if (report, name) in PINNED_WHOLE and cell is not None and cell != int(cell):
            values[name], cell = written_cell(cell), None
        cells.append(written_cell(cell) if column_type(report, name, kind) == "text" and cell is not None else cell)
    return [row["customer_account"], json.dumps(values) if values else None, *cells]


def fill(execute: Any, mark: str, json_type: str) -> None:
    execute("create schema reports")
    for layout in LAYOUTS:
        if layout.name == NEVER_LOADED:
            continue
        columns = columns_of(layout.name)
        text = ", ".join(f'"{name}" {column_type(layout.name, name, kind)}' for name, kind in columns.items())
        execute(
            f"create table reports.{layout.name} (report_run bigint, row_number bigint, customer_account text, "
            f"unparsed {json_type}, {text}, loaded_at timestamptz)"
        )
        places = ", ".join([mark] * (len(columns) + 2))
        for number, row in enumerate(rows_of(layout.name)):
            moment = LOADED[row["customer_account"]]
            execute(
                f"insert into reports.{layout.name} values (1, {number}, {places}, '{moment}')",
                stored_row(layout.name, row, columns),
            )
    keep(execute)


def keep(execute: Any) -> None:
    """Snapshots of one report as the store lists and shows them: of each account the newest, which came twice, and one before it."""
    execute("create schema careloom")
    execute(
        "create table careloom.account_reports (id bigint, system text, report_name text, customer_account text, asked_for text, "
        'rows_of bigint, loaded_at timestamptz, "current" boolean)'
    )
    values = [
        (1, 0, 1, "A"),
        (2, 1, 2, "A"),
        (3, 0, 3, "B"),
        (4, 0, 4, "B"),
        (5, 1, 5, "A"),
        (6, 1, 5, "A"),
        (7, 0, 4, "B"),
    ]
    for id_, account, rows_of, asked_for in values:
        moment = LOADED[f"1000000{account}"] if id_ in NEWEST else f"2025-12-0{id_} 05:00:00+00"
        execute(
            f"insert into careloom.account_reports values ({id_}, 'billing', 'ar_aging', '1000000{account}', '{asked_for}', "
            f"{rows_of}, '{moment}', {id_ in NEWEST})"
        )
    execute("create table reports.ar_aging_snapshots as select * from reports.ar_aging where false")
    of = {1: 0, 2: 1, 3: 0, 4: 0, 5: 1}
    for run, account in of.items():
        # The former ones lack some charges of the newest.
        some = "true" if run in (4, 5) else "row_number % 3 <> 0"
        execute(
            f"insert into reports.ar_aging_snapshots select * from reports.ar_aging where customer_account = '1000000{account}' and {some}"
        )
        execute(f"update reports.ar_aging_snapshots set report_run = {run + 100} where report_run = 1")
    execute("update reports.ar_aging_snapshots set report_run = report_run - 100")


def build(folder: Path, output: dict[str, Any], *words: str) -> dict[str, Any]:
    folder.mkdir(exist_ok=True)
    profile = {"careloom": {"target": "it", "outputs": {"it": output | {"threads": 2, "schema": "analytics"}}}}
    (folder / "profiles.yml").write_text(json.dumps(profile))
    places = ["--project-dir", str(MODELS), "--profiles-dir", str(folder), "--target-path", str(folder / "target")]
    quiet = ["--log-path", str(folder / "logs"), "--no-version-check", "--vars", json.dumps({"as_of": AS_OF})]
    command = [str(warm_python()), "-m", "dbt.cli.main", "build", *places, *quiet, *words]
    process = subprocess.run(
        command, capture_output=True, text=True, check=False, env=os.environ | {"DO_NOT_TRACK": "1"}
    )
    results = json.loads((folder / "target" / "run_results.json").read_bytes())["results"]
    return {
        "said": process.stdout,
        "bad": {
            result["unique_id"]: result["message"]
            for result in results
            if result["status"] not in ("success", "pass", "warn")
        },
        "warned": sorted(result["unique_id"].split(".")[2] for result in results if result["status"] == "warn"),
    }


@dataclass(frozen=True, slots=True)
class Both:
    postgres: Any
    duck: Any
    built: Mapping[str, Any]

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """The same rows on both engines, in one order."""
        ours, theirs = (plain(one.execute(statement).fetchall()) for one in (self.postgres, self.duck))
        assert ours == theirs, statement
        return ours


def plain(rows: Any) -> list[tuple[Any, ...]]:
    return sorted(
        (tuple(map(normal_cell, row)) for row in rows),
        key=str,
    )


def normal_cell(cell: Any) -> Any:
    """A value in the one writing that both engines share."""
    if isinstance(cell, datetime):
        return cell.astimezone(UTC).isoformat()
    return Decimal(cell).normalize() + 0 if isinstance(cell, Decimal) else cell


@pytest.fixture(scope="module")
def both_stores(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    folder, name = tmp_path_factory.mktemp("edges"), "edges_of_models"
    with psycopg.connect(server_url, autocommit=True) as server:
        server.execute(f"drop database if exists {name}")
        server.execute(f"create database {name}")
    url = server_url.replace(":///careloom?", f":///{name}?")
    warehouse = folder / "warehouse.duckdb"
    with psycopg.connect(url, autocommit=True) as connection:
        fill(connection.execute, "%s", "jsonb")
        info = connection.info
        address = {"host": info.host, "port": info.port, "user": info.user, "password": "", "dbname": name}
        values = {"postgres": build(folder / "postgres", {"type": "postgres"} | address)}
        with duckdb.connect(str(warehouse)) as duck:
            fill(duck.execute, "?", "json")
        values["duckdb"] = build(folder / "duckdb", {"type": "duckdb", "path": str(warehouse)})
        with duckdb.connect(str(warehouse)) as duck:
            yield Both(connection, duck, values)
    with psycopg.connect(server_url, autocommit=True) as server:
        server.execute(f"drop database {name} with (force)")


def distinct(report: str) -> list[Row]:
    """The rows that count: one that says of what it is counts once, any other as often as it stands there."""
    row_list: list[Row] = []
    for row in rows_of(report):
        if row not in row_list or not all(row[name] is not None for name in NUMBERS[report]):
            row_list.append(row)
    return row_list


def total(rows: list[Row], name: str) -> Decimal:
    return sum((Decimal(row[name]) for row in rows if isinstance(row[name], (Decimal, int))), Decimal())


def test_both_engines_build_everything_and_every_test_passes(both_stores: Both) -> None:
    for engine, built in both_stores.built.items():
        bad = {name: status for name, status in built["bad"].items() if status != "NO-OP"}  # exposures are not built
        assert bad == {}, engine


def test_every_mart_is_the_same_on_both_engines(both_stores: Both) -> None:
    for layout in LAYOUTS:
        rows = both_stores.rows(f"select * from analytics.{VIEWS.get(layout.name, layout.name)}")
        assert bool(rows) == (layout.name != NEVER_LOADED), layout.name


def test_every_model_ends_with_the_time_at_which_its_rows_came(both_stores: Both) -> None:
    models = both_stores.postgres.execute(
        "select c.relname from pg_class c where relnamespace = 'analytics'::regnamespace and relkind = 'v'"
    ).fetchall()
    names = {"report_totals", "duplicate_rows", "unparsed_values", "metrics_days"}
    assert len(models) > 30
    for (model,) in models:
        if model in names:
            continue
        columns = both_stores.duck.execute(f"select * from analytics.{model} limit 0").description
        assert columns[-1][0] == "loaded_at", model
        assert [
            item.name for item in both_stores.postgres.execute(f"select * from analytics.{model} limit 0").description
        ] == [name for name, *_ in columns]
        if NEVER_LOADED not in model:
            moments = {moment for (moment,) in both_stores.rows(f"select distinct loaded_at from analytics.{model}")}
            assert set(LOADED.values()) & {moment.replace("T", " ") for moment in moments} == set(LOADED.values()), (
                model
            )


def test_receivables_are_held_against_the_snapshot_before(both_stores: Both) -> None:
    rows = distinct("ar_aging")
    for account in ("10000000", "10000001"):
        # The first account's filter was another before: its snapshots are 3 and 4. The second's are 2 and 5, which came twice.
        row_list = both_stores.rows(
            "select report_run, snapshots_ago, is_current, sum(balance_due), sum(charges) from analytics.ar_aging_by_snapshot "
            f"where customer_account = '{account}' group by 1, 2, 3"
        )
        assert [(ago, now) for _, ago, now, *_ in sorted(row_list, key=lambda row: row[1])] == [(0, True), (1, False)]
        assert {run for run, *_ in row_list} == ({3, 4} if account.endswith("0") else {2, 5})
        newest = [row for row in rows if row["customer_account"] == account]
        assert row_list[[ago for _, ago, *_ in row_list].index(0)][3:] == (
            total(newest, "balance_due").normalize(),
            len(newest),
        )
        now, before, change = both_stores.rows(
            "select sum(balance_due), sum(former_balance_due), sum(change_of_balance) from analytics.ar_aging_change "
            f"where customer_account = '{account}'"
        )[0]
        assert now - before == change
        assert before == next(balance for _, ago, _, balance, _ in row_list if ago == 1)
        assert change != 0


def test_totals_of_the_views_are_those_of_the_rows_without_their_repeats(both_stores: Both) -> None:
    for layout in LAYOUTS:
        if layout.name == NEVER_LOADED:
            continue
        view = VIEWS.get(layout.name, layout.name)
        names = dict.fromkeys(one for one, kind in columns_of(layout.name).items() if kind == "money")
        for name in names:
            column = "total_amount" if layout.name == "charges_on_hold" else name
            wanted_total = total(distinct(layout.name), name)
            assert both_stores.rows(f"select sum({column}) from analytics.{view}") == [
                (wanted_total.normalize() + 0,)
            ], (
                view,
                name,
            )


def test_repeats_are_counted_and_other_contents_of_one_id_are_kept(both_stores: Both) -> None:
    for layout in LAYOUTS:
        if layout.name != NEVER_LOADED:
            kept_count, came = len(distinct(layout.name)), len(rows_of(layout.name))
            rows = both_stores.rows(f"select count(*), sum(_copies) from analytics.stg_{layout.name}")
            assert rows == [(kept_count, came)], layout.name


def test_cells_that_nothing_can_read_are_counted(both_stores: Both) -> None:
    rows = both_stores.rows("select report, column_name, unparsed_values from analytics.unparsed_values")
    values: dict[tuple[str, str], int] = {}
    for report, column, count in rows:
        values[report, column] = values.get((report, column), 0) + count
    assert values == {(report, name): len(bad) for report, one in UNREADABLE.items() for name, bad in one.items()}


def test_a_patient_without_a_number_is_not_everybody_without_one(both_stores: Both) -> None:
    rows = both_stores.rows(
        "select patient_statements_sent = total_statements_sent from analytics.ar_aging_view where patient_id is null"
    )
    assert len(rows) > 3
    assert set(rows) == {(True,)}


def test_a_discharge_before_the_admission_gives_no_patient_days(both_stores: Both) -> None:
    rows = [row for row in distinct("pdr3_calculator") if row["admission_date"] and row["discharge_date"]]
    days = sum(
        max((row["discharge_date"] - row["admission_date"]).days, 1)
        for row in rows
        if row["discharge_date"] >= row["admission_date"]
    )
    as_of = date.fromisoformat(AS_OF)
    row_list = [row for row in distinct("pdr3_calculator") if row["admission_date"] and not row["discharge_date"]]
    days += sum(max((as_of - row["admission_date"]).days, 0) for row in row_list)
    assert both_stores.rows("select sum(patient_days) from analytics.pdr3_calculator") == [(days,)]


def test_no_name_of_a_person_is_in_any_model_but_those_of_staff(both_stores: Both) -> None:
    views = both_stores.duck.execute(
        "select table_name from information_schema.tables where table_schema = 'analytics'"
    ).fetchall()
    for (view,) in views:
        text = str(both_stores.duck.execute(f"select * from analytics.{view}").fetchall())
        named = bool(re.search("Zzyzx", text))
        assert named == (view.removeprefix("stg_") in ("rcm_productivity", "user_time_spread")), view
