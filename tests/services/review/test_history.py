"""The history of one record: who changed what, and no values unless they are asked for, which is written down."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from careloom.core.errors import UsageFault
from careloom.core.phi import MASK
from careloom.services.review.history import history
from services.fake_source import Practice, practice, project


@pytest.fixture
def clinic(monkeypatch: pytest.MonkeyPatch, database: str, tmp_path: Path) -> Iterator[Practice]:
    with practice(monkeypatch, database, project(tmp_path)) as clinic:
        clinic.shelves.put("people", 1, 2, name="Zzyzx")
        clinic.scan()
        clinic.shelves.put("people", 1, name="Other", age=7)
        clinic.scan()
        yield clinic


def test_every_change_is_told_with_who_made_it_and_in_which_run(clinic: Practice) -> None:
    first, second = history(clinic.session, "people", "1")
    assert (first.operation, first.actor, second.operation, second.actor) == (
        "INSERT",
        "full_sync:ehr",
        "UPDATE",
        "incremental:ehr",
    )
    assert (first.run, second.run) == (1, 2)
    assert first.at < second.at
    assert {"first_name", "age"} <= set(second.changed)
    assert "ehr_id" not in second.changed


def test_values_are_masked_unless_they_are_asked_for(clinic: Practice) -> None:
    masked_entries = history(clinic.session, "people", "1")
    assert masked_entries[1].changed["first_name"] == (MASK, MASK)
    assert masked_entries[1].changed["age"] == ("∅", MASK)
    assert "Zzyzx" not in str(masked_entries)
    assert clinic.ask("select count(*) from audit") == [(0,)]
    entries = history(clinic.session, "people", "1", reveal=True)
    assert entries[1].changed["first_name"] == ("Zzyzx", "Other")
    assert entries[0].changed["first_name"] == (None, "Zzyzx")
    assert clinic.ask("select split_part(actor, ' ', 1), action, subject from audit") == [
        ("tester", "history --reveal", "people/1")
    ]


def test_a_record_is_found_by_its_own_id_too(clinic: Practice) -> None:
    ((record_id,),) = clinic.ask("select id::text from clinical.people where ehr_id = 1")
    assert len(history(clinic.session, "people", record_id)) == 2


def test_a_deletion_is_part_of_the_history(clinic: Practice) -> None:
    del clinic.shelves.data["people"]["2"]
    clinic.scan(full=True)
    assert [entry.operation for entry in history(clinic.session, "people", "2")] == ["INSERT", "UPDATE"]
    assert "deleted_at" in history(clinic.session, "people", "2")[-1].changed


def test_what_is_not_known_is_said_with_the_next_step(clinic: Practice) -> None:
    with pytest.raises(UsageFault, match="keys are the values of ehr_id"):
        history(clinic.session, "people", "99")
    with pytest.raises(UsageFault, match="tables are: people, pets, pills"):
        history(clinic.session, "patients", "1")
