"""Twelve reports of four accounts: asked for one after the other, loaded whole, and each one's fault its own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from ast import literal_eval
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from threading import Event, Thread

import pytest

from blueprints.fake_practice import ACCOUNTS, SECRETS, Office, billing_office
from careloom.core.errors import Later, NotPermitted
from careloom.core.reports import ReportAsk
from careloom.engine.reports.columns import column_names
from careloom.services.operate.scheduler import enqueue_due
from careloom.services.reports.fetch import run_reports
from careloom.services.reports.outcomes import ReportsRun
from careloom.services.session.progress import Watch
from careloom.store.account_reports import AccountReports
from careloom.systems.collaboratemd.simulator import RunningCollaborateMD
from careloom.systems.collaboratemd.simulator.layouts import BY_NAME
from careloom.worker.jobs import JobContext, run_job
from cli.shell import START
from hang import HANG
from warm_python import warm_python

FEW = ("ar_aging", "payment_trends")
TWO = ACCOUNTS[:2]


@pytest.fixture(scope="module")
def service() -> Iterator[RunningCollaborateMD]:
    with RunningCollaborateMD("--today", "2026-11-21") as running:
        yield running


@pytest.fixture
def office(tmp_path: Path, database: str, service: RunningCollaborateMD) -> Iterator[Office]:
    with billing_office(tmp_path / "office", database, service) as new_office:
        yield new_office


def endings(run: ReportsRun) -> dict[str, int]:
    return {name: number for name, number in run.counts.items() if number}


def test_twelve_reports_of_four_accounts_are_loaded_and_a_second_run_changes_nothing(office: Office) -> None:
    assert endings(office.run()) == {"due": 48, "loaded": 48}
    truth = office.service.control("truth")
    for name, accounts in truth.items():
        assert office.rows(name) == {account: found["rows"] for account, found in accounts.items()}, name
    former_rows = office.ask("select count(*), max(xmin::text::bigint) from reports.gross_billing_rows")
    assert endings(office.run()) == {"due": 48, "unchanged": 48}
    assert office.ask("select count(*), max(xmin::text::bigint) from reports.gross_billing_rows") == former_rows
    assert set(office.asked().values()) == {2}
    for name, accounts in truth.items():
        for account, found in accounts.items():
            for head, cents in found["totals"].items():
                column = column_names([head])[0]
                total = office.ask(f"select sum({column}) from reports.{name} where customer_account = '{account}'")
                assert total == [(Decimal(cents) / 100,)] or (cents == 0 and total == [(None,)]), (name, column)


def test_each_report_says_which_columns_the_models_read_and_its_layout_has_them(office: Office) -> None:
    macro = (office.folder / "models" / "macros" / "report_columns.sql").read_text()
    read = literal_eval(macro.split("{{ return(", 1)[1].split("[report])", 1)[0])
    for report in office.reports():
        assert report.columns == tuple(read[report.name])
        assert set(report.columns) <= set(column_names([head for head, _ in BY_NAME[report.name].columns]))


def test_a_wrong_number_at_first_shows_nothing_and_the_right_one_is_loaded_by_itself(office: Office) -> None:
    (aging,) = office.reports("ar_aging", accounts=ACCOUNTS[:1])
    (billing,) = office.reports("gross_billing", accounts=ACCOUNTS[:1])
    wrong = replace(aging, report=billing.report, filter=billing.filter)
    run = run_reports(office.session, [wrong], Watch())
    assert [(outcome.ended, outcome.code) for outcome in run.outcomes] == [("failed", "column-missing")]
    assert run_reports(office.session, [replace(wrong, columns=())], Watch()).counts["loaded"] == 1
    mended = run_reports(office.session, [aging], Watch())
    assert mended.counts["loaded"] == 1
    assert [drift.code for drift in mended.outcomes[0].drifts] == ["started-over"]
    truth = office.service.control("truth")["ar_aging"][ACCOUNTS[0]]["totals"]["Balance Due"]
    assert office.ask("select sum(balance_due) * 100 from reports.ar_aging") == [(truth,)]


def test_only_what_is_due_is_asked_for(office: Office) -> None:
    few = office.reports("ar_aging", "write_off_trends", accounts=ACCOUNTS[:1])
    monday = replace(office.session, clock=lambda: datetime(2026, 11, 23, 15, tzinfo=UTC))
    assert endings(run_reports(monday, few, Watch(), due_only=True)) == {"due": 2, "loaded": 2}
    assert endings(run_reports(monday, few, Watch(), due_only=True)) == {}
    tuesday = replace(office.session, clock=lambda: datetime(2026, 11, 24, 15, tzinfo=UTC))
    assert [outcome.report for outcome in run_reports(tuesday, few, Watch(), due_only=True).outcomes] == ["ar_aging"]
    december = replace(office.session, clock=lambda: datetime(2026, 12, 1, 15, tzinfo=UTC))
    assert len(run_reports(december, few, Watch(), due_only=True).outcomes) == 2


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("corrupt-zip", "corrupt-archive"),
        ("zip-bomb", "archive-too-large"),
        ("nuls", "nul-character"),
        ("wide", "too-many-columns"),
        ("timed-out", "report-timed-out"),
        ("other-report", "column-missing"),
    ],
)
def test_one_accounts_fault_is_kept_from_the_others_and_told_with_its_reason(
    office: Office, fault: str, code: str
) -> None:
    office.run(*FEW, accounts=TWO)
    former_rows = office.rows("ar_aging")
    office.service.control("settings", rows=41)
    office.service.control("fault", kind=fault, report="ar_aging", account=ACCOUNTS[1], times=9)
    result = office.run(*FEW, accounts=TWO)
    assert (result.counts["due"], result.counts["failed"], result.counts["waiting"]) == (4, 1, 0)
    outcome = next(one for one in result.outcomes if one.ended == "failed")
    assert (outcome.report, outcome.account, outcome.code) == ("ar_aging", ACCOUNTS[1], code)
    rows = office.rows("ar_aging")
    assert rows[ACCOUNTS[1]] == former_rows[ACCOUNTS[1]], "its former rows stay"
    assert not list((office.folder / ".careloom").rglob("*.csv")), "nobody's rows are left on the disk"
    office.service.control("mend")
    mended = office.run("ar_aging", accounts=(ACCOUNTS[1],))
    assert (mended.counts["due"], mended.counts["failed"]) == (1, 0)


def test_an_account_without_access_does_not_keep_the_others_from_theirs(office: Office) -> None:
    office.service.control("settings", off=[ACCOUNTS[0]])
    result = office.run("ar_aging")
    assert endings(result) == {"due": 4, "loaded": 3, "failed": 1}
    assert {outcome.code for outcome in result.outcomes} == {"", "report-refused"}
    assert set(office.rows("ar_aging")) == set(ACCOUNTS[1:])


def test_wrong_credentials_are_told_and_nothing_is_lost(office: Office) -> None:
    office.service.control("settings", password="another")
    with pytest.raises(NotPermitted, match="username"):
        office.run("ar_aging")
    office.service.control("settings", password="sim-password")
    assert endings(office.run("ar_aging")) == {"due": 4, "loaded": 4}


def test_while_somebody_elses_report_is_made_ours_waits_and_never_takes_its_rows(office: Office) -> None:
    other_report = office.reports("ar_aging", accounts=(ACCOUNTS[3],))[0]
    office.service.control("settings", running_seconds=0.5)
    source = office.session.report_source("billing")
    source.ask(ReportAsk(account=ACCOUNTS[3], report=other_report.report, filter=other_report.filter))
    assert endings(office.run("ar_aging", accounts=(ACCOUNTS[0],))) == {"due": 1, "loaded": 1}
    truth = office.service.control("truth")["ar_aging"]
    assert office.rows("ar_aging") == {ACCOUNTS[0]: truth[ACCOUNTS[0]]["rows"]}
    identifiers = office.ask("select identifier from account_reports")
    runs = {run["identifier"]: run for run in office.service.control("runs")}
    assert runs[int(identifiers[0][0])]["accounts"] == [ACCOUNTS[0]]


def test_two_runs_at_once_ask_once(office: Office) -> None:
    office.service.control("settings", running_seconds=0.3)
    first = Thread(target=lambda: office.run(*FEW))
    first.start()
    wait_for(lambda: bool(office.service.control("runs")))
    with pytest.raises(Later, match="already"):
        office.run(*FEW)
    first.join()
    assert set(office.asked().values()) == {1}


def wait_for(true: Callable[[], bool]) -> None:
    until = time.monotonic() + HANG
    while not true():
        assert time.monotonic() < until, "it never came to be"
        time.sleep(0.02)


@pytest.mark.parametrize("moment", ["asked for", "being made", "fetched", "loaded", "being built"])
def test_killed_at_any_moment_the_next_run_finishes_the_same_report_once(office: Office, moment: str) -> None:
    office.service.control("settings", running_seconds=1.0 if moment == "being made" else 0.0, rows=4000)
    reached = {
        "asked for": lambda: bool(office.service.control("runs")),
        "being made": lambda: office.ask("select count(*) from account_reports where status = 'asked'") == [(1,)],
        "fetched": lambda: any((office.folder / ".careloom").rglob("*.csv")),
        "loaded": lambda: bool(office.ask("select 1 from account_reports where status in ('ready', 'loaded')")),
        "being built": (office.folder / ".careloom" / "dbt" / "last.log").exists,
    }[moment]
    if moment != "being built":
        shutil.rmtree(office.folder / "models")
    text = (office.folder / "reports" / "receivables.yaml").read_text()
    one = text.replace(", ".join(f'"{account}"' for account in ACCOUNTS), f'"{ACCOUNTS[0]}"')
    kept = one[: one.index("  charges_on_hold")]
    (office.folder / "reports" / "receivables.yaml").write_text(kept)
    environment = {**os.environ, **SECRETS, "CARELOOM_DATABASE_URL": office.database}
    command = [sys.executable, "-c", START, "run", "reports", "-p", str(office.folder)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        wait_for(lambda: reached() or process.poll() is not None)
        process.send_signal(signal.SIGKILL)
    command[0] = str(warm_python())
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    truth = office.service.control("truth")["ar_aging"][ACCOUNTS[0]]
    assert office.rows("ar_aging") == {ACCOUNTS[0]: truth["rows"]}
    rows = office.ask("select count(*), count(distinct report_run) from reports.ar_aging_rows")
    assert rows == [(truth["rows"], 1)], "its rows are there once"
    if moment == "being built":
        assert office.ask("select count(*) > 0 from analytics.ar_aging_view") == [(True,)]
    if moment in ("being made", "fetched"):
        assert office.asked()["ar_aging", ACCOUNTS[0]] == 1, "the same report was waited for"
    assert AccountReports(office.session.store).newest()[0]["status"] == "loaded"


def test_a_worker_asks_for_what_is_due_once_and_builds_the_models(office: Office) -> None:
    few = {report.name: report for report in office.reports(*FEW, accounts=ACCOUNTS[:1])}
    session = replace(office.session, project=replace(office.session.project, reports=few))
    bench = JobContext(session=session, urgent=session, stop=Event())
    enqueue_due(session)
    rows = office.ask("select args->>'subject' from procrastinate_jobs where task_name = 'reports'")
    assert rows == [("billing",)]
    run_job(bench, "reports", "billing")
    assert office.asked() == {(name, ACCOUNTS[0]): 1 for name in FEW}
    enqueue_due(session)
    due = office.ask("select args->>'subject' from procrastinate_jobs where task_name = 'models'")
    assert due == [(session.project.name,)]
    run_job(bench, "models", session.project.name)
    assert office.ask("select count(*) > 0 from analytics.payment_trends_view") == [(True,)]
    run_job(bench, "reports", "billing")
    assert set(office.asked().values()) == {1}


def test_a_worker_that_is_stopped_leaves_the_report_to_the_next(office: Office) -> None:
    office.service.control("settings", running_seconds=30.0)
    stop = Event()
    working = Thread(target=lambda: run_reports(office.session, office.reports("ar_aging"), Watch(stop=stop)))
    working.start()
    wait_for(lambda: office.ask("select count(*) from account_reports where status = 'asked'") == [(1,)])
    stop.set()
    working.join(HANG)
    assert not working.is_alive()
    office.service.control("settings", running_seconds=0.0)
    assert endings(office.run("ar_aging")) == {"due": 4, "loaded": 4}
    assert set(office.asked().values()) == {1}
