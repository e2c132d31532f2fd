"""What a whole scan did not show is deleted only where nothing speaks against it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from careloom.core.errors import Hold
from careloom.core.streams import Unreadable
from careloom.services.landing import deletions
from careloom.services.session.progress import Watch
from services.fake_source import STREAMS, Practice, nonzero_counts, practice, project


@pytest.fixture
def clinic(monkeypatch: pytest.MonkeyPatch, database: str, tmp_path: Path) -> Iterator[Practice]:
    with practice(monkeypatch, database, project(tmp_path)) as clinic:
        clinic.shelves.size = 50
        clinic.shelves.put("pills", *range(1, 101))
        clinic.scan("pills")
        yield clinic


def drop(clinic: Practice, *keys: int, stream: str = "pills") -> None:
    for key in keys:
        del clinic.shelves.data[stream][str(key)]


def pills(clinic: Practice) -> set[int]:
    return clinic.live("pills", "pill_id")


def test_what_is_gone_is_marked_and_told(clinic: Practice) -> None:
    clinic.do("delete from outbox")
    drop(clinic, 3, 4)
    report = clinic.scan("pills")
    assert nonzero_counts(report) == {"total": 100, "unchanged": 98, "deleted": 2}
    assert pills(clinic) == set(range(1, 101)) - {3, 4}
    assert clinic.ask("select operation, vendor_id from outbox order by id") == [("DELETE", "3"), ("DELETE", "4")]
    assert clinic.ask("select distinct actor from change_log where run = %s", report.run) == [("full_sync:ehr",)]
    assert nonzero_counts(clinic.scan("pills")) == {"total": 98, "unchanged": 98}


def test_what_comes_back_lives_again(clinic: Practice) -> None:
    pill = clinic.shelves.data["pills"]["3"]
    drop(clinic, 3)
    clinic.scan("pills")
    clinic.shelves.data["pills"]["3"] = pill
    assert clinic.scan("pills").counts["updated"] == 1
    assert 3 in pills(clinic)


def test_more_than_a_share_is_never_deleted_unless_it_is_allowed(clinic: Practice) -> None:
    drop(clinic, *range(1, 22))
    report = clinic.scan("pills")
    assert (report.status, report.counts["deleted"], report.exit_code) == ("completed", 0, 4)
    assert "21 of 100 records of pills were not shown by the source, more than 20 %" in report.notes[0]
    assert len(pills(clinic)) == 100
    assert clinic.scan("pills", limit=21).counts["deleted"] == 21


def test_a_source_that_shows_nothing_deletes_nothing(clinic: Practice) -> None:
    drop(clinic, *range(1, 100))
    clinic.scan("pills", limit=100)
    drop(clinic, 100)
    report = clinic.scan("pills")
    assert report.notes
    assert pills(clinic) == {100}


def test_a_few_of_a_few_may_go(clinic: Practice) -> None:
    drop(clinic, *range(1, 99))
    clinic.scan("pills", limit=100)
    drop(clinic, 99)
    assert clinic.scan("pills").counts["deleted"] == 1


def test_a_record_without_a_key_might_be_any_of_those_absent(clinic: Practice) -> None:
    drop(clinic, 3)
    for key in ("", "no number"):
        clinic.shelves.unreadable = [Unreadable(stream="pills", key=key, code="no-key", body=b"{}")]
        report = clinic.scan("pills")
        assert "1 without a usable key were: nothing was marked deleted" in report.notes[0]
    assert 3 in pills(clinic)


def test_a_held_record_with_a_key_is_no_absence(clinic: Practice) -> None:
    clinic.shelves.put("pills", 3, person="nobody")
    clinic.shelves.data["pills"].pop("4")
    clinic.shelves.unreadable = [Unreadable(stream="pills", key="4", code="no_shape", body=b"?")]
    report = clinic.scan("pills")
    assert nonzero_counts(report) == {"total": 100, "unchanged": 98, "held": 2}
    assert {3, 4} <= pills(clinic)


def test_what_an_event_landed_during_the_scan_is_spared(clinic: Practice) -> None:
    def land_another(number: int) -> None:
        clinic.do(
            "insert into clinical.pills (pill_id, raw, fingerprint, source_version, observed_at)"
            " values (1000, '{}', 'x:y', now(), now())"
        )

    clinic.shelves.pages, clinic.shelves.at_page = 0, lambda number: land_another(number) if number == 1 else None
    clinic.scan("pills")
    assert 1000 in pills(clinic)
    clinic.shelves.at_page = lambda _: None
    assert clinic.scan("pills").counts["deleted"] == 1


def test_a_system_that_tells_changes_is_asked_for_what_it_did_not_list(clinic: Practice) -> None:
    clinic.shelves.put("people", *range(1, 21))
    clinic.scan()
    clinic.shelves.unlisted_keys = {"5"}
    drop(clinic, 6, stream="people")
    report = clinic.scan(full=True)
    assert sorted(clinic.shelves.fetch_keys) == ["5", "6"]
    assert nonzero_counts(report) == {"total": 20, "unchanged": 19, "deleted": 1}
    assert clinic.live() == set(range(1, 21)) - {6}


def test_only_so_many_are_asked_for_and_the_rest_is_told_of(clinic: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deletions, "_ASKED", 2)
    clinic.shelves.put("people", *range(1, 21))
    clinic.scan()
    drop(clinic, 6, 7, 8, stream="people")
    report = clinic.scan(full=True)
    assert (report.status, report.counts["deleted"]) == ("completed", 2)
    assert "1 records of people that the source did not list were not asked for" in report.notes[0]
    assert clinic.scan(full=True).counts["deleted"] == 1


def test_a_refused_question_is_no_answer(clinic: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    clinic.shelves.put("people", *range(1, 21))
    clinic.scan()
    drop(clinic, 6, stream="people")

    def refuse(_stream: str, _key: str) -> None:
        raise Hold("refused", "no record of this key is given")

    with monkeypatch.context() as patch:
        patch.setattr(clinic.shelves, "fetch", refuse)
        assert clinic.scan(full=True).notes
    assert 6 in clinic.live()


def test_a_stop_while_looking_for_what_is_gone_goes_on_there(clinic: Practice) -> None:
    watch = Watch()
    drop(clinic, 3)
    clinic.shelves.at_page = lambda number: None
    settle = deletions.DeletionDetector.settle

    def stop(self: deletions.DeletionDetector, member: object) -> str | None:
        watch.stop.set()
        return settle(self, member)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deletions.DeletionDetector, "settle", stop)
        assert clinic.scan("pills", watch=watch).status == "interrupted"
    assert 3 in pills(clinic)
    report = clinic.scan("pills")
    assert (report.resumed, report.status) == (True, "completed")
    assert nonzero_counts(report) == {"total": 1, "deleted": 1}


def test_what_lands_in_a_table_of_two_streams_is_not_missed_by_one_of_them(
    monkeypatch: pytest.MonkeyPatch, database: str, tmp_path: Path
) -> None:
    pills_alone = replace(STREAMS["pills"], links=())
    monkeypatch.setitem(STREAMS, "pills", pills_alone)
    monkeypatch.setitem(STREAMS, "people", replace(pills_alone, name="people", table="pills"))
    with practice(monkeypatch, database, project(tmp_path, ["people", "pills"])) as clinic:
        clinic.shelves.put("people", 1)
        clinic.shelves.put("pills", 2, 3)
        clinic.scan("people")
        clinic.scan("pills")
        report = clinic.scan("people")
        assert "land in the same table" in report.notes[0]
        assert pills(clinic) == {1, 2, 3}


def test_a_reconcile_repairs_links_that_are_not_right(clinic: Practice) -> None:
    clinic.shelves.put("people", 1, 2)
    clinic.shelves.put("pills", 5, label="white", person=1)
    for name in ("people", "pills"):
        clinic.scan(name)
    clinic.do(
        "update clinical.pills set person_id = (select id from clinical.people where ehr_id = 2) where pill_id = 5"
    )
    assert clinic.scan("pills", full=True).counts["unchanged"] == 100
    report = clinic.reconcile("people")
    assert (report.repaired, report.balanced, report.status) == (1, True, "completed")
    query = "select p.ehr_id from clinical.pills t join clinical.people p on p.id = t.person_id"
    assert clinic.ask(query) == [(1,)]
    assert clinic.reconcile("pills").repaired == 0
