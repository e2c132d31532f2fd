"""Stored events are landed in order; one that fails stops nobody else, and nothing is lost on the way."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any, NoReturn

import pytest

from careloom.core.errors import Fix, Hold, RemoteUnavailable
from careloom.core.webhooks import Reading
from careloom.services.landing import process as landing_process
from careloom.services.landing.process import ATTEMPTS, GIVE_UP, process_inbox
from careloom.services.session.sessions import Session
from careloom.store.database import Store, open_store
from careloom.store.inbox_queue import MOST_EVENTS
from hang import HANG
from services.fake_rooms import Paper, arrive, inbox, install, make_due, make_session, project, rows


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
    return make_session(store, project(tmp_path, ["ehr"]))


def process(session: Session) -> dict[str, int]:
    return dict(process_inbox(session, "ehr", stop=Event()))


def visit(number: int, **fields: Any) -> dict[str, Any]:
    return {"records": [{"id": f"V{number}", "room": f"room {number}", **fields}]}


def rooms_by_visit(store: Store) -> dict[str, str]:
    return dict(rows(store, "select paper_id, room from clinical.paper_visits"))


def breaks() -> NoReturn:
    raise ZeroDivisionError("Ada Abel, born 1931")


# ---------------------------------------------------------------- what goes well


def test_what_events_say_is_landed_and_their_rows_are_done(session: Session, store: Store) -> None:
    arrive(store, "ehr", visit(1), {"records": [*visit(2)["records"], *visit(3)["records"]]}, {})
    assert process(session) == {"events": 3, "done": 3, "held": 0, "waiting": 0}
    assert rooms_by_visit(store) == {"V1": "room 1", "V2": "room 2", "V3": "room 3"}
    assert inbox(store) == [("done", 0, None)] * 3


def test_a_batch_is_logged_with_its_counts_and_wakes_the_publisher(session: Session, store: Store) -> None:
    arrive(store, "ehr", visit(1), visit(2))
    process(session)
    log = rows(store, "select source, sync_type, table_name, status, records_total, records_created from sync_log")
    assert log == [("ehr", "webhook", "paper_visits", "completed", 2, 2)]
    assert rows(store, "select lock from procrastinate_jobs") == [("publish:outbox",)]


def test_events_that_say_nothing_leave_no_line_in_the_log(session: Session, store: Store) -> None:
    arrive(store, "ehr", {}, {})
    assert process(session)["done"] == 2
    assert rows(store, "select * from sync_log") == []


def test_a_backlog_is_worked_off_in_the_order_of_its_coming(session: Session, store: Store, paper: Paper) -> None:
    arrive(store, "ehr", *({"records": [{"id": "V1", "room": f"{n}"}]} for n in range(MOST_EVENTS + 30)))
    order = [name for (name,) in rows(store, "select event_id from inbox order by id")]
    assert process(session)["done"] == MOST_EVENTS + 30
    assert paper.read_events == order


def test_bodies_too_large_to_be_held_together_go_in_smaller_batches(
    session: Session, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("careloom.store.inbox_queue.MOST_BYTES", 1000)
    arrive(store, "ehr", *(visit(n, note="x" * 600) for n in range(4)), visit(9, note="x" * 5000))
    assert process(session)["done"] == 5
    assert rows(store, "select count(*) from sync_log") == [(3,)]


def test_other_sources_are_left_alone(session: Session, store: Store) -> None:
    arrive(store, "other", visit(1))
    assert process(session)["events"] == 0
    assert inbox(store) == [("new", 0, None)]


def test_it_stops_between_batches_when_it_is_asked_to(session: Session, store: Store, paper: Paper) -> None:
    stop = Event()

    def last() -> Reading:
        stop.set()
        return Reading()

    paper.acts["last"] = last
    arrive(store, "ehr", {"do": "last"}, *({} for _ in range(MOST_EVENTS)))
    assert process_inbox(session, "ehr", stop=stop)["done"] == MOST_EVENTS
    assert [state for state, *_ in inbox(store)][-1] == "new"


# ---------------------------------------------------------------- hints


def test_a_hint_is_fetched_and_the_same_hint_only_once(session: Session, store: Store, paper: Paper) -> None:
    arrive(store, "ehr", {"hints": ["V1"]}, {"hints": ["V1", "V2"]})
    assert process(session)["done"] == 2
    assert sorted(paper.fetch_keys) == ["V1", "V2"]
    assert rooms_by_visit(store) == {"V1": "fetched", "V2": "fetched"}


def test_a_hint_at_what_the_project_does_not_land_is_not_fetched(session: Session, store: Store, paper: Paper) -> None:
    session.project = replace(session.project, landings={})
    arrive(store, "ehr", {"hints": ["V1"]})
    assert process(session)["done"] == 1
    assert paper.fetch_keys == []


def test_in_an_outage_events_wait_longer_each_time_and_are_never_held(
    session: Session, store: Store, paper: Paper
) -> None:
    def away(_: str) -> NoReturn:
        raise RemoteUnavailable("the system does not answer")

    paper.fetches = away
    arrive(store, "ehr", {"hints": ["V1"]}, visit(2))
    waits = []
    for _ in range(ATTEMPTS + 3):
        assert process(session)["waiting"] == 1
        (wait,) = rows(store, "select extract(epoch from due_at - now())::float8 from inbox order by id limit 1")
        waits.append(wait[0])
        assert process(session)["events"] == 0, "it was taken before its time"
        make_due(store)
    assert waits[0] <= 2.0
    assert 120 < waits[7] <= 256
    assert inbox(store) == [("new", ATTEMPTS + 3, "later"), ("done", 0, None)]
    paper.fetches = lambda key: {"id": key, "room": "back"}
    assert process(session)["done"] == 1
    assert rooms_by_visit(store) == {"V1": "back", "V2": "room 2"}


def test_the_wait_that_a_system_asks_for_is_kept(session: Session, store: Store, paper: Paper) -> None:
    def limited(_: str) -> NoReturn:
        raise RemoteUnavailable("the budget of this hour is used up", after=1800)

    paper.fetches = limited
    arrive(store, "ehr", {"hints": ["V1"]})
    process(session)
    assert rows(store, "select due_at > now() + interval '1790 seconds' from inbox") == [(True,)]


def test_a_system_that_does_not_answer_is_not_asked_for_the_whole_batch(
    session: Session, store: Store, paper: Paper
) -> None:
    def away(_: str) -> NoReturn:
        raise RemoteUnavailable("the system does not answer")

    paper.fetches = away
    arrive(store, "ehr", {"hints": [f"V{n}" for n in range(100)]})
    assert process(session)["waiting"] == 1
    assert len(paper.fetch_keys) < GIVE_UP + landing_process.FETCHERS


def test_what_a_person_must_set_right_keeps_the_events_waiting(session: Session, store: Store, paper: Paper) -> None:
    def refused(_: str) -> NoReturn:
        raise Fix("no token; run: careloom connect ehr")

    paper.fetches = refused
    arrive(store, "ehr", {"hints": ["V1"]})
    for _ in range(ATTEMPTS + 1):
        process(session)
        make_due(store)
    assert inbox(store) == [("new", ATTEMPTS + 1, "fix")]


# ---------------------------------------------------------------- what goes wrong


def test_an_event_that_cannot_be_read_is_held_with_its_bytes_and_its_reason(
    session: Session, store: Store, paper: Paper
) -> None:
    def unreadable() -> NoReturn:
        raise Hold("no_key", "the event names no record")

    paper.acts["unreadable"] = unreadable
    arrive(store, "ehr", visit(1), {"do": "unreadable"}, visit(2))
    assert process(session) == {"events": 3, "done": 2, "held": 1, "waiting": 0}
    held_rows = rows(store, "select code, message, convert_from(body, 'UTF8') from inbox where state = 'held'")
    assert held_rows == [("no_key", "the event names no record", '{"do": "unreadable"}')]
    assert sorted(rooms_by_visit(store)) == ["V1", "V2"]


def test_poison_never_blocks_the_others_and_is_held_without_a_word_of_what_it_said(
    session: Session, store: Store, paper: Paper, capsys: pytest.CaptureFixture[str]
) -> None:
    paper.acts["poison"] = breaks
    arrive(store, "ehr", {"do": "poison"}, visit(1))
    for attempt in range(1, ATTEMPTS):
        process(session)
        assert inbox(store)[0] == ("new", attempt, "failed")
        make_due(store)
    assert inbox(store)[1][0] == "done"
    process(session)
    assert rows(store, "select state, code, message from inbox where state = 'held'") == [
        ("held", "failed", "ZeroDivisionError")
    ]
    assert "Abel" not in capsys.readouterr().out


def test_poison_that_only_landing_finds_is_kept_from_the_rest_of_its_batch(
    session: Session, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = landing_process.land

    def land(session: Session, system: str, records: Any, *unreadable: Any, **options: Any) -> Any:
        if any(record.key == "V2" for record in records):
            breaks()
        return real(session, system, records, *unreadable, **options)

    monkeypatch.setattr(landing_process, "land", land)
    arrive(store, "ehr", visit(1), visit(2), visit(3))
    assert process(session) == {"events": 3, "done": 2, "held": 0, "waiting": 1}
    assert sorted(rooms_by_visit(store)) == ["V1", "V3"]
    assert inbox(store)[1] == ("new", 1, "failed")


def test_a_failure_after_an_outage_is_counted_from_one(session: Session, store: Store, paper: Paper) -> None:
    acts: list[Any] = [RemoteUnavailable("away")] * (ATTEMPTS + 1) + [ZeroDivisionError()]

    def one_after_the_other() -> NoReturn:
        raise acts.pop(0)

    paper.acts["act"] = one_after_the_other
    arrive(store, "ehr", {"do": "act"})
    for _ in range(ATTEMPTS + 2):
        process(session)
        make_due(store)
    assert inbox(store) == [("new", 1, "failed")]


def test_a_crash_between_landing_and_settling_is_repeated_without_harm(
    session: Session, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(_: object) -> NoReturn:
        raise KeyboardInterrupt

    arrive(store, "ehr", visit(1))
    with monkeypatch.context() as patch:
        patch.setattr(landing_process, "_settle", dies)
        with pytest.raises(KeyboardInterrupt):
            process(session)
    assert inbox(store) == [("new", 0, None)]
    assert rooms_by_visit(store) == {"V1": "room 1"}
    assert process(session)["done"] == 1
    assert rows(store, "select operation, vendor_id from outbox") == [("INSERT", "V1")]


def test_two_workers_are_never_at_one_source_together(session: Session, store: Store, paper: Paper) -> None:
    began, go_on = Event(), Event()

    def slow() -> Reading:
        began.set()
        assert go_on.wait(HANG)
        return Reading()

    paper.acts["slow"] = slow
    arrive(store, "ehr", {"do": "slow"}, visit(1))
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(process, session)
        assert began.wait(HANG)
        assert process(session)["events"] == 0
        go_on.set()
        assert first.result(30)["done"] == 2
    assert len(paper.read_events) == 2
