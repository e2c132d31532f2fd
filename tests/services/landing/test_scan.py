"""Scans: what is read, from when on, where an interrupted one goes on, and that two never run at once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread
from typing import NoReturn

import pytest

from careloom.core.errors import Later, NotPermitted, RemoteUnavailable, UsageFault
from careloom.core.streams import Unreadable
from careloom.services.landing import scan
from careloom.services.session.progress import Watch
from careloom.store.landing_runs import LandingRuns
from careloom.store.stream_state import StreamStates
from hang import HANG
from services.fake_source import Practice, nonzero_counts, practice, project


@pytest.fixture
def clinic(monkeypatch: pytest.MonkeyPatch, database: str, tmp_path: Path) -> Iterator[Practice]:
    with practice(monkeypatch, database, project(tmp_path)) as clinic:
        clinic.shelves.put("people", *range(1, 8))
        yield clinic


class Killed(BaseException):
    """The process ends here."""


def test_a_first_scan_reads_everything_and_accounts_for_it(clinic: Practice) -> None:
    report = clinic.scan()
    assert (report.status, report.kind, report.exit_code) == ("completed", "full_sync", 0)
    assert nonzero_counts(report) == {"total": 7, "created": 7}
    assert clinic.live() == set(range(1, 8))
    log = LandingRuns(clinic.store).recent("people")[0]
    assert (log["id"], log["status"], log["records_created"], log["balanced"]) == (report.run, "completed", 7, True)
    assert log["table_name"] == "people, pets"


def test_the_second_scan_asks_for_what_changed_and_writes_nothing_where_nothing_did(clinic: Practice) -> None:
    clinic.scan()
    state_before, changes = StreamStates(clinic.store).read("people"), clinic.changes()
    report = clinic.scan()
    assert state_before.changed_until is not None
    assert clinic.shelves.scans[-1][1] == state_before.changed_until - timedelta(hours=1)
    assert report.kind == "incremental"
    assert nonzero_counts(report) == {"total": 7, "unchanged": 7}
    assert clinic.changes() == changes


def test_a_whole_scan_of_unchanged_rows_writes_nothing(clinic: Practice) -> None:
    clinic.scan()
    rows = clinic.ask("select xmin::text, * from clinical.people order by id")
    report = clinic.scan(full=True)
    assert nonzero_counts(report) == {"total": 7, "unchanged": 7}
    assert clinic.ask("select xmin::text, * from clinical.people order by id") == rows


def test_what_changes_during_a_scan_is_read_by_the_next(clinic: Practice) -> None:
    clinic.scan()

    def change(page: int) -> None:
        if page == clinic.shelves.pages:
            clinic.shelves.at_page = lambda _: None
            clinic.shelves.put("people", 1, name="Changed")

    clinic.shelves.pages, clinic.shelves.at_page = 1, change
    clinic.shelves.data["people"] = {
        key: {**fields, "changed_at": "2020-01-01T00:00:00+00:00"}
        for key, fields in clinic.shelves.data["people"].items()
    }
    clinic.shelves.put("people", 7, name="Else")
    began = clinic.ask("select clock_timestamp()")[0][0]
    clinic.scan()
    state = StreamStates(clinic.store).read("people")
    assert state.changed_until is not None
    assert began <= state.changed_until
    clinic.scan()
    assert clinic.names()[1] == "Changed"
    assert clinic.names()[7] == "Else"


def test_the_watermark_is_the_time_at_which_the_scan_began_and_moves_only_when_it_is_complete(clinic: Practice) -> None:
    clinic.scan()
    first = StreamStates(clinic.store).read("people").changed_until
    stop = Watch()

    def later(_page: int) -> None:
        stop.stop.set()

    clinic.shelves.at_page = later
    assert clinic.scan(watch=stop).status == "interrupted"
    assert StreamStates(clinic.store).read("people").changed_until == first
    began = StreamStates(clinic.store).read("people").scan_began
    clinic.shelves.at_page = lambda _: None
    assert clinic.scan().status == "completed"
    assert StreamStates(clinic.store).read("people").changed_until == began


@pytest.mark.parametrize("page", [1, 2, 3, 4])
@pytest.mark.parametrize("full", [True, False])
def test_a_scan_killed_at_any_page_goes_on_there(clinic: Practice, page: int, full: bool) -> None:
    def kill(number: int) -> None:
        if number == page:
            raise Killed

    clinic.shelves.at_page = kill
    with pytest.raises(Killed):
        clinic.scan(full=full)
    clinic.shelves.at_page = lambda _: None
    report = clinic.scan(full=full)
    assert report.resumed is (page > 1)
    assert report.counts["total"] == 7 - 2 * (page - 1)
    assert clinic.live() == set(range(1, 8))
    assert clinic.ask("select count(*) from scan_page") == [(0,)]


@pytest.mark.parametrize("page", [1, 2, 3, 4])
def test_a_scan_killed_between_rows_and_checkpoint_repeats_the_page(
    clinic: Practice, page: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    advance, calls = StreamStates.advance, iter(range(1, 100))

    def die(*arguments: object) -> None:
        if next(calls) == page:
            raise Killed
        advance(*arguments)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(StreamStates, "advance", die)
        with pytest.raises(Killed):
            clinic.scan()
    assert len(clinic.live()) == min(7, 2 * page)
    report = clinic.scan()
    assert report.counts["unchanged"] == (2 if page < 4 else 1)
    assert report.counts["created"] == max(0, 7 - 2 * page)
    assert clinic.live() == set(range(1, 8))


def test_what_an_earlier_part_saw_is_not_taken_for_gone_after_a_crash(clinic: Practice) -> None:
    clinic.scan("pills")
    for key in range(1, 8):
        clinic.shelves.put("pills", key)
    clinic.scan("pills")
    del clinic.shelves.data["pills"]["6"]
    clinic.shelves.pages = 0

    def kill(number: int) -> None:
        if number == 3:
            raise Killed

    clinic.shelves.at_page = kill
    with pytest.raises(Killed):
        clinic.scan("pills")
    clinic.shelves.at_page = lambda _: None
    report = clinic.scan("pills")
    assert report.resumed
    assert nonzero_counts(report) == {"total": 3, "unchanged": 2, "deleted": 1}
    assert clinic.live("pills", "pill_id") == {1, 2, 3, 4, 5, 7}


def test_a_wish_to_stop_is_met_at_the_next_page_and_the_scan_goes_on_later(clinic: Practice) -> None:
    watch = Watch()
    watch.stop.set()
    report = clinic.scan(watch=watch)
    assert (report.status, report.exit_code, report.counts["total"]) == ("interrupted", 130, 2)
    assert clinic.shelves.close_count == 1
    assert clinic.scan().counts["total"] == 5


def test_a_scan_that_had_its_time_stops_at_a_page(clinic: Practice) -> None:
    report = clinic.scan(time_limit=0.0)
    assert (report.status, report.counts["total"], report.exit_code) == ("interrupted", 2, 6)


def test_a_source_that_asks_for_patience_interrupts_and_nothing_is_read_twice(clinic: Practice) -> None:
    def rest(number: int) -> None:
        if number == 3:
            message = "the hour's calls are spent"
            raise RemoteUnavailable(message, after=900.0)

    clinic.shelves.at_page = rest
    report = clinic.scan()
    assert (report.status, report.exit_code, report.after) == ("interrupted", 6, 900.0)
    assert "the hour's calls are spent; what was landed stays" in report.notes[0]
    assert LandingRuns(clinic.store).recent("people")[0]["error"] == report.notes[0]
    clinic.shelves.at_page = lambda _: None
    assert clinic.scan().counts["total"] == 3


def test_a_refusal_is_told_and_logged_without_what_it_quotes(clinic: Practice) -> None:
    def refuse(_number: int) -> NoReturn:
        raise NotPermitted("the token is wrong")

    def fail(_number: int) -> NoReturn:
        raise RuntimeError("Zzyzx")

    for act, error in ((refuse, "the token is wrong"), (fail, "RuntimeError (see the log)")):
        clinic.shelves.at_page = act
        with pytest.raises((NotPermitted, RuntimeError)):
            clinic.scan()
        log = LandingRuns(clinic.store).recent("people")[0]
        assert (log["status"], log["error"]) == ("failed", error)


def test_two_scans_of_a_stream_never_run_at_once(clinic: Practice) -> None:
    inside, leave = Event(), Event()

    def wait(_number: int) -> None:
        inside.set()
        leave.wait(HANG)

    clinic.shelves.at_page = wait
    first = Thread(target=clinic.scan)
    first.start()
    try:
        assert inside.wait(HANG)
        with pytest.raises(Later, match="is being scanned already"):
            clinic.scan("pets")
        clinic.shelves.put("pills", 1)
        clinic.shelves.at_page = lambda _: None
        assert clinic.scan("pills").status == "completed"
    finally:
        leave.set()
        first.join(HANG)
    assert clinic.live() == set(range(1, 8))


def test_a_scan_that_died_is_marked_by_the_next(clinic: Practice) -> None:
    run = LandingRuns(clinic.store).start("ehr", "incremental", "people, pets")
    clinic.scan()
    assert {row["id"]: row["status"] for row in LandingRuns(clinic.store).recent(None)}[run] == "interrupted"


def test_a_stream_that_comes_out_of_another_is_landed_with_it(clinic: Practice) -> None:
    clinic.shelves.put("people", 1, pets=["cat", "dog"])
    report = clinic.scan("pets")
    assert report.stream == "people"
    assert clinic.shelves.scans[-1][0] == "people"
    assert report.counts["total"] == 9
    assert clinic.live("pets", "pet_key") == {"1:cat", "1:dog"}
    assert StreamStates(clinic.store).read("pets").scanned_at is not None


def test_a_stream_whose_parent_is_not_landed_is_still_read_out_of_it(
    monkeypatch: pytest.MonkeyPatch, database: str, tmp_path: Path
) -> None:
    with practice(monkeypatch, database, project(tmp_path, ["pets"])) as clinic:
        clinic.shelves.put("people", 1, pets=["cat"])
        assert nonzero_counts(clinic.scan("pets")) == {"total": 1, "created": 1}
        clinic.shelves.put("people", 1, pets=["cat"], name="Other")
        assert clinic.scan("pets").kind == "incremental"


def test_a_whole_scan_goes_before_what_was_left_of_an_incremental_one(clinic: Practice) -> None:
    clinic.scan()
    watch = Watch()
    watch.stop.set()
    clinic.scan(watch=watch)
    report = clinic.scan(full=True)
    assert (report.resumed, report.kind, report.counts["total"]) == (False, "full_sync", 7)


def test_an_old_unfinished_scan_begins_anew(clinic: Practice) -> None:
    watch = Watch()
    watch.stop.set()
    clinic.scan(watch=watch)
    clinic.do("update stream_state set scan_began = scan_began - interval '8 days'")
    report = clinic.scan()
    assert (report.resumed, report.counts["total"]) == (False, 7)
    clinic.scan(watch=watch, full=True)
    assert clinic.scan(full=True, afresh=True).counts["total"] == 7


def test_counts_that_do_not_balance_fail_and_all_is_read_again(
    clinic: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(scan, "land", lambda *_arguments, **_options: {"total": 2, "created": 1})
        report = clinic.scan()
    assert (report.status, report.balanced, report.exit_code) == ("failed", False, 1)
    assert StreamStates(clinic.store).read("people").changed_until is None
    assert clinic.scan().counts["created"] == 7


def test_reconcile_repairs_what_events_missed_and_says_how_much(clinic: Practice) -> None:
    clinic.scan()
    assert clinic.reconcile().repaired == 0
    clinic.shelves.put("people", 8, 9)
    clinic.shelves.put("people", 1, name="Missed")
    del clinic.shelves.data["people"]["2"]
    report = clinic.reconcile()
    assert (report.kind, report.repaired) == ("reconcile", 4)
    assert LandingRuns(clinic.store).recent("people")[0]["records_repaired"] == 4
    assert clinic.live() == {1, 3, 4, 5, 6, 7, 8, 9}
    assert clinic.reconcile().repaired == 0


def test_a_held_record_is_counted_and_asks_for_a_person(clinic: Practice) -> None:
    clinic.shelves.put("people", 3, changed_at="unknown")
    clinic.shelves.unreadable = [Unreadable(stream="people", key="99", code="no_shape", body=b"?")]
    report = clinic.scan()
    assert (report.counts["held"], report.counts["total"], report.exit_code) == (2, 8, 4)
    assert report.status == "completed"


def test_changes_wake_whoever_tells_of_them_and_nothing_else_does(clinic: Practice) -> None:
    waiting = "select count(*) from procrastinate_jobs where task_name = 'publish'"
    clinic.scan()
    assert clinic.ask(waiting) == [(1,)]
    clinic.do("delete from procrastinate_jobs")
    clinic.scan(full=True)
    assert clinic.ask(waiting) == [(0,)]


def test_a_stream_that_is_not_there_is_a_mistake_of_the_command(clinic: Practice) -> None:
    with pytest.raises(UsageFault, match="there are: people, pets, pills"):
        clinic.scan("patients")


def test_a_reconcile_compares_what_is_said_and_not_only_its_version(clinic: Practice) -> None:
    """A clock that is set back, or an hour that is repeated, leaves rows of a version above the newest."""
    clinic.scan()
    clinic.do("update clinical.people set source_version = source_version + interval '50 minutes' where ehr_id = 3")
    clinic.do("update clinical.people set synced_at = synced_at - interval '10 minutes'")
    clinic.shelves.put("people", 3, name="Newer")
    report = clinic.reconcile()
    assert (report.repaired, report.counts["unchanged"], clinic.names()[3]) == (1, 6, "Newer")
