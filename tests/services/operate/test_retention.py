"""The rules of retention: what is old goes, all that was known of it goes too, and only numbers stay."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Event

import pytest

from careloom.core.errors import Later
from careloom.project.model import Retention
from careloom.services.operate.retention import cleanup
from careloom.store import retention
from careloom.store.audit import verify_audit
from careloom.store.inbox import Arrival, keep_events
from careloom.store.locks import advisory_lock
from services.fake_source import Practice, practice, project

DAYS = timedelta(days=30)


@pytest.fixture
def clinic(monkeypatch: pytest.MonkeyPatch, database: str, tmp_path: Path) -> Iterator[Practice]:
    past = Retention(inbox=DAYS, change_log=10 * DAYS, sync_log=DAYS)
    with practice(monkeypatch, database, project(tmp_path, retention=past, people=DAYS)) as clinic:
        clinic.shelves.put("people", 1, 2, 3, name="Zzyzx")
        clinic.shelves.put("pills", 1, person=1)
        clinic.scan()
        clinic.scan("pills")
        yield clinic


def age(clinic: Practice, *keys: int) -> None:
    clinic.do(
        "update clinical.people set synced_at = synced_at - interval '31 days' where ehr_id = any(%s)", list(keys)
    )


def test_a_row_that_nothing_changed_for_long_goes_with_all_that_was_known_of_it(clinic: Practice) -> None:
    age(clinic, 1, 2)
    clinic.do("delete from outbox")
    ((record_id,),) = clinic.ask("select id from clinical.people where ehr_id = 1")
    assert clinic.ask("select person_id from clinical.pills") == [(record_id,)]
    report = cleanup(clinic.session, dry_run=False)
    assert report.removed["people"] == 2
    assert clinic.live() == {3}
    assert clinic.ask("select count(*) from change_log where record_id = %s", record_id) == [(0,)]
    assert clinic.ask("select person_id, person_id_linked_at from clinical.pills") == [(None, None)]
    changes = clinic.ask("select operation, vendor_id, vendor_key from outbox where table_name = 'people' order by id")
    assert sorted(changes) == [("DELETE", "1", "ehr_id"), ("DELETE", "2", "ehr_id")]
    assert clinic.ask("select count(*) from change_log where changed::text like '%%\"ehr_id\": 2%%'") == [(0,)]


def test_a_dry_run_only_counts(clinic: Practice) -> None:
    age(clinic, 1, 2)
    report = cleanup(clinic.session, dry_run=True)
    assert report.removed == {"people": 2, "held:people": 0, "inbox": 0, "change_log": 0, "sync_log": 0}
    assert clinic.live() == {1, 2, 3}
    assert clinic.ask("select dry_run, removed->>'people' from cleanup_receipt") == [(True, "2")]
    assert cleanup(clinic.session, dry_run=False).removed == report.removed


def test_a_change_however_small_and_a_mark_of_deletion_begin_the_time_anew(clinic: Practice) -> None:
    age(clinic, 1, 2, 3)
    clinic.shelves.put("people", 1, name="Other")
    clinic.scan()
    clinic.do("update clinical.people set deleted_at = now() where ehr_id = 2")
    assert cleanup(clinic.session, dry_run=False).removed["people"] == 1
    assert clinic.ask("select ehr_id from clinical.people order by 1") == [(1,), (2,)]


def test_own_records_go_when_they_are_old_and_settled(clinic: Practice) -> None:
    clinic.do(
        "insert into inbox (source, event_id, event, body, body_hash, state, done_at)"
        " select 'ehr', n::text, 'x', '', '', case when n = 1 then 'held' else 'done' end,"
        " now() - case when n = 2 then interval '29 days' else interval '31 days' end from generate_series(1, 4) n"
    )
    clinic.do("update sync_log set started_at = started_at - interval '31 days' where table_name = 'pills'")
    clinic.do(
        "insert into sync_log (source, sync_type, table_name, started_at) values ('a', 'retry', 'b', '2020-01-01')"
    )
    clinic.do("update change_log set at = at - interval '301 days' where table_name = 'pills'")
    clinic.do(
        "insert into landing_held (stream, key, code, body, last_seen) values ('people', '9', 'x', '', '2020-01-01'),"
        " ('pills', '9', 'x', '', '2020-01-01')"
    )
    counts = cleanup(clinic.session, dry_run=False).removed
    assert (counts["inbox"], counts["sync_log"], counts["held:people"]) == (2, 1, 1)
    assert clinic.ask("select event_id from inbox order by id") == [("1",), ("2",)]
    assert clinic.ask("select count(*) from sync_log where status = 'running'") == [(1,)]
    assert clinic.ask("select count(*) from change_log where table_name = 'pills'") == [(0,)]
    assert counts["change_log"] > 0
    assert clinic.ask("select stream from landing_held") == [("pills",)]


def test_the_receipt_and_the_audit_hold_numbers_and_nobody(clinic: Practice) -> None:
    age(clinic, 1)
    report = cleanup(clinic.session, dry_run=False)
    assert clinic.ask("select id, split_part(actor, ' ', 1), dry_run, removed->>'people' from cleanup_receipt") == [
        (report.receipt, "tester", False, "1")
    ]
    assert clinic.ask("select split_part(actor, ' ', 1), action, subject from audit") == [
        ("tester", "cleanup", "people 1")
    ]
    assert verify_audit(clinic.store).broken_row is None
    assert "Zzyzx" not in str(clinic.ask("select * from cleanup_receipt, audit"))


def test_many_rows_go_in_batches_and_a_stop_is_met_between_them(
    clinic: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    monkeypatch.setattr("careloom.services.operate.retention.BATCH", 2)
    age(clinic, 1, 2, 3)
    stop = Event()
    stop.set()
    report = cleanup(clinic.session, dry_run=False, stop=stop)
    assert (report.complete, report.removed["people"]) == (False, 0)
    assert cleanup(clinic.session, dry_run=False).removed["people"] == 3


def test_two_cleanups_never_run_at_once(clinic: Practice) -> None:
    with advisory_lock(clinic.store, "cleanup", "shelves"), pytest.raises(Later, match="under way already"):
        cleanup(clinic.session, dry_run=False)


def test_without_rules_everything_is_kept(monkeypatch: pytest.MonkeyPatch, database: str, tmp_path: Path) -> None:
    with practice(monkeypatch, database, project(tmp_path)) as clinic:
        assert cleanup(clinic.session, dry_run=False).removed == {}


def test_an_event_that_is_sent_again_after_its_bytes_are_gone_is_known(clinic: Practice) -> None:
    def arrive(body: bytes) -> list[str]:
        return list(keep_events(clinic.store, [Arrival(source="ehr", event_id="a", event="shelf", body=body)]))

    assert arrive(b"{}") == ["new"]
    clinic.do("update inbox set state = 'done', done_at = now() - interval '40 days' where event_id = 'a'")
    assert cleanup(clinic.session, dry_run=False).removed["inbox"] == 1
    assert clinic.ask("select count(*) from inbox where event_id = 'a'") == [(0,)]
    assert arrive(b"{}") == ["again"]
    assert clinic.ask("select count(*) from inbox where event_id = 'a'") == [(0,)]
    assert arrive(b"[]") == ["held"], "another body under an id that was another's"


def test_digests_go_only_by_a_rule_of_their_own(clinic: Practice) -> None:
    clinic.do("insert into inbox_digest values ('ehr', 'a', '\\x00', now() - interval '31 days')")
    clinic.do("insert into inbox_content values ('ehr', '\\x00', now() - interval '31 days'), ('ehr', '\\x01', now())")
    assert "inbox_digest" not in cleanup(clinic.session, dry_run=False).removed
    past = Retention(inbox_digest=DAYS)
    clinic.session.project = replace(clinic.session.project, retention=past)
    assert cleanup(clinic.session, dry_run=False).removed["inbox_digest"] == 2
    assert clinic.ask("select count(*) from inbox_digest") == [(0,)]
    assert clinic.ask("select digest from inbox_content") == [(b"\x01",)]


def test_what_linked_to_a_removed_row_is_told_as_changed(clinic: Practice) -> None:
    age(clinic, 1, 2)
    clinic.do("delete from outbox")
    cleanup(clinic.session, dry_run=False)
    assert clinic.ask("select operation, vendor_id from outbox where table_name = 'pills'") == [("UPDATE", "1")]
