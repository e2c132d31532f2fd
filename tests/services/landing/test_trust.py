"""Events that cannot be taken at their word: ties, repeated hours, and a system whose answers are behind what it told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import permutations
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from careloom.core.webhooks import Reading, ThinEvent
from careloom.services.landing.process import ASKS, NOT_SHOWN, process_inbox
from careloom.services.session.sessions import Session
from careloom.store.database import Store, open_store
from careloom.store.inbox_queue import NOT_YET
from services.fake_rooms import Paper, arrive, inbox, install, make_due, make_session, project, rows

AT = "2026-02-28T12:00:00+00:00"
LATER = "2026-02-28T12:00:05+00:00"


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


def event_body(room: str, changed_at: str = AT) -> dict[str, Any]:
    return {"records": [{"id": "V1", "room": room, "changed_at": changed_at}]}


def room(store: Store) -> list[tuple[Any, ...]]:
    return rows(store, "select room, deleted_at is not null from clinical.paper_visits")


def hint(paper: Paper, *, made: bool = False, gone: bool = False, **fields: Any) -> None:
    """The event {"do": "hint"} points at V1 and states these fields of it."""
    data = {"id": "V1", **fields} if fields else None
    paper.acts["hint"] = lambda: Reading(
        thin_events=[ThinEvent(stream="visits", key="V1", content=data, is_new=made, is_gone=gone)]
    )


def shows(paper: Paper, *answers: Mapping[str, Any] | None) -> None:
    """What each fetch gives, the last one for ever."""
    remaining = list(answers)
    paper.fetches = lambda _key: remaining.pop(0) if len(remaining) > 1 else remaining[0]


EVENTS = (event_body("first"), event_body("second"), event_body("latest", LATER), event_body("other latest", LATER))


@pytest.mark.parametrize("together", [True, False])
def test_events_of_one_second_end_in_what_the_source_shows_in_any_order(
    session: Session, store: Store, paper: Paper, together: bool
) -> None:
    shows(paper, {"id": "V1", "room": "true", "changed_at": LATER})
    for order in permutations(EVENTS):
        for batch in [order] if together else [(event,) for event in order]:
            arrive(store, "ehr", *batch)
            assert process(session)["waiting"] == 0
        assert room(store) == [("true", False)]
        rows(store, "delete from clinical.paper_visits returning 1")


def test_the_same_event_again_is_no_doubt(session: Session, store: Store, paper: Paper) -> None:
    arrive(store, "ehr", event_body("first"), event_body("first"))
    process(session)
    arrive(store, "ehr", event_body("first"))
    process(session)
    assert (room(store), paper.fetch_keys) == ([("first", False)], [])


def test_a_time_out_of_the_repeated_hour_is_asked_for(session: Session, store: Store, paper: Paper) -> None:
    shows(paper, {"id": "V1", "room": "EST", "changed_at": "2025-11-02T01:10:00"})
    arrive(store, "ehr", event_body("EDT", "2025-11-02T01:50:00"))
    assert process(session)["done"] == 1
    assert (room(store), paper.fetch_keys) == ([("EST", False)], ["V1"])


def test_a_time_that_lies_ahead_is_asked_for(session: Session, store: Store, paper: Paper) -> None:
    shows(paper, {"id": "V1", "room": "shown", "changed_at": "2027-01-01T00:00:00Z"})
    arrive(store, "ehr", event_body("told", "2027-01-01T00:00:00Z"))
    assert process(session)["done"] == 1
    assert (room(store), paper.fetch_keys) == ([("shown", False)], ["V1"])


# ---------------------------------------------------------------- what is not shown yet


def test_a_new_record_that_is_not_shown_yet_is_asked_for_again_and_never_marked_deleted(
    session: Session, store: Store, paper: Paper
) -> None:
    hint(paper, made=True, room="new")
    shows(paper, None, None, {"id": "V1", "room": "new"})
    arrive(store, "ehr", {"do": "hint"})
    for attempt in (1, 2):
        assert process(session)["waiting"] == 1
        assert inbox(store) == [("new", attempt, NOT_YET)]
        assert rows(store, "select due_at > now() from inbox") == [(True,)], "it was asked for again at once"
        make_due(store)
    assert process(session)["done"] == 1
    assert room(store) == [("new", False)]
    assert rows(store, "select operation from change_log") == [("INSERT",)]


def test_a_change_that_is_not_shown_yet_is_asked_for_again(session: Session, store: Store, paper: Paper) -> None:
    arrive(store, "ehr", {"records": [{"id": "V1", "room": "active"}]})
    process(session)
    hint(paper, room="resolved")
    shows(paper, {"id": "V1", "room": "active"}, {"id": "V1", "room": "resolved"})
    arrive(store, "ehr", {"do": "hint"})
    assert process(session)["waiting"] == 1
    make_due(store)
    assert process(session)["done"] == 1
    assert room(store) == [("resolved", False)]


def test_a_new_record_that_never_shows_is_held(session: Session, store: Store, paper: Paper) -> None:
    hint(paper, made=True, room="new")
    shows(paper, None)
    arrive(store, "ehr", {"do": "hint"})
    for _ in range(ASKS):
        assert process(session)["waiting"] == 1
        make_due(store)
    assert process(session)["held"] == 1
    assert [(state, code) for state, _, code in inbox(store)] == [("held", NOT_SHOWN)]
    assert len(paper.fetch_keys) == ASKS + 1


def test_what_the_system_goes_on_showing_is_believed_in_the_end(session: Session, store: Store, paper: Paper) -> None:
    hint(paper, room="told")
    shows(paper, {"id": "V1", "room": "changed since"})
    arrive(store, "ehr", {"do": "hint"})
    assert process(session)["waiting"] == 1
    assert room(store) == [("changed since", False)], "what is shown need not wait for what was told"
    for _ in range(ASKS):
        make_due(store)
        process(session)
    assert [state for state, *_ in inbox(store)] == ["done"]


def test_absence_is_believed_after_a_change_only_when_it_stays(session: Session, store: Store, paper: Paper) -> None:
    arrive(store, "ehr", {"records": [{"id": "V1", "room": "there"}]})
    process(session)
    hint(paper, room="changed")
    shows(paper, None)
    arrive(store, "ehr", {"do": "hint"})
    for _ in range(ASKS):
        process(session)
        assert room(store) == [("there", False)]
        make_due(store)
    assert process(session)["done"] == 1
    assert room(store) == [("there", True)]


def test_what_was_told_to_be_gone_is_asked_for_until_it_is(session: Session, store: Store, paper: Paper) -> None:
    hint(paper, gone=True)
    shows(paper, {"id": "V1", "room": "still there"}, None)
    arrive(store, "ehr", {"do": "hint"})
    assert process(session)["waiting"] == 1
    make_due(store)
    assert process(session)["done"] == 1
    assert room(store) == [("still there", True)]


def test_what_was_told_before_the_last_word_is_settled_with_it(session: Session, store: Store, paper: Paper) -> None:
    hint(paper, room="first")
    paper.acts["then"] = lambda: Reading(
        thin_events=[ThinEvent(stream="visits", key="V1", content={"id": "V1", "room": "second"})]
    )
    shows(paper, {"id": "V1", "room": "second"})
    arrive(store, "ehr", {"do": "hint"}, {"do": "then"})
    assert process(session)["done"] == 2
    assert paper.fetch_keys == ["V1"]
