"""A session note that is sealed anew and sent again says nothing new, however late it comes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import product
from pathlib import Path
from threading import Event
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from careloom.core.webhooks import WebhookRequest
from careloom.project.model import Alerts, Landing, Project, System
from careloom.project.nodes import Place
from careloom.services.landing.process import process_inbox
from careloom.services.landing.receive import receive
from careloom.services.landing.replay import replay
from careloom.services.session.progress import Watch
from careloom.services.session.sessions import Session
from careloom.services.session.settings import read_settings
from careloom.store.database import Store, open_store
from careloom.systems.deepcura.ciphers import CipherName
from careloom.systems.deepcura.options import Options
from careloom.systems.deepcura.simulator import invented_note, sealed
from careloom.systems.deepcura.streams import NOTES

SECRET = "a shared secret of the clinic"


@dataclass
class Desk:
    """An account's Gridhooks, and the notes that came of them."""

    session: Session
    store: Store

    def say(self, transcript: str, cipher: CipherName = "aes-gcm", session: int = 1) -> None:
        """A Gridhook with a seal of its own comes in."""
        note = invented_note(session, patient=1, day=date(2026, 11, 20)) | {"transcript": transcript}
        body = sealed(note, SECRET, cipher)
        headers = {"content-type": "application/json", "x-deepcura-secret": SECRET}
        answer = receive(self.session, "scribe", WebhookRequest(method="POST", headers=headers, query={}, body=body))
        assert answer.status == 200

    def work(self) -> dict[str, int]:
        return dict(process_inbox(self.session, "scribe", stop=Event()))

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        with self.store.transaction() as connection:
            return connection.execute(statement).fetchall()  # type: ignore[call-overload, no-any-return]

    def notes(self) -> list[tuple[str, str]]:
        return self.ask("select session_id, transcript from clinical.notes order by session_id")

    def changes(self) -> list[tuple[str]]:
        return self.ask("select operation from change_log where table_name = 'notes' order by id")


@pytest.fixture
def desk(tmp_path: Path, database: str) -> Iterator[Desk]:
    place = Place(file="careloom.yaml", line=1, column=1)
    project = Project(
        name="clinic",
        timezone=ZoneInfo("America/New_York"),
        folder=tmp_path,
        systems={"scribe": System(name="scribe", kind="deepcura", options=Options(secret=SECRET), place=place)},
        alerts=Alerts(),
        syncs={},
        digest="notes",
        landings={"notes": Landing(name="notes", system="scribe", stream=NOTES, file="")},
    )
    store = open_store(database)
    yield Desk(session=Session(project=project, settings=read_settings({}), store=store), store=store)
    store.close()


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize("cipher", ["aes-gcm", "sha256-cbc"])
def test_a_draft_that_is_sealed_anew_after_its_correction_changes_nothing(
    desk: Desk, cipher: CipherName, together: bool
) -> None:
    for transcript in ("draft", "corrected", "draft", "draft"):
        desk.say(transcript, cipher)
        if not together:
            assert desk.work()["done"] == 1
    desk.work()
    assert desk.ask("select count(*), count(distinct event_id) from inbox where state = 'done'") == [(4, 4)]
    assert desk.notes() == [("session-1", "corrected")]
    assert desk.changes() == [("INSERT",), ("UPDATE",)]


@pytest.mark.parametrize("texts", list(product("AB", repeat=3)), ids="".join)
def test_what_stands_is_the_last_text_that_had_not_come_before(desk: Desk, texts: Sequence[str]) -> None:
    first_times = list(dict.fromkeys(texts))
    for transcript in texts:
        desk.say(transcript)
        desk.work()
    assert desk.notes() == [("session-1", first_times[-1])]
    assert len(desk.changes()) == len(first_times)


def test_sessions_do_not_take_each_others_place(desk: Desk) -> None:
    for session in (1, 2):
        desk.say("the same words", session=session)
    desk.say("other words", session=1)
    desk.say("the same words", session=2)
    desk.work()
    assert desk.notes() == [("session-1", "other words"), ("session-2", "the same words")]


def test_a_replay_of_all_that_came_ends_in_the_correction_too(desk: Desk) -> None:
    for transcript in ("draft", "corrected", "draft"):
        desk.say(transcript)
        desk.work()
    for forget in ("clinical.notes", "careloom.inbox_content"):
        desk.ask(f"delete from {forget} returning 1")
        assert replay(desk.session, "scribe", Watch(stop=Event())).events == 3
        assert desk.notes() == [("session-1", "corrected")]


def test_a_draft_sealed_anew_after_its_bytes_are_gone_changes_nothing(desk: Desk) -> None:
    for transcript in ("draft", "corrected"):
        desk.say(transcript)
    desk.work()
    desk.ask("delete from inbox returning 1")
    desk.say("draft")
    assert desk.work()["done"] == 1
    assert desk.notes() == [("session-1", "corrected")]
