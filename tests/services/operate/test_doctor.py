"""What doctor says of a project."""

from __future__ import annotations

from careloom.services.operate.doctor import check_up
from services.sync_project import PEOPLE, someone


def test_a_schedule_is_said_as_it_was_written(clinic):
    clinic.write(f"{PEOPLE}schedule: daily at 06:00\n")
    clinic.rows([someone(1)])
    details = [finding.detail for finding in check_up(clinic.folder, clinic.settings())]
    assert "8 source columns, 7 fields, daily at 06:00" in details


def test_callers_whose_tokens_cannot_be_told_from_those_for_others_are_told_of(clinic):
    service = "\nservice: {callers: [clock@clinic.example.org]}\n"
    clinic.write(f"{PEOPLE}schedule: daily at 06:00\n")
    file = clinic.folder / "careloom.yaml"
    file.write_text(file.read_text(encoding="utf-8") + service, encoding="utf-8")
    findings = [finding for finding in check_up(clinic.folder, clinic.settings()) if finding.what == "service"]
    assert [(finding.level, "audience" in finding.fix) for finding in findings] == [("warn", True)]
