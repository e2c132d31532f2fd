"""What was accepted is kept once, and never lost for another that bears its id."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from careloom.core.errors import Later
from careloom.store import inbox
from careloom.store.database import Store, open_store
from careloom.store.inbox import (
    OTHER_BODY,
    Arrival,
    inbox_depth,
    keep_events,
)

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    store = open_store(database)
    yield store
    store.close()


def arrival(event_id: str, body: bytes = b"{}", source: str = "ehr") -> Arrival:
    return Arrival(source=source, event_id=event_id, event="VISIT", body=body)


def rows(store: Store, statement: str) -> list[tuple[Any, ...]]:
    with store.transaction() as connection:
        return connection.execute(statement).fetchall()  # type: ignore[call-overload, no-any-return]


def test_an_event_is_kept_as_it_came_and_its_reader_is_woken(store: Store) -> None:
    body = bytes(range(256))
    assert keep_events(store, [arrival("a", body)]) == ["new"]
    assert rows(store, "select source, event_id, event, received_at <= now(), body, body_hash, state from inbox") == [
        ("ehr", "a", "VISIT", True, body, hashlib.sha256(body).digest(), "new")
    ]
    assert rows(store, "select lock from procrastinate_jobs") == [("process_inbox:ehr",)]


def test_the_same_event_is_kept_once_however_often_it_comes(store: Store) -> None:
    assert keep_events(store, [arrival("a"), arrival("a"), arrival("b")]) == ["new", "again", "new"]
    assert keep_events(store, [arrival("a")]) == ["again"]
    assert keep_events(store, [arrival("a", source="lab")]) == ["new"]
    assert rows(store, "select count(*) from inbox") == [(3,)]


def test_another_body_under_the_same_id_is_kept_aside(store: Store) -> None:
    keep_events(store, [arrival("a", b"1")])
    assert keep_events(store, [arrival("a", b"2"), arrival("a", b"1"), arrival("a", b"2")]) == [
        "held",
        "again",
        "again",
    ]
    assert keep_events(store, [arrival("a", b"2"), arrival("a", b"3")]) == ["again", "held"]
    events = rows(store, "select event_id, state, code, body from inbox order by body")
    assert events == [
        ("a", "new", None, b"1"),
        (f"a#{hashlib.sha256(b'2').hexdigest()}", "held", OTHER_BODY, b"2"),
        (f"a#{hashlib.sha256(b'3').hexdigest()}", "held", OTHER_BODY, b"3"),
    ]


def test_two_bodies_under_one_new_id_in_one_transaction_are_both_kept(store: Store) -> None:
    assert sorted(keep_events(store, [arrival("a", b"1"), arrival("a", b"2")])) == ["held", "new"]
    assert {body for (body,) in rows(store, "select body from inbox")} == {b"1", b"2"}


def test_an_event_that_is_sent_a_hundred_times_at_once_is_kept_once(store: Store) -> None:
    with ThreadPoolExecutor(12) as threads:
        fates = list(threads.map(lambda _: keep_events(store, [arrival("a"), arrival("b")]), range(100)))
    assert sorted(fate for pair in fates for fate in pair) == ["again"] * 198 + ["new"] * 2
    assert rows(store, "select count(*) from inbox") == [(2,)]
    assert rows(store, "select count(*) from procrastinate_jobs") == [(1,)]


def test_receivers_that_get_the_same_events_in_other_orders_do_not_wait_for_each_other_in_a_ring(store: Store) -> None:
    events = [arrival(f"{number:03}") for number in range(60)]
    with ThreadPoolExecutor(8) as threads:
        orders = [events, events[::-1]] * 20
        fates = list(threads.map(lambda order: keep_events(store, order), orders))
    assert sum(fate == "new" for order in fates for fate in order) == 60


def test_nothing_is_kept_if_its_reader_could_not_be_woken(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise psycopg.OperationalError

    monkeypatch.setattr(inbox, "enqueue", broken)
    with pytest.raises(Later):
        keep_events(store, [arrival("a")])
    assert rows(store, "select count(*) from inbox") == [(0,)]


def test_what_waits_and_what_is_held_is_counted_by_source(store: Store) -> None:
    keep_events(store, [arrival("a"), arrival("b"), arrival("b", b"other"), arrival("c", source="lab")])
    with store.transaction() as connection:
        connection.execute("update inbox set due_at = now() - interval '90 s' where event_id = 'a'")
        connection.execute("update inbox set due_at = now() + interval '1 h' where source = 'lab'")
    ehr, lab = inbox_depth(store, ["ehr", "lab"])
    assert (ehr.source, ehr.waiting, ehr.held_count) == ("ehr", 2, 1)
    assert ehr.oldest == pytest.approx(90, abs=5)
    assert (lab.waiting, lab.held_count, lab.oldest) == (1, 0, None)


def test_a_body_is_in_no_representation_of_its_event() -> None:
    assert "Zzyzx" not in repr(arrival("a", b"Zzyzx"))
