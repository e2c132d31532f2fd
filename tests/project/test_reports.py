"""Reports as data: read with what they share, and every mistake told with its place."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from careloom.core.errors import ProjectFault
from careloom.project.loader import load_project
from careloom.project.model import Project
from project.practice import RECEIVABLES, STREAM_ROOMS, practice

CORPUS = tomllib.loads((Path(__file__).parent / "broken_reports.toml").read_text(encoding="utf-8"))["case"]


BILLING = (
    ("careloom.yaml", "  bus: {kind: bus}\n", "  bus: {kind: bus}\n  billing: {kind: billing}\n"),
    ("reports/receivables.yaml", "", RECEIVABLES),
)


def load_edited(folder: Path, *edits: tuple[str, str, str]) -> Project:
    return load_project(practice(folder, *BILLING, *edits), STREAM_ROOMS)


@pytest.mark.parametrize("case", CORPUS, ids=lambda case: case["name"])
def test_every_fault_of_a_report_is_told_with_its_place_cause_and_fix(case: dict[str, list], tmp_path: Path) -> None:
    with pytest.raises(ProjectFault) as error:
        load_edited(tmp_path, *[tuple(edit) for edit in case["edits"]])
    lines = [
        f"{fault.file}:{fault.line}:{fault.column} {fault.code}: {fault.cause} -> {fault.fix}"
        for fault in error.value.faults
    ]
    assert lines == case["faults"]


def test_reports_of_a_file_share_system_accounts_schedule_and_keep_where_they_say_nothing_else(tmp_path: Path) -> None:
    reports = load_edited(tmp_path).reports
    aging, denials = reports["ar_aging"], reports["denials"]
    assert (aging.system, aging.report, aging.filter, aging.purpose) == ("billing", "101", "201", "what is owed")
    assert aging.accounts == ("10000001", "10000002")
    assert aging.schedule is not None
    assert aging.schedule.text == "daily at 05:00"
    assert (aging.keep, dict(aging.types)) == (8, {"balance_due": "numeric"})
    assert denials.accounts == ("10000002",)
    assert denials.schedule is not None
    assert denials.schedule.text == "weekly on monday at 05:00"
    assert denials.keep == 3


def test_what_a_report_says_is_in_the_projects_digest(tmp_path: Path) -> None:
    former_digest = load_edited(tmp_path / "a").digest
    assert load_edited(tmp_path / "b", ("reports/receivables.yaml", '"201"', '"209"')).digest != former_digest
