"""What does not move in a stream is listed without values, and offered again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from careloom.core.errors import Later, UsageFault
from careloom.core.streams import Unreadable
from careloom.services.review.backlog import backlog
from careloom.services.review.stuck import count_stuck, retry_stream, stuck_items
from careloom.store.landing_runs import LandingRuns
from careloom.store.locks import advisory_lock
from services.fake_source import STREAMS, Practice, practice, project


@pytest.fixture
def clinic(monkeypatch: pytest.MonkeyPatch, database: str, tmp_path: Path) -> Iterator[Practice]:
    with practice(monkeypatch, database, project(tmp_path)) as clinic:
        clinic.shelves.put("people", 1, 2)
        clinic.shelves.put("people", 3, name="Zzyzx", changed_at="many")
        clinic.scan()
        yield clinic


def test_records_events_and_rows_without_their_link_are_listed_without_values(clinic: Practice) -> None:
    clinic.shelves.put("pills", 7, person=99, label="Zzyzx")
    clinic.shelves.put("pills", 8, person=1)
    clinic.scan("pills")
    number = clinic.receive({"records": []}, state="held")
    people, pills = stuck_items(clinic.session, "people"), stuck_items(clinic.session, "pills")
    assert [(item.kind, item.key, item.code, item.column) for item in people] == [
        ("record", "3", "not-a-timestamp", "changed_at"),
        ("event", str(number), "poison", None),
    ]
    assert [(item.kind, item.key, item.code, item.column) for item in pills if item.kind == "link"] == [
        ("link", "7", "link-none", "person_id")
    ]
    assert "Zzyzx" not in str([people, pills])
    assert count_stuck(clinic.session, "people") == {"record": 1, "event": 1, "drift": 0, "link": 0}
    assert count_stuck(clinic.session, "pills", code="link-none") == {"record": 0, "event": 0, "drift": 0, "link": 1}
    assert [item.kind for item in stuck_items(clinic.session, "people", code="poison")] == ["event"]


def test_a_record_that_fits_now_is_landed(clinic: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    assert retry_stream(clinic.session, "people").counts["held"] == 1
    clinic.do(
        """update landing_held set body = replace(convert_from(body, 'utf8'), '"many"', '"2026-01-01T00:00:00Z"')::bytea"""
    )
    report = retry_stream(clinic.session, "people")
    assert (report.counts["created"], report.counts["held"], report.left) == (1, 0, 0)
    assert clinic.live() == {1, 2, 3}
    assert stuck_items(clinic.session, "people") == []
    log = LandingRuns(clinic.store).recent("people")[0]
    assert (log["sync_type"], log["status"], log["balanced"]) == ("retry", "completed", True)
    assert clinic.ask("select action, subject from audit order by seq desc limit 1") == [
        ("retry --stream", "people: 1 records, 0 events")
    ]


def test_what_was_held_long_ago_overwrites_nothing_newer(clinic: Practice) -> None:
    """These records tell no version: the time at which one was first seen stands in."""
    clinic.shelves.put("pills", 3, label="newer")
    clinic.scan("pills")
    clinic.do(
        "insert into landing_held (stream, key, code, body, first_seen) values"
        """ ('pills', '3', 'not-an-integer', '{"id": 3, "label": "older"}', now() - interval '1 hour')"""
    )
    assert retry_stream(clinic.session, "pills").counts["unchanged"] == 1
    assert clinic.ask("select label from clinical.pills") == [("newer",)]


def test_what_had_no_form_is_fetched_afresh(clinic: Practice) -> None:
    clinic.do("delete from landing_held")
    clinic.shelves.put("people", 4)
    clinic.shelves.unreadable = [
        Unreadable(stream="people", key="4", code="no_shape", body=b'{"id": 4, "surprise": 1}'),
        Unreadable(stream="people", key="", code="no_shape", body=b"?"),
    ]
    clinic.shelves.unlisted_keys = {"4"}
    clinic.scan(full=True)
    report = retry_stream(clinic.session, "people", key=None)
    assert clinic.shelves.fetch_keys == ["4"]
    assert (report.counts["created"], report.left) == (1, 1)
    assert clinic.names()[4] == "Name4"


def test_held_events_are_new_again_and_their_worker_is_woken(clinic: Practice) -> None:
    first, second = (clinic.receive({"records": []}, state="held") for _ in range(2))
    clinic.do("delete from procrastinate_jobs")
    assert retry_stream(clinic.session, "people", key=str(first)).events == 1
    assert clinic.ask("select state, attempts, code from inbox order by id") == [
        ("new", 0, None),
        ("held", 0, "poison"),
    ]
    assert clinic.ask("select task_name, args->>'subject' from procrastinate_jobs") == [("process_inbox", "ehr")]
    assert retry_stream(clinic.session, "people", code="poison").events == 1
    assert second


def test_two_retries_never_run_at_once_and_an_unknown_stream_is_told(clinic: Practice) -> None:
    with advisory_lock(clinic.store, "retry", "people"), pytest.raises(Later, match="offered again already"):
        retry_stream(clinic.session, "people")
    with pytest.raises(UsageFault, match=f"there are: {', '.join(STREAMS)}"):
        stuck_items(clinic.session, "nothing")


def test_one_list_holds_all_that_waits_with_its_age_and_what_to_type(clinic: Practice) -> None:
    clinic.do("delete from landing_held")
    clinic.shelves.put("pills", 1, label="held", person="not a number")
    clinic.shelves.put("pills", 2, 3, label="nobody's", person=99)
    clinic.scan("pills")
    event = clinic.receive({"records": []}, state="held")
    clinic.do("update landing_held set first_seen = '2001-01-01'")
    clinic.do("update clinical.pills set first_seen_at = '2002-02-02'")
    clinic.do("insert into resting (what, attempts, due_at) values ('scan:people', 4, now())")
    clinic.do(
        "insert into account_reports (system, report_name, customer_account, status, due_at, error_code, asks)"
        " values ('ehr', 'ar_aging', '1001', 'failed', now(), 'report-refused', 2)"
    )
    waits = {item.what: item for item in backlog(clinic.session)}
    assert [item.what for item in backlog(clinic.session)][:2] == ["landed record", "link"], "the oldest first"
    assert waits.keys() == {"landed record", "link", "event", "job", "report"}
    record, link = waits["landed record"], waits["link"]
    assert (record.where, record.code, record.number) == ("pills", "not-an-integer", 1)
    assert (link.where, link.code, link.column, link.number) == ("pills", "link-none", "person_id", 2)
    assert link.oldest is not None
    assert link.oldest.year == 2002
    assert {item.command for item in (record, link)} == {"careloom held --stream pills"}
    assert (waits["job"].where, waits["job"].tries) == ("scan:people", 4)
    assert (waits["report"].where, waits["report"].command) == ("ar_aging", "careloom reports --failed")
    assert event
    assert [item.what for item in backlog(clinic.session, code="link-none")] == ["link"]
    years = {item.kind: item.first_seen.year for item in stuck_items(clinic.session, "pills") if item.first_seen}
    assert (years["record"], years["link"]) == (2001, 2002)


def test_a_key_that_is_not_held_is_told(clinic: Practice) -> None:
    with pytest.raises(UsageFault, match="nothing is held of 'K77'"):
        retry_stream(clinic.session, "people", key="K77")
    assert retry_stream(clinic.session, "people").events == 0, "all of nothing is no mistake"
