"""The log of landings: what each did, whether it balances, and which ones died."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from careloom.store.database import Store, open_store
from careloom.store.landing_runs import LandingRuns


@pytest.fixture
def log(database: str) -> Iterator[LandingRuns]:
    store: Store = open_store(database)
    yield LandingRuns(store)
    store.close()


def row(log: LandingRuns, run: int) -> Mapping[str, Any]:
    return next(entry for entry in log.recent(None) if entry["id"] == run)


def test_a_landing_says_what_became_of_every_record(log: LandingRuns) -> None:
    run = log.start("ehr", "full_sync", "people")
    counts = {"total": 9, "created": 1, "updated": 1, "unchanged": 4, "deleted": 2, "held": 1}
    log.finish(run, status="completed", counts=counts, repairs=4, details={"note": "hello"})
    entry = row(log, run)
    assert (entry["status"], entry["balanced"], entry["records_failed"]) == ("completed", True, 1)
    assert (entry["records_total"], entry["records_deleted"], entry["records_repaired"]) == (9, 2, 4)
    assert entry["details"] == {"note": "hello"}
    assert entry["completed_at"] is not None


def test_a_landing_that_lost_a_record_is_unbalanced(log: LandingRuns) -> None:
    run = log.start("ehr", "incremental", "people")
    log.finish(run, status="completed", counts={"total": 2, "created": 1}, error=None)
    assert row(log, run)["balanced"] is False


def test_a_landing_that_died_is_marked_when_the_next_of_its_kind_begins(log: LandingRuns) -> None:
    run = log.start("ehr", "full_sync", "people")
    log.note(run, {"total": 3, "created": 3})
    log.start("ehr", "incremental", "people")
    assert row(log, run)["status"] == "interrupted"
    assert row(log, run)["records_created"] == 3


def test_a_landing_of_another_table_or_kind_may_go_on(log: LandingRuns) -> None:
    scan = log.start("ehr", "full_sync", "people")
    log.start("ehr", "incremental", "visits")
    log.start("ehr", "webhook", "people")
    log.start("other", "full_sync", "people")
    log.start("ehr", "retry", "people")
    assert row(log, scan)["status"] == "running"


def test_batches_of_events_share_one_lock_for_all_their_tables(log: LandingRuns) -> None:
    run = log.start("ehr", "webhook", "people, visits")
    log.start("ehr", "webhook", "visits")
    assert row(log, run)["status"] == "interrupted"


def test_a_table_is_found_among_several(log: LandingRuns) -> None:
    run = log.start("ehr", "webhook", "people, visits")
    log.start("ehr", "full_sync", "people_more")
    assert [entry["id"] for entry in log.recent("people")] == [run]
    assert len(log.recent(None)) == 2
