"""A worker whose machine is a day ahead or behind: whatever others wrote is compared by the database's clock."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from threading import Event

import pytest

from careloom.core import clock
from careloom.project.model import Report
from careloom.project.schedules import parse_schedule
from careloom.services.landing.scan import scan
from careloom.services.operate.due import has_come
from careloom.services.operate.scheduler import enqueue_due
from careloom.services.session.due import any_report_due
from careloom.services.session.progress import Watch
from careloom.services.session.sessions import Session
from careloom.store.account_reports import AccountReports
from careloom.store.database import Store, open_store
from services.fake_rooms import Paper, install, make_session, project, rows

HOURLY = parse_schedule("every hour")
DAY = timedelta(days=1)


@pytest.fixture(params=[-DAY, timedelta(), DAY], ids=["a day behind", "right", "a day ahead"])
def machine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> timedelta:
    """The clock of the process, which the database does not share."""
    offset: timedelta = request.param

    class Wrong(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) + offset

    monkeypatch.setattr(clock, "datetime", Wrong)
    assert abs(clock.system_clock() - datetime.now(UTC) - offset) < timedelta(minutes=1)
    return offset


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    store = open_store(database)
    yield store
    store.close()


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch, store: Store, tmp_path: Path, machine: timedelta) -> Session:
    install(monkeypatch, {"ehr": Paper()})
    return make_session(store, project(tmp_path, ["ehr"], schedule=HOURLY))


def take_jobs(store: Store) -> list[str]:
    return [job for (job,) in rows(store, "delete from procrastinate_jobs where status = 'todo' returning task_name")]


def test_a_scan_is_due_an_hour_after_the_last_and_not_before(session: Session, store: Store) -> None:
    enqueue_due(session)
    assert take_jobs(store) == ["scan"]
    scan(session, "visits", Watch(stop=Event()))
    rows(store, "update stream_state set scanned_at = now() returning 1")
    enqueue_due(session)
    assert take_jobs(store) == [], "it was done just now"
    rows(store, "update stream_state set scanned_at = now() - interval '61 minutes' returning 1")
    enqueue_due(session)
    assert take_jobs(store) == ["scan"]


def test_what_was_never_done_is_due_and_what_was_done_this_hour_is_not(session: Session, store: Store) -> None:
    (now,) = rows(store, "select now()")[0]
    assert has_come(session, HOURLY, None)
    assert has_come(session, HOURLY, now - timedelta(minutes=61))
    assert not has_come(session, HOURLY, now)


def test_an_unfinished_scan_of_yesterday_goes_on(session: Session, store: Store) -> None:
    scan(session, "visits", Watch(stop=Event()))
    young = "scan_began = now() - interval '6 days 12 hours', checkpoint = 'here', scan_kind = 'full_sync'"
    rows(store, f"update stream_state set {young} returning 1")
    assert scan(session, "visits", Watch(stop=Event())).resumed
    old = young.replace("6 days 12 hours", "7 days 12 hours")
    rows(store, f"update stream_state set {old} returning 1")
    assert not scan(session, "visits", Watch(stop=Event())).resumed


def test_a_report_is_due_by_its_schedule_and_rests_after_it_failed(session: Session, store: Store) -> None:
    report = Report(name="aging", system="ehr", report="1", filter="2", accounts=("100",), schedule=HOURLY, file="")
    session.project.reports["aging"] = report  # type: ignore[index]
    account_reports = AccountReports(store)
    assert any_report_due(session, "ehr")
    row = account_reports.open("ehr", "aging", "100", session.clock())
    account_reports.failed(row, "no-answer", "it came to no answer", session.clock())
    apart = rows(store, "select abs(extract(epoch from now() - due_at)) < 60 from account_reports")
    assert apart == [(True,)]
    assert not any_report_due(session, "ehr"), "it failed just now, and rests"
    rows(store, "update account_reports set due_at = due_at - interval '30 hours' returning 1")
    assert any_report_due(session, "ehr")


def test_what_a_room_is_handed_is_the_same_clock(session: Session, store: Store) -> None:
    for room_clock in (session.clock, session.on_lane("event").clock, session.room_context("ehr").clock):
        assert abs(room_clock() - store.clock()) < timedelta(minutes=1)
