"""What becomes of reports over time: failed ones, those of accounts that went, old ones; and what a careless person is told."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from blueprints.fake_practice import ACCOUNTS, SECRETS, Office, billing_office
from blueprints.test_collaboratemd_attacks import PLAIN, Scripted
from careloom.cli.reports import show_reports_run
from careloom.core.reports import Fetched
from careloom.project.model import Retention
from careloom.services.operate.retention import cleanup
from careloom.services.operate.scheduler import enqueue_due
from careloom.services.reports.fetch import run_reports
from careloom.services.reports.outcomes import ReportOutcome, ReportsRun
from careloom.services.session.due import any_report_due
from careloom.services.session.progress import Watch
from careloom.services.session.sessions import Session
from careloom.systems.collaboratemd.simulator import RunningCollaborateMD
from cli.shell import Said, call

if TYPE_CHECKING:
    from services.sync_project import Clinic

ONE = ACCOUNTS[:1]
NOW = datetime(2026, 11, 24, 15, tzinfo=UTC)
"""Ten hours after the daily reports were due, in the project's zone; fourteen before they are again."""


@pytest.fixture(scope="module")
def service() -> Iterator[RunningCollaborateMD]:
    with RunningCollaborateMD("--today", "2026-11-21") as running:
        yield running


@pytest.fixture
def office(tmp_path: Path, database: str, service: RunningCollaborateMD) -> Iterator[Office]:
    with billing_office(tmp_path / "office", database, service, columns=False) as new_office:
        yield new_office


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch) -> Scripted:
    one = Scripted()
    monkeypatch.setattr(Session, "report_source", lambda *_: one)
    return one


def session_at(office: Office, moment: datetime, *accounts: str, names: tuple[str, ...] = ("ar_aging",)) -> Session:
    """The project at a moment, with these reports of these accounts alone."""
    reports = {report.name: report for report in office.reports(*names, accounts=accounts or ONE)}
    return replace(office.session, clock=lambda: moment, project=replace(office.session.project, reports=reports))


def due(session: Session) -> ReportsRun:
    return run_reports(session, list(session.project.reports.values()), Watch(), due_only=True)


def test_a_failed_report_is_asked_for_again_after_a_pause_that_grows_to_a_day(office: Office, source: Scripted) -> None:
    monthly = ("write_off_trends",)
    source.said[ACCOUNTS[0]] = Fetched(state="refused", message="not now")
    moment = NOW
    assert due(session_at(office, moment, names=monthly)).counts["failed"] == 1
    for pause in (timedelta(minutes=15), timedelta(hours=1), timedelta(hours=4), timedelta(days=1), timedelta(days=1)):
        early = session_at(office, moment + pause - timedelta(seconds=1), names=monthly)
        assert (any_report_due(early, "billing"), due(early).counts["due"]) == (False, 0)
        moment += pause
        late = session_at(office, moment, names=monthly)
        assert any_report_due(late, "billing")
        assert due(late).counts == {"due": 1, "loaded": 0, "unchanged": 0, "empty": 0, "failed": 1, "waiting": 0}
    source.said[ACCOUNTS[0]] = PLAIN
    moment += timedelta(days=1)
    assert due(session_at(office, moment, names=monthly)).counts["loaded"] == 1
    assert due(session_at(office, moment + timedelta(hours=5), names=monthly)).counts["due"] == 0
    source.said[ACCOUNTS[0]] = Fetched(state="refused", message="not now")
    run_reports(session_at(office, moment, names=monthly), office.reports(*monthly, accounts=ONE), Watch())
    again = session_at(office, moment + timedelta(minutes=15), names=monthly)
    assert due(again).counts["due"] == 1, "a success begins the pauses anew"


