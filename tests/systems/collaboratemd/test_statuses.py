"""What the room makes of each thing that the Web API may say."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from careloom.core.errors import Hold, RemoteUnavailable
from careloom.systems.collaboratemd.envelopes import Envelope
from careloom.systems.collaboratemd.options import Options
from careloom.systems.collaboratemd.report_source import report_policy
from careloom.systems.collaboratemd.responses import asked, state
from careloom.systems.collaboratemd.simulator import RunningCollaborateMD
from careloom.systems.collaboratemd.simulator.layouts import BY_NAME
from systems.collaboratemd.fake_billing import FIRST, FOURTH, SECOND, THIRD, fetched, source_of, table, wanted


@pytest.mark.parametrize("form", ["xml", "json"])
def test_a_report_is_asked_for_waited_for_and_unpacked(
    simulator: RunningCollaborateMD, tmp_path: Path, form: str
) -> None:
    simulator.control("settings", running_polls=2)
    source = source_of(simulator, format=form)
    identifier = source.ask(wanted("ar_aging")).identifier
    states = [source.fetch(FIRST, identifier, tmp_path / "made").state for _ in range(3)]
    assert states == ["waiting", "waiting", "ready"]
    header, rows = table(tmp_path / "made" / "1.csv")
    assert header == [head for head, _ in BY_NAME["ar_aging"].columns]
    assert len(rows) == simulator.control("truth")["ar_aging"][FIRST]["rows"] > 10
    assert [path.name for path in (tmp_path / "made").iterdir()] == ["1.csv"]


@pytest.mark.parametrize("form", ["xml", "json"])
@pytest.mark.parametrize("written", [{}, {"wrap": True}, {"escape": True}, {"wrap": True, "escape": True}])
def test_every_way_of_writing_base64_gives_the_same_file(
    simulator: RunningCollaborateMD, tmp_path: Path, form: str, written: dict[str, bool]
) -> None:
    plain = fetched(source_of(simulator), "gross_billing", tmp_path / "plain").files[0].read_bytes()
    simulator.control("settings", **written)
    found = fetched(source_of(simulator, format=form), "gross_billing", tmp_path / "other")
    assert found.files[0].read_bytes() == plain


def test_a_second_report_is_answered_with_the_one_that_runs(simulator: RunningCollaborateMD) -> None:
    simulator.control("settings", running_polls=1)
    source = source_of(simulator)
    first = source.ask(wanted("ar_aging"))
    second = source.ask(wanted("gross_billing", SECOND))
    assert (first.another, second.another) == (False, True)
    assert second.identifier == first.identifier
    assert not second.refused


def test_a_run_whose_answer_was_lost_answers_as_another(simulator: RunningCollaborateMD, tmp_path: Path) -> None:
    """It cannot be told apart: the identifier leads to the report, and its columns say that it is ours."""
    simulator.control("settings", running_polls=1)
    simulator.control("fault", kind="lost-answer")
    source = source_of(simulator)
    found = source.ask(wanted("ar_aging"))
    assert found.another
    assert [run["report"] for run in simulator.control("runs")] == ["ar_aging"]
    source.fetch(FIRST, found.identifier, tmp_path)
    assert table(source.fetch(FIRST, found.identifier, tmp_path).files[0])[0][0] == "Charge ID"


def test_success_without_data_is_waited_for_and_comes(simulator: RunningCollaborateMD, tmp_path: Path) -> None:
    simulator.control("settings", empty_polls=4)
    source = source_of(simulator)
    identifier = source.ask(wanted("ar_aging")).identifier
    states = [source.fetch(FIRST, identifier, tmp_path).state for _ in range(5)]
    assert states == ["waiting"] * 4 + ["ready"]


def test_success_without_data_beyond_the_grace_is_no_word_for_no_rows(
    simulator: RunningCollaborateMD, tmp_path: Path
) -> None:
    simulator.control("fault", kind="never-data")
    source = source_of(simulator, grace_polls=2)
    identifier = source.ask(wanted("ar_aging")).identifier
    states = [source.fetch(FIRST, identifier, tmp_path).state for _ in range(3)]
    assert states == ["waiting", "waiting", "no-data"]
    assert source_of(simulator, grace_polls=2).fetch(FIRST, identifier, tmp_path).state == "waiting"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("fault", "expected"),
    [("timed-out", "timed-out"), ("not-found", "timed-out"), ("failed", "refused"), ("no-rows", "no-rows")],
)
@pytest.mark.parametrize("form", ["xml", "json"])
def test_what_becomes_of_a_run_that_does_not_end_well(
    simulator: RunningCollaborateMD, tmp_path: Path, fault: str, expected: str, form: str
) -> None:
    simulator.control("fault", kind=fault)
    found = fetched(source_of(simulator, format=form), "ar_aging", tmp_path)
    assert (found.state, found.files) == (expected, ())
    assert found.message


def test_a_report_longer_than_the_cap_is_given_up(simulator: RunningCollaborateMD, tmp_path: Path) -> None:
    simulator.control("settings", running_seconds=0.05, cap_seconds=0.05)
    source = source_of(simulator)
    identifier = source.ask(wanted("ar_aging")).identifier
    states = {source.fetch(FIRST, identifier, tmp_path).state for _ in range(40)}
    while "timed-out" not in states:
        states.add(source.fetch(FIRST, identifier, tmp_path).state)
    assert states <= {"waiting", "timed-out"}


@pytest.mark.parametrize(
    ("fault", "word"), [("invalid-criteria", "filter is not valid"), ("error", "does not explain")]
)
def test_a_request_that_is_refused_says_why(simulator: RunningCollaborateMD, fault: str, word: str) -> None:
    simulator.control("fault", kind=fault)
    found = source_of(simulator).ask(wanted("ar_aging"))
    assert word in found.refused
    assert found.identifier == ""


def test_an_account_without_access_is_refused_and_the_others_go_on(
    simulator: RunningCollaborateMD, tmp_path: Path
) -> None:
    simulator.control("settings", off=[SECOND], inactive=[THIRD])
    source = source_of(simulator)
    assert "interface is not turned on" in source.ask(wanted("ar_aging", SECOND)).refused
    assert "facility is inactive" in source.ask(wanted("ar_aging", THIRD)).refused
    assert "not available" in source.ask(wanted("ar_aging", "10099999")).refused
    assert fetched(source, "ar_aging", tmp_path, FOURTH).state == "ready"


def test_the_data_of_another_report_is_handed_on_with_its_own_columns(
    simulator: RunningCollaborateMD, tmp_path: Path
) -> None:
    simulator.control("fault", kind="other-report", report="ar_aging")
    found = fetched(source_of(simulator), "ar_aging", tmp_path)
    assert table(found.files[0])[0] != [head for head, _ in BY_NAME["ar_aging"].columns]


def test_a_report_of_several_files_comes_as_several(simulator: RunningCollaborateMD, tmp_path: Path) -> None:
    whole = table(fetched(source_of(simulator), "gross_billing", tmp_path / "whole").files[0])
    simulator.control("settings", parts=3)
    found = fetched(source_of(simulator), "gross_billing", tmp_path / "parts")
    assert [path.name for path in found.files] == ["1.csv", "2.csv", "3.csv"]
    tables = [table(path) for path in found.files]
    assert {tuple(header) for header, _ in tables} == {tuple(whole[0])}
    assert [row for _, rows in tables for row in rows] == whole[1]


# ---------------------------------------------------------------- words


def envelope(status: str, message: str = "", identifier: str = "") -> Envelope:
    return Envelope(status=status, message=message, identifier=identifier, data_bytes=0)


@pytest.mark.parametrize(
    ("status", "message", "expected"),
    [
        ("SUCCESS", "", "ready"),
        ("REPORT COMPLETE", "", "ready"),
        ("REPORT RUNNING", "The report is still running.", "waiting"),
        ("REPORT TIMED OUT", "", "timed-out"),
        ("NOT FOUND", "", "timed-out"),
        ("NOT FOUND", "Report not available for this customer", "refused"),
        ("INVALID CRITERIA", "", "refused"),
        ("ERROR", "", "refused"),
        ("ERROR", "No records found", "no-rows"),
        ("SUCCESS", "No records were found matching the criteria used.", "no-rows"),
        (
            "SUCCESS",
            "The report completed successfully, but no records were found matching the criteria used.",
            "no-rows",
        ),
        ("SUCCESS", "Facility is inactive", "refused"),
        ("SUCCESS", "Interface is not turned on", "refused"),
        ("SUCCESS", "Report not available for this customer", "refused"),
        ("QUEUED", "", "waiting"),
        ("REPORT TIMED OUT", "No records found so far", "timed-out"),
        ("NOT FOUND", "No records found", "timed-out"),
        ("QUEUED", "No records found", "waiting"),
        ("INVALID CRITERIA", "No records found", "refused"),
    ],
)
def test_every_status_and_message_has_its_state(status: str, message: str, expected: str) -> None:
    assert state(envelope(status, message))[0] == expected


@pytest.mark.parametrize(
    ("status", "spoken"),
    [
        ("PENDING", '"PENDING"'),
        ("HOLLIS Q. 04/05/1961", "a status that is no word"),
        ("A " * 30, "a status that is no word"),
    ],
)
def test_a_status_that_is_not_known_is_told_where_it_is_a_word(status: str, spoken: str) -> None:
    assert spoken in state(envelope(status))[1]
    with pytest.raises(Hold, match=spoken):
        asked(envelope(status))


def test_what_the_vendor_writes_is_never_passed_on() -> None:
    said = "Patient Quillfeather, Hollis 04/05/1961 is not billable"
    assert "Quillfeather" not in asked(envelope("ERROR", said)).refused
    assert "Quillfeather" not in state(envelope("ERROR", said))[1]
    assert "Quillfeather" not in repr(envelope("ERROR", said))


def test_an_answer_without_a_run_is_held_or_asked_again() -> None:
    with pytest.raises(Hold) as held:
        asked(envelope("SUCCESS"))
    assert held.value.code == "corrupt-answer"
    with pytest.raises(RemoteUnavailable):
        asked(envelope("REPORT RUNNING", "A report is still running"))


def test_the_policy_is_that_of_the_options() -> None:
    options = Options(username="u", password="p", poll_seconds=3, ceiling_minutes=0.5, asks=7)
    policy = report_policy(options)
    assert (policy.poll_seconds, policy.ceiling_seconds, policy.asks) == (3, 30, 7)


def test_nothing_that_a_report_holds_is_logged(
    simulator: RunningCollaborateMD,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.DEBUG):
        found = fetched(source_of(simulator), "ar_aging", tmp_path)
    said = caplog.text + "".join(capsys.readouterr())
    _, rows = table(found.files[0])
    assert "results" in said
    assert not any(cell in said for row in rows for cell in (row[0], row[3]))
    assert "sim-password" not in said + repr(source_of(simulator))
