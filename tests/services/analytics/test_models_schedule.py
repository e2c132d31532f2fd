"""Models are built when their schedule comes and after what they are made of has changed; a call with nothing due says so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

import pytest

from careloom.core.streams import Page
from careloom.project.model import Models
from careloom.project.schedules import parse_schedule
from careloom.services.analytics import build
from careloom.services.analytics.build import ModelNode, ModelsRun
from careloom.services.landing.scan import scan
from careloom.services.operate.due import are_models_due
from careloom.services.operate.scheduler import enqueue_due
from careloom.services.session.progress import Watch
from careloom.services.session.sessions import Session
from careloom.store.attempts import Attempts
from careloom.store.database import Store, open_store
from careloom.worker.jobs import JobContext, run_job
from cli.shell import call
from services.fake_rooms import Paper, install, make_session, project, record, rows
from services.sync_project import PEOPLE, PROJECT, Clinic, someone

GOOD = ModelsRun(nodes=[ModelNode(name="m", kind="model", status="success")], seconds=0.1, complete=True)
BAD = ModelsRun(nodes=[ModelNode(name="m", kind="model", status="error")], seconds=0.1, complete=True)


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    store = open_store(database)
    yield store
    store.close()


@pytest.fixture
def paper(monkeypatch: pytest.MonkeyPatch) -> Paper:
    paper = Paper()
    install(monkeypatch, {"ehr": paper})
    return paper


@pytest.fixture
def session(store: Store, paper: Paper, tmp_path: Path) -> Session:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "dbt_project.yml").write_text("name: paper\n")
    return make_session(store, project(tmp_path, ["ehr"]))


def with_rule(session: Session, rule: Models, now: datetime | None = None) -> Session:
    clock = (lambda: now) if now else session.clock
    return replace(session, project=replace(session.project, models=rule), clock=clock)


def make_job(session: Session, monkeypatch: pytest.MonkeyPatch, run: ModelsRun = GOOD) -> JobContext:
    """The worker's job, with dbt's answer instead of dbt."""
    monkeypatch.setattr(build, "_required", lambda _session: None)
    monkeypatch.setattr(build, "_once", lambda *_: run)
    bench = JobContext(session=session, urgent=session, stop=Event())
    run_job(bench, "models", session.project.name)
    return bench


def page(number: int) -> Iterator[Page]:
    yield Page(
        records=[record({"id": "V1", "room": str(number), "changed_at": f"2026-01-0{number}T00:00:00Z"})], checkpoint=""
    )


def test_a_schedule_comes_round_and_a_failed_build_is_not_repeated_before_the_next_tick(
    session: Session, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule = Models(schedule=parse_schedule("daily at 06:00"))
    assert not are_models_due(session)
    daily = with_rule(session, rule)
    assert are_models_due(daily)
    enqueue_due(daily)
    assert ("models:paper",) in rows(store, "select lock from procrastinate_jobs")
    make_job(daily, monkeypatch, BAD)
    assert not are_models_due(daily)
    assert are_models_due(with_rule(session, rule, now=datetime.now(UTC) + timedelta(days=1)))
    (row,) = Attempts(store).recent(kind="models")
    assert (row["name"], row["state"], row["code"]) == ("paper", "failed", "models-failed")
    assert rows(store, "select what from resting") == [("models:paper",)]


def test_models_come_after_a_stream_that_changed_and_not_after_one_that_did_not(
    session: Session, paper: Paper, monkeypatch: pytest.MonkeyPatch
) -> None:
    after = with_rule(session, Models(after=("visits",)))
    assert not are_models_due(after), "nothing was landed yet"
    paper.pages = lambda: page(1)
    scan(after, "visits", Watch())
    assert are_models_due(after)
    assert not are_models_due(session), "nothing was asked for"
    make_job(after, monkeypatch)
    assert not are_models_due(after)
    scan(after, "visits", Watch(), full=True)
    assert not are_models_due(after), "the same rows again"
    paper.pages = lambda: page(2)
    scan(after, "visits", Watch(), full=True)
    assert are_models_due(after)


def test_a_build_that_could_not_begin_is_still_due(session: Session, store: Store) -> None:
    daily = with_rule(session, Models(schedule=parse_schedule("daily at 06:00")))
    Attempts(store).note("models", "paper", "worker", code="later", error="busy")
    assert are_models_due(daily)


# ---------------------------------------------------------------- by the command line


def test_a_call_with_nothing_due_says_so_and_what_comes_next(clinic: Clinic) -> None:
    clinic.write(PEOPLE + "schedule: daily at 06:00\n")
    clinic.rows([someone(1)])
    assert call(clinic, "run", "--due").code == 0
    again = call(clinic, "run", "--due")
    assert again.code == 0
    assert again.out.startswith("Nothing is due; next: people, ")
    assert again.out.rstrip().endswith("06:00 (America/New_York).")
    clinic.write()
    assert "no sync has a schedule" in call(clinic, "run", "--due").out


def test_names_and_places_of_the_rule_are_checked(clinic: Clinic) -> None:
    rule = "models: {after: [people_], schedule: daily at noon}\n"
    clinic.write(project=PROJECT + rule.replace("{", "{{").replace("}", "}}"))
    assert "careloom.yaml:6:38: this is no schedule" in call(clinic, "check").err
    rule = "models: {after: [ar_agin]}\n"
    clinic.write(project=PROJECT + rule.replace("{", "{{").replace("}", "}}"))
    error_text = call(clinic, "check").err
    assert "careloom.yaml:6:18: there is no stream or report `ar_agin` [unknown-name]" in error_text
    assert "careloom.yaml:6:1: there are no models: models/dbt_project.yml is missing [no-models]" in error_text