def test_what_is_under_way_of_an_account_that_was_taken_out_ends_and_its_rows_stay(
    office: Office, source: Scripted
) -> None:
    accounts = ACCOUNTS[:2]
    due(session_at(office, NOW, *accounts))
    watch = Watch()
    watch.stop.set()
    tomorrow = NOW + timedelta(days=1)
    run_reports(session_at(office, tomorrow, *accounts), office.reports("ar_aging", accounts=accounts), watch)
    left = office.folder / ".careloom" / "reports"
    for (id_,) in office.ask("select id from account_reports where status = 'due'"):
        (left / str(id_)).mkdir(parents=True)
        (left / str(id_) / "1.csv").write_text(PLAIN)
    source.asked.clear()
    assert due(session_at(office, tomorrow, ACCOUNTS[0])).counts["due"] == 1
    assert {one.account for one in source.asked} == {ACCOUNTS[0]}
    standing = "select customer_account, status, error_code from account_reports order by id desc limit 2"
    assert set(office.ask(standing)) == {(ACCOUNTS[0], "loaded", None), (ACCOUNTS[1], "ended", "not-in-project")}
    assert office.rows("ar_aging") == dict.fromkeys(accounts, 1)
    assert not list(left.rglob("*.csv"))
    assert not any_report_due(session_at(office, tomorrow, ACCOUNTS[0]), "billing")
    back = due(session_at(office, tomorrow + timedelta(days=1), *accounts))
    assert back.counts["due"] == 2, "an account that comes back is asked for when it is due"


def test_what_was_asked_long_ago_goes_but_for_the_newest_and_whose_rows_are_there(
    office: Office, source: Scripted
) -> None:
    texts = (PLAIN, PLAIN, "Charge ID,Balance\n1,$6.00\n", "no", "Charge ID,Balance\n1,$7.00\n", "no")
    for day, text in enumerate(texts):
        source.said[ACCOUNTS[0]] = Fetched(state="refused", message="no") if text == "no" else text
        due(session_at(office, NOW + timedelta(days=day)))
    query = "select status, current, rows_of = id from account_reports order by id"
    former_values = [
        ("loaded", False, True),
        ("loaded", False, False),
        ("loaded", False, True),
        ("failed", False, None),
        ("loaded", True, True),
        ("failed", False, None),
    ]
    assert office.ask(query) == former_values
    kept = timedelta(days=400)
    assert office.session.project.retention == Retention(account_reports=kept, runs=kept)
    early = session_at(office, NOW + kept)
    assert cleanup(early, dry_run=False).removed["account_reports"] == 0
    late = session_at(office, NOW + kept + timedelta(days=9))
    assert cleanup(late, dry_run=True).removed["account_reports"] == 2
    assert office.ask(query) == former_values
    assert cleanup(late, dry_run=False).removed["account_reports"] == 2
    assert office.ask(query) == [former_values[0], former_values[2], former_values[4], former_values[5]]
    assert office.rows("ar_aging") == {ACCOUNTS[0]: 1}


def test_a_worker_removes_old_ones_each_night(office: Office, source: Scripted) -> None:
    del source
    enqueue_due(office.session)
    query = "select task_name from procrastinate_jobs order by 1"
    assert office.ask(query) == [("cleanup",), ("reports",)]


def test_a_stopped_run_is_told_in_one_line(capsys: pytest.CaptureFixture[str], office: Office) -> None:
    watch = Watch()
    watch.stop.set()
    run = run_reports(office.session, office.reports("ar_aging", "payment_trends"), watch)
    outcome = ReportOutcome(
        report="ar_aging", account="1", ended="waiting", message="stopped while the system makes it"
    )
    show_reports_run(replace(run, outcomes=[outcome, *run.outcomes]))
    output = capsys.readouterr().out
    assert "9 due = 9 waiting" in output
    assert output.count("\n") == 3
    assert "stopped before 8 were asked for" in output


def call_in(office: Office, *words: str) -> Said:
    project = SimpleNamespace(folder=office.folder, database=office.database, environment=SECRETS)
    return call(cast("Clinic", project), *words)


def test_the_pages_of_charts_are_listed_as_json(office: Office) -> None:
    assert [row["name"] for row in call_in(office, "report", "--json").json] == ["ar-aging", "denials"]


def test_a_selection_that_chooses_nothing_is_an_error_that_says_so(office: Office) -> None:
    models = office.folder / "models"
    shutil.rmtree(models)
    (models / "models").mkdir(parents=True)
    (models / "dbt_project.yml").write_text("{name: few, version: '1.0', config-version: 2, profile: careloom}\n")
    (models / "models" / "owed.sql").write_text("select 1 as one")
    wrong = call_in(office, "models", "build", "--select", "owedd+")
    assert (wrong.code, wrong.out) == (2, "")
    assert "--select 'owedd+' chose nothing to build: did you mean `owed`?" in wrong.err
