"""Replay: what events said can be landed again, and nobody hears of it who was not meant to."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

import pytest

from careloom.core.errors import Later, UsageFault
from careloom.services.landing.process import process_inbox
from careloom.services.landing.replay import ReplayReport, replay
from careloom.services.session.progress import Watch
from careloom.store.landing_runs import LandingRuns
from careloom.store.locks import advisory_lock
from services.fake_source import Practice, practice, project

VERSIONS = ("2026-01-01T00:00:00+00:00", "2026-01-02T00:00:00+00:00", "2026-01-03T00:00:00+00:00")


def person(key: int, version: int, name: str) -> dict[str, object]:
    return {"id": key, "name": name, "changed_at": VERSIONS[version]}


@pytest.fixture
def clinic(monkeypatch: pytest.MonkeyPatch, database: str, tmp_path: Path) -> Iterator[Practice]:
    with practice(monkeypatch, database, project(tmp_path)) as clinic:
        clinic.receive({"records": [person(1, 1, "Second"), person(2, 0, "Other")]}, state="new", age=30)
        clinic.receive({"records": [person(1, 0, "First")], "hints": [], "unreadable": 1}, state="new", age=20)
        clinic.receive({"stream": "pills", "records": [{"id": 5, "label": "red", "person": 1}]}, state="new", age=10)
        process_inbox(clinic.session, "ehr", stop=Event())
        assert clinic.names() == {1: "Second", 2: "Other"}
        yield clinic


def rows(clinic: Practice) -> list[tuple[object, ...]]:
    return clinic.ask(
        "select 'people', ehr_id, first_name, fingerprint, source_version, deleted_at is null from clinical.people"
        " union all select 'pills', pill_id, label, fingerprint, source_version, person_id is null from clinical.pills"
        " order by 1, 2"
    )


def again(clinic: Practice, **options: object) -> ReplayReport:
    return replay(clinic.session, "ehr", Watch(), **options)  # type: ignore[arg-type]


def test_a_replay_over_an_intact_store_writes_nothing(clinic: Practice) -> None:
    rows_before, changes = clinic.ask("select xmin::text, * from clinical.people order by id"), clinic.changes()
    report = again(clinic)
    assert (report.events, report.records, report.unreadable) == (3, 4, 1)
    assert report.counts["unchanged"] == report.counts["total"] == 4
    assert clinic.ask("select xmin::text, * from clinical.people order by id") == rows_before
    assert clinic.changes() == changes
    log = LandingRuns(clinic.store).recent("people")[0]
    assert (log["sync_type"], log["status"], log["balanced"], log["records_repaired"]) == (
        "replay",
        "completed",
        True,
        0,
    )


def test_lost_rows_are_rebuilt_equal_and_nobody_is_told(clinic: Practice) -> None:
    rows_before = rows(clinic)
    clinic.do("delete from clinical.people")
    clinic.do("delete from clinical.pills")
    clinic.do("delete from outbox")
    report = again(clinic)
    assert report.counts["created"] == 3
    assert rows(clinic) == rows_before
    assert clinic.ask("select count(*) from outbox") == [(0,)]
    # One of the three went through two forms.
    assert LandingRuns(clinic.store).recent("people")[0]["records_repaired"] == 4


def test_others_are_told_where_that_is_asked_for(clinic: Practice) -> None:
    clinic.do("delete from clinical.people")
    clinic.do("delete from outbox")
    again(clinic, mode="publish")
    changes = sorted(clinic.ask("select operation, vendor_id from outbox"))
    # What was told of the person who had two forms, and the pill that is that person's again.
    assert changes == [("INSERT", "1"), ("INSERT", "2"), ("UPDATE", "1"), ("UPDATE", "5")]


def test_quiet_ends_with_the_replay(clinic: Practice) -> None:
    again(clinic)
    clinic.do("delete from outbox")
    clinic.receive({"records": [person(9, 0, "New")]}, state="new")
    process_inbox(clinic.session, "ehr", stop=Event())
    assert clinic.ask("select operation, vendor_id from outbox") == [("INSERT", "9")]


def test_a_dry_run_lands_nothing(clinic: Practice) -> None:
    clinic.do("delete from clinical.people")
    report = again(clinic, mode="dry-run")
    assert (report.events, report.records, report.counts) == (3, 4, {})
    assert clinic.live() == set()


def test_a_comparison_tells_what_the_store_lacks_and_leaves_no_trace(clinic: Practice) -> None:
    tables, changes = "select count(*) from information_schema.tables", clinic.changes()
    tables_before, rows_before = clinic.ask(tables), clinic.ask("select * from landing_held order by key")
    report = again(clinic, mode="compare")
    assert report.equal
    assert report.differences["people"] == {"same": 2, "newer": 0, "different": 0, "missing": 0}
    clinic.do("alter table clinical.people disable trigger change_log")
    clinic.do("delete from clinical.people where ehr_id = 2")
    clinic.do("update clinical.people set first_name = 'Wrong'")
    clinic.do("delete from outbox")
    report = again(clinic, mode="compare")
    assert not report.equal
    assert report.differences["people"] == {"same": 0, "newer": 0, "different": 1, "missing": 1}
    assert report.differences["pills"]["same"] == 1
    assert clinic.ask(tables) == tables_before
    assert clinic.changes() == changes
    assert clinic.ask("select count(*) from outbox") == [(0,)]
    assert clinic.ask("select * from landing_held order by key") == rows_before
    assert clinic.names() == {1: "Wrong"}


def test_what_was_landed_since_is_newer_and_no_fault(clinic: Practice) -> None:
    clinic.shelves.put("people", 1, name="Latest")
    clinic.shelves.data["people"]["2"] = person(2, 0, "Other")
    clinic.scan()
    report = again(clinic, mode="compare")
    assert report.equal
    assert report.differences["people"] == {"same": 1, "newer": 1, "different": 0, "missing": 0}


def test_only_the_events_of_a_time_are_read(clinic: Practice) -> None:
    now = datetime.now(UTC)
    assert again(clinic, mode="dry-run", since=now - timedelta(minutes=25)).events == 2
    assert again(clinic, mode="dry-run", until=now - timedelta(minutes=25)).events == 1
    assert again(clinic, mode="dry-run", since=now).events == 0


def test_events_that_only_point_at_a_record_are_counted_and_not_fetched(clinic: Practice) -> None:
    clinic.receive({"hints": ["1", "2"]})
    clinic.receive({"hold": True})
    clinic.receive({"records": [person(8, 0, "Held")]}, state="held")
    report = again(clinic)
    assert (report.events, report.hints, report.unreadable) == (5, 2, 2)
    assert clinic.shelves.fetch_keys == []
    assert 8 not in clinic.live()


def test_a_replay_stops_when_it_is_asked_to(clinic: Practice) -> None:
    watch = Watch()
    watch.stop.set()
    report = replay(clinic.session, "ehr", watch)
    assert (report.complete, report.events) == (False, 1)
    assert LandingRuns(clinic.store).recent("people")[0]["status"] == "interrupted"


def test_two_replays_never_run_at_once_and_an_unknown_system_is_told(clinic: Practice) -> None:
    with advisory_lock(clinic.store, "replay", "ehr"), pytest.raises(Later, match="being replayed already"):
        again(clinic)
    with pytest.raises(UsageFault, match="systems with streams are: ehr"):
        replay(clinic.session, "her", Watch())
