"""Links under any order of what comes: a function of the rows as they stand, found by an oracle that knows nothing of orders."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from careloom.core.streams import Record
from careloom.services.landing.link import link_again, unlinked
from careloom.services.landing.write import land, prepare
from careloom.services.session.sessions import Session
from services.landing_project import NOTES, SESSIONS, note, open_landing

VISITS, PEOPLE, DAYS = (None, "V1", "V2"), (None, 1, 2), (None, "2026-11-20", "2026-11-21")
SAID = st.fixed_dictionaries(
    {"visit": st.sampled_from(VISITS), "patient": st.sampled_from(PEOPLE), "day": st.sampled_from(DAYS)}
)


@dataclass(frozen=True)
class Happening:
    """At its minute a row says this; None: it is gone."""

    stream: str
    key: str
    said: tuple[tuple[str, Any], ...] | None

    def record(self, minute: int) -> Record:
        if self.said is None:
            return replace(note(self.stream, self.key, minute), data=None)
        return note(self.stream, self.key, minute, **dict(self.said))


HAPPENINGS = st.lists(
    st.builds(
        Happening,
        stream=st.sampled_from(["notes", "sessions"]),
        key=st.sampled_from(["A", "B", "C"]),
        said=st.one_of(st.none(), *[SAID.map(lambda said: tuple(sorted(said.items(), key=lambda one: one[0])))] * 4),
    ),
    min_size=2,
    max_size=9,
)


@pytest.fixture
def session(tmp_path: Path, database: str) -> Iterator[Session]:
    with open_landing(tmp_path, database, NOTES, SESSIONS) as opened:
        prepare(opened)
        yield opened


def verdict(session: Mapping[str, Any], notes: Mapping[str, Mapping[str, Any]]) -> str | None:
    """The oracle: the key of the one note that belongs to a session, or why there is none."""
    if session["visit"] is not None:
        fitting = [key for key, one in notes.items() if one["visit"] == session["visit"]]
    elif session["patient"] is not None and session["day"] is not None:
        fitting = [
            key for key, one in notes.items() if (one["patient"], one["day"]) == (session["patient"], session["day"])
        ]
    else:
        fitting = []
    if len(fitting) != 1:
        return "ambiguous" if fitting else "none"
    note = notes[fitting[0]]
    differs = any(
        session[name] != note[name] and None not in (session[name], note[name]) for name in ("visit", "patient", "day")
    )
    return "contradiction" if differs else f"to {fitting[0]}"


def last_of(happenings: list[Happening], stream: str) -> dict[str, dict[str, Any]]:
    last = {happening.key: happening.said for happening in happenings if happening.stream == stream}
    return {key: dict(said) for key, said in last.items() if said is not None}


def links(session: Session) -> dict[str, str]:
    query = (
        "select s.session_key, 'to ' || n.note_key from clinical.sessions s join clinical.notes n on n.id = s.note_id"
        " where s.deleted_at is null"
    )
    with session.store.transaction() as connection:
        linked_rows = dict(connection.execute(query).fetchall())
    whys = {one.key: one.why for one in unlinked(session, session.project.landings["sessions"])}
    assert not linked_rows.keys() & whys.keys()
    return linked_rows | whys


def empty(session: Session) -> None:
    with session.store.transaction() as connection:
        connection.execute("delete from clinical.sessions")
        connection.execute("delete from clinical.notes")


@settings(
    max_examples=120, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(happenings=HAPPENINGS, size=st.integers(1, 3), data=st.data())
def test_in_any_order_a_row_is_linked_to_what_it_belongs_to_now(
    session: Session, happenings: list[Happening], size: int, data: st.DataObject
) -> None:
    notes = last_of(happenings, "notes")
    wanted = {key: verdict(said, notes) for key, said in last_of(happenings, "sessions").items()}
    records = [one.record(minute) for minute, one in enumerate(happenings)]
    for order in (records, data.draw(st.permutations(records))):
        empty(session)
        for first in range(0, len(order), size):
            land(session, "ehr", order[first : first + size], actor="tester")
        assert links(session) == wanted
        assert sum(link_again(session, session.project.landings["sessions"], actor="tester")) == 0
