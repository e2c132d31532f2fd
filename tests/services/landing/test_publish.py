"""Change events reach every publisher, in order and at least once; none leaves before all have acknowledged it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest

from careloom.core.errors import RemoteUnavailable
from careloom.core.publishers import ChangeEvent
from careloom.services.landing.publish import BATCH, publish_outbox
from careloom.services.session.sessions import Session
from careloom.store.database import Store, open_store
from hang import HANG
from services.fake_rooms import Paper, install, make_due, make_session, project, put_changes, rows


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    store = open_store(database)
    yield store
    store.close()


@pytest.fixture
def papers(monkeypatch: pytest.MonkeyPatch) -> dict[str, Paper]:
    papers = {name: Paper() for name in ("ehr", "bus", "feed")}
    install(monkeypatch, papers)
    return papers


def session_to(store: Store, folder: Path, *publish: str) -> Session:
    return make_session(store, project(folder, ["ehr", "bus", "feed"], publish=publish))


def waiting(store: Store) -> int:
    return int(rows(store, "select count(*) from outbox")[0][0])


def numbers(events: Sequence[ChangeEvent]) -> list[int]:
    return [int(event.vendor_id) for event in events]


def refuse(_: Sequence[ChangeEvent]) -> Sequence[int]:
    raise RemoteUnavailable("the bus does not answer")


def acknowledge(events: Sequence[ChangeEvent]) -> Sequence[int]:
    return [event.id for event in events]


def test_all_are_told_in_order_and_then_gone(store: Store, papers: dict[str, Paper], tmp_path: Path) -> None:
    put_changes(store, BATCH + 10)
    assert publish_outbox(session_to(store, tmp_path, "bus")) == BATCH + 10
    assert numbers(papers["bus"].changes) == list(range(1, BATCH + 11))
    assert waiting(store) == 0
    first = papers["bus"].changes[0]
    assert (first.table, first.operation, first.vendor_key) == ("paper_visits", "UPDATE", "paper_id")


def test_with_nobody_to_tell_the_outbox_is_emptied(store: Store, papers: dict[str, Paper], tmp_path: Path) -> None:
    put_changes(store, 7)
    assert publish_outbox(session_to(store, tmp_path)) == 0
    assert waiting(store) == 0


def test_a_publisher_that_is_away_keeps_its_events_and_rests(
    store: Store, papers: dict[str, Paper], tmp_path: Path
) -> None:
    put_changes(store, 3)
    papers["bus"].publishing = refuse
    assert publish_outbox(session_to(store, tmp_path, "bus")) == 0
    assert waiting(store) == 3
    papers["bus"].publishing = acknowledge
    assert publish_outbox(session_to(store, tmp_path, "bus")) == 0, "it is asked again before its time"
    make_due(store)
    assert publish_outbox(session_to(store, tmp_path, "bus")) == 3
    assert numbers(papers["bus"].changes) == [1, 2, 3]
    assert rows(store, "select * from resting") == []


def test_each_failure_makes_the_rest_longer_and_the_asked_for_wait_is_kept(
    store: Store, papers: dict[str, Paper], tmp_path: Path
) -> None:
    put_changes(store, 1)
    papers["bus"].publishing = refuse
    waits = []
    for _ in range(6):
        publish_outbox(session_to(store, tmp_path, "bus"))
        waits.append(float(rows(store, "select extract(epoch from due_at - now()) from resting")[0][0]))
        make_due(store)
    assert waits[0] <= 1.0
    assert 14.0 < waits[5] <= 32.0

    def ask_for_patience(_: Sequence[ChangeEvent]) -> Sequence[int]:
        raise RemoteUnavailable("later", after=5000)

    papers["bus"].publishing = ask_for_patience
    publish_outbox(session_to(store, tmp_path, "bus"))
    assert float(rows(store, "select extract(epoch from due_at - now()) from resting")[0][0]) > 4990


def test_one_that_is_away_holds_up_nobody_else_and_catches_up_alone(
    store: Store, papers: dict[str, Paper], tmp_path: Path
) -> None:
    put_changes(store, 5)
    papers["bus"].publishing = refuse
    publish_outbox(session_to(store, tmp_path, "bus", "feed"))
    assert numbers(papers["feed"].changes) == [1, 2, 3, 4, 5]
    assert waiting(store) == 5
    papers["bus"].publishing = acknowledge
    make_due(store)
    publish_outbox(session_to(store, tmp_path, "bus", "feed"))
    assert numbers(papers["bus"].changes) == [1, 2, 3, 4, 5]
    assert numbers(papers["feed"].changes) == [1, 2, 3, 4, 5], "told again what it had acknowledged"
    assert waiting(store) == 0


def test_one_that_breaks_by_a_fault_of_its_own_holds_up_nobody_else(
    store: Store, papers: dict[str, Paper], tmp_path: Path
) -> None:
    put_changes(store, 2)

    def breaks(_: Sequence[ChangeEvent]) -> Sequence[int]:
        raise ZeroDivisionError

    papers["bus"].publishing = breaks
    assert publish_outbox(session_to(store, tmp_path, "bus", "feed")) == 2


def test_what_was_not_acknowledged_is_told_again_before_anything_later(
    store: Store, papers: dict[str, Paper], tmp_path: Path
) -> None:
    put_changes(store, BATCH + 5)
    batches: list[list[int]] = []

    def drop_the_second(events: Sequence[ChangeEvent]) -> Sequence[int]:
        batches.append(numbers(events))
        return [event.id for event in events if event.vendor_id != "2"]

    papers["bus"].publishing = drop_the_second
    publish_outbox(session_to(store, tmp_path, "bus"))
    assert len(batches) == 1, "later changes were told before the missing one"
    papers["bus"].publishing = acknowledge
    make_due(store)
    publish_outbox(session_to(store, tmp_path, "bus"))
    assert numbers(papers["bus"].changes)[BATCH - 1 :] == [2, *range(BATCH + 1, BATCH + 6)]


def test_one_that_was_removed_from_the_project_is_waited_for_no_longer(
    store: Store, papers: dict[str, Paper], tmp_path: Path
) -> None:
    put_changes(store, 4)
    papers["bus"].publishing = refuse
    publish_outbox(session_to(store, tmp_path, "bus", "feed"))
    publish_outbox(session_to(store, tmp_path, "feed"))
    assert waiting(store) == 0


def test_two_at_once_tell_each_event_once(store: Store, papers: dict[str, Paper], tmp_path: Path) -> None:
    put_changes(store, 20)
    began, go_on = Event(), Event()

    def slowly(events: Sequence[ChangeEvent]) -> Sequence[int]:
        began.set()
        assert go_on.wait(HANG)
        return acknowledge(events)

    papers["bus"].publishing = slowly
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(publish_outbox, session_to(store, tmp_path, "bus"))
        assert began.wait(HANG)
        assert publish_outbox(session_to(store, tmp_path, "bus")) == 0
        go_on.set()
        assert first.result(30) == 20
    assert len(papers["bus"].changes) == 20
