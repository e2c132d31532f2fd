from __future__ import annotations

import tomllib
from datetime import timedelta
from pathlib import Path

import pytest

from careloom.core.errors import ProjectFault
from careloom.core.phi import Phi
from careloom.core.streams import Column, LinkRule
from careloom.project.loader import load_project
from careloom.project.model import Landing, Project
from project.practice import PEOPLE, STREAM_ROOMS, practice

CORPUS = tomllib.loads((Path(__file__).parent / "broken_streams.toml").read_text(encoding="utf-8"))["case"]


def load_edited(folder: Path, *edits: tuple[str, str, str]) -> Project:
    return load_project(practice(folder, *edits), STREAM_ROOMS)


def load_landing(folder: Path, name: str, *edits: tuple[str, str, str]) -> Landing:
    return load_edited(folder, *edits).landings[name]


@pytest.mark.parametrize("case", CORPUS, ids=lambda case: case["name"])
def test_every_fault_of_a_stream_is_told_with_its_place_cause_and_fix(case: dict[str, list], tmp_path: Path) -> None:
    with pytest.raises(ProjectFault) as error:
        load_edited(tmp_path, *[tuple(edit) for edit in case["edits"]])
    lines = [
        f"{fault.file}:{fault.line}:{fault.column} {fault.code}: {fault.cause} -> {fault.fix}"
        for fault in error.value.faults
    ]
    assert lines == case["faults"]


def test_the_corpus_is_large_and_its_names_differ() -> None:
    assert len({case["name"] for case in CORPUS}) == len(CORPUS) >= 50


def test_a_project_may_have_streams_and_no_syncs(tmp_path: Path) -> None:
    project = load_edited(tmp_path)
    assert project.syncs == {}
    assert set(project.landings) == {"people", "visits", "notes", "calls"}
    assert project.publish == ("bus",)
    assert project.retention.inbox == timedelta(days=90)
    assert project.retention.change_log == timedelta(days=7 * 365)
    assert project.retention.sync_log is None
    assert project.service.audience == "https://loom.example.org"
    assert project.service.callers == ("clock@clinic.example.org",)


def test_the_file_says_when_a_stream_is_read_and_how_long_it_is_kept(tmp_path: Path) -> None:
    people = load_landing(tmp_path, "people")
    assert people.schedule is not None
    assert people.schedule.every == timedelta(minutes=15)
    assert people.reconcile is not None
    assert people.look_back == timedelta(hours=2)
    assert people.retention == timedelta(days=2555)
    assert people.table == "people"
    assert people.file == "streams/people.yaml"


def test_the_file_adds_columns_to_those_of_the_room(tmp_path: Path) -> None:
    people = load_landing(tmp_path, "people").stream
    assert [column.name for column in people.columns] == ["family_name", "nick_name", "mobile"]
    assert people.columns[1] == Column(name="nick_name", paths=("nick_name",), phi=Phi.IDENTITY)
    assert people.columns[2].paths == ("phones.mobile", "phones.cell")


def test_a_class_that_is_not_said_is_the_highest(tmp_path: Path) -> None:
    edit = ("streams/people.yaml", "nick_name, phi: identity", "nick_name")
    assert load_landing(tmp_path, "people", edit).stream.columns[1].phi is Phi.CLINICAL


def test_a_link_tries_its_tiers_in_order_and_names_renamed_columns(tmp_path: Path) -> None:
    notes = load_landing(tmp_path, "notes")
    assert notes.table == "scribe_notes"
    assert [column.name for column in notes.stream.columns] == ["visit_number", "person", "day"]
    assert notes.stream.links == (
        LinkRule(
            column="visit_id",
            to="visits",
            tiers=((("visit_number", "number"),), (("person", "person_number"), ("day", "day"))),
        ),
    )


def test_the_links_of_a_room_follow_the_names_that_the_files_give(tmp_path: Path) -> None:
    visits = load_landing(
        tmp_path,
        "visits",
        ("streams/people.yaml", "schedule:", "table: patients\nrename: {number: people_number}\nschedule:"),
        (
            "streams/visits.yaml",
            "schedule:",
            "rename: {person_number: patient_number, person_id: patient_id}\nschedule:",
        ),
        ("streams/notes.yaml", "person: person_number", "person: patient_number"),
    )
    assert visits.stream.links == (
        LinkRule(column="patient_id", to="patients", tiers=((("patient_number", "people_number"),),)),
    )


def test_the_link_of_a_room_to_a_table_that_is_not_landed_is_left_out(tmp_path: Path) -> None:
    practice(tmp_path)
    (tmp_path / "streams" / "people.yaml").unlink()
    assert load_project(tmp_path, STREAM_ROOMS).landings["visits"].stream.links == ()


def test_a_link_of_the_file_takes_the_place_of_the_rooms(tmp_path: Path) -> None:
    edit = (
        "streams/visits.yaml",
        "schedule:",
        "links: {person_id: {to: calls, by: [{number: call_number}]}}\nschedule:",
    )
    assert [link.to for link in load_landing(tmp_path, "visits", edit).stream.links] == ["calls"]


def test_what_is_linked_to_comes_first(tmp_path: Path) -> None:
    order = list(load_edited(tmp_path).landings)
    assert order.index("people") < order.index("visits") < order.index("notes")


def test_links_in_a_circle_and_to_oneself_are_no_fault(tmp_path: Path) -> None:
    project = load_edited(
        tmp_path,
        ("streams/people.yaml", "columns:", "links: {visit_id: {to: visits, by: [{family_name: number}]}}\ncolumns:"),
        (
            "streams/calls.yaml",
            "columns:",
            "links: {again_id: {to: calls, by: [{call_number: call_number}]}}\ncolumns:",
        ),
    )
    assert set(project.landings) == {"people", "visits", "notes", "calls"}


def test_a_system_that_leaves_it_to_the_project_is_declared_in_the_file(tmp_path: Path) -> None:
    calls = load_landing(tmp_path, "calls").stream
    assert (calls.name, calls.key, calls.key_column, calls.key_type) == ("ended", "call.id", "call_number", "text")
    assert (calls.version, calls.raw, calls.table) == ("call.changed_at", "raw", "calls")
    assert calls.columns == (Column(name="minutes", type="integer", paths=("call.minutes",)),)


def test_the_schedule_of_the_project_serves_only_streams_that_can_be_asked_for(tmp_path: Path) -> None:
    edits = (
        ("careloom.yaml", "systems:", "schedule: hourly\nsystems:"),
        ("streams/visits.yaml", "schedule: every 15 minutes\n", ""),
    )
    landings = load_edited(tmp_path, *edits).landings
    assert {name: one.schedule.text if one.schedule else None for name, one in landings.items()} == {
        "people": "every 15 minutes",
        "visits": "hourly",
        "notes": None,
        "calls": None,
    }


def test_a_change_in_a_stream_changes_the_digest_and_a_comment_does_not(tmp_path: Path) -> None:
    former_digest = load_edited(tmp_path).digest
    assert load_edited(tmp_path, ("streams/people.yaml", "", f"# people\n{PEOPLE}")).digest == former_digest
    assert load_edited(tmp_path, ("streams/people.yaml", "2 hours", "3 hours")).digest != former_digest


def test_no_file_of_a_stream_is_silently_left_out(tmp_path: Path) -> None:
    practice(tmp_path)
    (tmp_path / "streams" / "more.yml").write_text(PEOPLE, encoding="utf-8")
    with pytest.raises(ProjectFault) as error:
        load_project(tmp_path, STREAM_ROOMS)
    assert [fault.code for fault in error.value.faults] == ["file-name"]
