"""The commands of landing as a shell sees them: what they print, and how they end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import typer

from careloom.cli import cleanup, held, history, land, reconcile, replay, retry
from careloom.cli.exit import end_with
from careloom.core.errors import NotPermitted, RemoteUnavailable
from careloom.project.model import Retention
from services.fake_source import Practice, practice, project

DAYS = timedelta(days=30)


@pytest.fixture
def clinic(monkeypatch: pytest.MonkeyPatch, database: str, tmp_path: Path) -> Iterator[Practice]:
    """The commands open a project that is made here: its language is tested where it is read."""
    made = project(tmp_path, retention=Retention(inbox=DAYS), people=DAYS)
    monkeypatch.setenv("CARELOOM_DATABASE_URL", database)
    monkeypatch.setenv("CARELOOM_ACTOR", "tester")
    monkeypatch.setattr("careloom.services.session.sessions.load_project", lambda _folder, _rooms, _env: made)
    with practice(monkeypatch, database, made) as opened:
        opened.shelves.put("people", 1, 2, 3, name="Zzyzx")
        yield opened


def run(command: object, *words: str) -> int:
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(command)  # type: ignore[type-var]
    return end_with(lambda: typer.main.get_command(app).main(args=list(words), prog_name="careloom"))


def test_all_streams_are_landed_each_once(clinic: Practice, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(land.command) == 0
    said = capsys.readouterr().out
    assert "people: completed, balanced (full_sync, run 1" in said
    assert "3 records = 3 created" in said
    assert "pills: completed" in said
    assert [stream for stream, _, _ in clinic.shelves.scans] == ["people", "pills"]


def test_one_stream_as_json(clinic: Practice, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(land.command, "people", "--json", "--full") == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["stream"], said["counts"]["created"], said["balanced"]) == ("people", 3, True)


def test_what_is_held_and_a_source_that_rests_have_their_exit_codes(
    clinic: Practice, capsys: pytest.CaptureFixture[str]
) -> None:
    clinic.shelves.put("people", 3, changed_at="many")
    assert run(land.command, "people") == 4
    assert "see: careloom held --stream people" in capsys.readouterr().out

    def rest(_page: int) -> None:
        raise RemoteUnavailable("the hour's calls are spent", after=9.0)

    clinic.shelves.at_page = rest
    assert run(land.command, "people", "--full") == 6
    assert "note: the hour's calls are spent; what was landed stays" in capsys.readouterr().out


def test_one_stream_that_fails_does_not_keep_the_others_from_theirs(
    clinic: Practice, capsys: pytest.CaptureFixture[str]
) -> None:
    clinic.shelves.put("pills", 1)

    def refuse(_page: int) -> None:
        clinic.shelves.at_page = lambda _: None
        raise NotPermitted("the token is wrong")

    clinic.shelves.at_page = refuse
    assert run(land.command) == 5
    said = capsys.readouterr()
    assert "careloom: stream people: the token is wrong" in said.err
    assert "pills: completed" in said.out


def test_reconcile_says_how_much_it_repaired(clinic: Practice, capsys: pytest.CaptureFixture[str]) -> None:
    run(land.command)
    clinic.shelves.put("people", 4)
    capsys.readouterr()
    assert run(reconcile.command, "people") == 0
    assert "repaired: 1" in capsys.readouterr().out


def test_history_shows_values_only_when_asked(clinic: Practice, capsys: pytest.CaptureFixture[str]) -> None:
    run(land.command)
    capsys.readouterr()
    assert run(history.command, "people", "1") == 0
    said = capsys.readouterr().out
    assert "INSERT  by full_sync:ehr, run 1" in said
    assert "first_name: ∅ → •••" in said
    assert "Zzyzx" not in said
    assert run(history.command, "people", "1", "--reveal") == 0
    assert "first_name: ∅ → Zzyzx" in capsys.readouterr().out
    assert run(history.command, "people", "1", "--json") == 0
    assert json.loads(capsys.readouterr().out)[0]["operation"] == "INSERT"
    assert run(history.command, "people", "99") == 2


def test_a_cleanup_can_be_tried_first(clinic: Practice, capsys: pytest.CaptureFixture[str]) -> None:
    run(land.command)
    clinic.do("update clinical.people set synced_at = synced_at - interval '31 days' where ehr_id = 1")
    capsys.readouterr()
    assert run(cleanup.command, "--dry-run") == 0
    assert "1  people  would be removed" in capsys.readouterr().out
    assert clinic.live() == {1, 2, 3}
    assert run(cleanup.command, "--json") == 0
    assert json.loads(capsys.readouterr().out)["removed"]["people"] == 1
    assert clinic.live() == {2, 3}


def test_a_replay_compares_and_says_so_in_its_exit_code(clinic: Practice, capsys: pytest.CaptureFixture[str]) -> None:
    clinic.receive({"records": [dict(clinic.shelves.data["people"]["1"])]})
    assert run(replay.command, "ehr", "--compare") == 1
    assert "people: 1 missing" in capsys.readouterr().out
    assert run(replay.command, "ehr") == 0
    assert "1 landed again = 1 created" in capsys.readouterr().out
    assert run(replay.command, "ehr", "--compare", "--json") == 0
    assert json.loads(capsys.readouterr().out)["differences"]["people"]["same"] == 1
    assert run(replay.command, "ehr", "--compare", "--publish") == 2
    assert run(replay.command, "ehr", "--dry-run", "--since", "2020-01-01", "--until", "2020-01-02") == 0
    assert ("replay compare",) in clinic.ask("select action from audit")


def test_a_column_whose_values_cannot_be_read_is_listed_and_stops_nothing(
    clinic: Practice, capsys: pytest.CaptureFixture[str]
) -> None:
    clinic.shelves.put("people", 2, 3, age="Zzyzx")
    assert run(land.command, "people") == 0
    capsys.readouterr()
    assert run(held.command, "--stream", "people") == 0
    said = capsys.readouterr().out
    assert said.startswith("1 drift\n")
    assert "2 records landed without it" in " ".join(said.split())
    assert "Zzyzx" not in said


def test_a_link_that_waits_is_said_to_be_tried_when_a_record_lands(
    clinic: Practice, capsys: pytest.CaptureFixture[str]
) -> None:
    clinic.shelves.put("pills", 7, person=99)
    run(land.command)
    capsys.readouterr()
    assert run(held.command) == 0
    said = capsys.readouterr().out
    (row,) = [line for line in said.splitlines() if "link-none" in line]
    assert " * " in row
    assert "* a link is not tried by the clock, but whenever a record on either side of it lands" in said


def test_what_stands_still_in_a_stream_is_listed_and_offered_again(
    clinic: Practice, capsys: pytest.CaptureFixture[str]
) -> None:
    clinic.shelves.put("people", 3, changed_at="many")
    run(land.command)
    capsys.readouterr()
    assert run(held.command, "--stream", "people") == 0
    said = capsys.readouterr().out
    assert "1 record" in said
    assert "not-a-timestamp" in said
    assert run(held.command, "--stream", "people", "--json") == 0
    assert json.loads(capsys.readouterr().out)["counts"] == {"record": 1, "event": 0, "drift": 0, "link": 0}
    assert run(retry.command, "--stream", "people") == 0
    assert "0 held records landed, 1 is still held." in capsys.readouterr().out
    assert run(retry.command, "some", "--stream", "people") == 2
    assert run(held.command, "--stream", "pills") == 0
    assert "Nothing is held." in capsys.readouterr().out
