"""Links between landed rows: one row fits or there is none, in whatever order rows come and go; found by index."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from careloom.core.streams import Record
from careloom.services.landing import write as landing_service
from careloom.services.landing.link import unlinked
from careloom.services.landing.write import land, prepare
from careloom.services.session.sessions import Session
from services.landing_project import NOTES, SESSIONS, note, open_landing


@pytest.fixture
def session(tmp_path: Path, database: str) -> Iterator[Session]:
    with open_landing(tmp_path, database, NOTES, SESSIONS) as session:
        yield session


def ask(session: Session, statement: str) -> list[tuple[Any, ...]]:
    with session.store.transaction() as connection:
        return connection.execute(statement).fetchall()


def put(session: Session, *records: Record) -> None:
    land(session, "ehr", records, actor="tester")


def links(session: Session) -> dict[str, str | None]:
    return dict(
        ask(
            session,
            "select s.session_key, n.note_key from clinical.sessions s left join clinical.notes n on n.id = s.note_id",
        )
    )


def gone_note(key: str, minute: int) -> Record:
    return replace(note("notes", key, minute), data=None)


def whys(session: Session) -> list[tuple[str, str]]:
    return [(row.key, row.why) for row in unlinked(session, session.project.landings["sessions"])]


def test_two_rows_of_one_tier_are_no_link_even_if_a_later_tier_finds_one(session: Session) -> None:
    put(
        session,
        note("notes", "N1", visit="V1", patient=1, day="2026-11-20"),
        note("notes", "N2", visit="V1", patient=2),
    )
    put(session, note("sessions", "S1", visit="V1", patient=1, day="2026-11-20"))
    assert links(session) == {"S1": None}
    assert whys(session) == [("S1", "ambiguous")]


def test_a_link_goes_when_a_second_row_fits_and_when_its_row_goes(session: Session) -> None:
    put(session, note("notes", "N1", visit="V1"), note("sessions", "S1", visit="V1"))
    put(session, note("notes", "N2", visit="V1"))
    assert links(session) == {"S1": None}
    assert whys(session) == [("S1", "ambiguous")]
    put(session, gone_note("N1", 5))
    assert links(session) == {"S1": "N2"}
    put(session, gone_note("N2", 6))
    assert links(session) == {"S1": None}
    assert whys(session) == [("S1", "none")]


def test_the_going_of_one_of_two_rows_leaves_the_other_to_be_linked(session: Session) -> None:
    put(session, note("notes", "N1", visit="V1"), note("notes", "N2", visit="V1"), note("sessions", "S1", visit="V1"))
    assert whys(session) == [("S1", "ambiguous")]
    put(session, gone_note("N1", 5))
    assert links(session) == {"S1": "N2"}
    assert ask(session, "select operation, table_name, vendor_id from outbox order by id desc limit 1") == [
        ("UPDATE", "sessions", "S1")
    ]


def test_a_link_is_in_the_history_with_who_made_it(session: Session) -> None:
    put(session, note("sessions", "S1", visit="V1"))
    put(session, note("notes", "N1", visit="V1"))
    [(actor, changes)] = ask(session, "select actor, changed from change_log where operation = 'UPDATE'")
    [(note_id, has_link_time)] = ask(
        session, "select note_id::text, note_id_linked_at is not null from clinical.sessions"
    )
    assert (actor, set(changes), changes["note_id"], has_link_time) == (
        "tester",
        {"note_id", "note_id_linked_at"},
        [None, note_id],
        True,
    )


MANY = 20_000
FILL = (
    "insert into clinical.{table} ({key}, visit, patient, day, raw, fingerprint, source_version, observed_at)"
    " select '{word}' || n, '{word}' || n, {sign} n, '2020-01-01', jsonb_build_object('text', repeat('x', 900)), '',"
    " '2020-01-01', '2020-01-01'"
    " from generate_series(1, {many}) n"
)


@contextmanager
def rows_read_in_whole(session: Session) -> Iterator[list[tuple[str, int]]]:
    """What each transaction read without an index."""
    scans = "select relname, seq_tup_read from pg_stat_xact_user_tables where schemaname = 'clinical'"
    reads: list[tuple[str, int]] = []
    original = session.store.transaction

    @contextmanager
    def watched(_: object) -> Iterator[Any]:
        with original() as connection:
            yield connection
            reads.extend((table, number) for table, number in connection.execute(scans).fetchall() if number)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(session.store), "transaction", watched)
        yield reads


@pytest.mark.parametrize("last", ["notes", "sessions"])
def test_one_of_many_is_linked_by_index_whichever_side_comes_last(session: Session, last: str) -> None:
    """Were a table read whole for a batch, the time of a landing would grow with all that is stored."""
    prepare(session)
    with session.store.transaction() as connection:
        connection.execute("set local session_replication_role = replica")
        for table, key in (("notes", "note_key"), ("sessions", "session_key")):
            word, sign = ("other", "-") if table == last else ("old", "+")
            connection.execute(FILL.format(table=table, key=key, word=word, sign=sign, many=MANY))
    with session.store.transaction() as connection:
        connection.execute("analyze clinical.notes, clinical.sessions")
    with rows_read_in_whole(session) as reads:
        put(session, note(last, "new", visit="old7", patient=7, day="2020-01-01"))
    assert reads == []
    present_links = {key: note_id for key, note_id in links(session).items() if note_id}
    assert present_links == ({"new": "old7"} if last == "sessions" else {"old7": "new"})


def test_both_ends_of_a_link_landed_at_once_are_linked(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    barrier, real = threading.Barrier(2), landing_service.release_held

    def late(*words: Any, **options: Any) -> None:
        """After the row was written and linked, before its transaction ends."""
        real(*words, **options)
        with suppress(threading.BrokenBarrierError):
            barrier.wait(1)

    prepare(session)
    monkeypatch.setattr(landing_service, "release_held", late)
    ends = (note("notes", "N1", visit="V1"), note("sessions", "S1", visit="V1"))
    threads = [threading.Thread(target=put, args=(session, end)) for end in ends]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert links(session) == {"S1": "N1"}
