"""What a person decides outlives runs, outranks rules, and can be taken back."""

from __future__ import annotations

import pytest

from careloom.core.errors import UsageFault
from careloom.services.sync import hold
from services.sync_project import BORN, PEOPLE, Clinic, as_contact, counts, someone


def doubtful(clinic: Clinic) -> str:
    """One row, and one contact with its name and mail whose birth date nobody knows."""
    clinic.define(BORN)
    remote_id = clinic.seed(as_contact(someone(1), born=""))[0]
    clinic.rows([someone(1)])
    assert counts(clinic.run()) == {"read": 1, "held": 1}
    assert [candidate.remote_id for candidate in clinic.held()["K1"].candidates] == [remote_id]
    return remote_id


def test_what_only_a_plan_found_can_be_decided_before_the_first_run(clinic: Clinic) -> None:
    clinic.define(BORN)
    remote_id = clinic.seed(as_contact(someone(1), born=""))[0]
    clinic.rows([someone(1)])
    clinic.plan()
    clinic.decide("K1", "link", remote_id)
    assert counts(clinic.run()) == {"read": 1, "update": 1}
    assert clinic.links() == {"K1": remote_id}
    assert clinic.held() == {}


def test_every_candidate_is_offered_however_many_parts_they_are_written_in(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hold, "_CHUNK", 2)
    clinic.define(BORN)
    ids = {
        f"K{number}": clinic.seed(
            *(as_contact(someone(number), email=f"{number}.{part}@clinic.example") for part in range(3))
        )
        for number in (1, 2, 3)
    }
    clinic.rows([someone(number) for number in (1, 2, 3)])
    clinic.plan()
    assert {
        key: sorted(candidate.remote_id for candidate in item.candidates) for key, item in clinic.held().items()
    } == {key: sorted(remote_ids) for key, remote_ids in ids.items()}


def test_a_link_is_made_and_remembered(clinic: Clinic) -> None:
    remote_id = doubtful(clinic)
    clinic.decide("K1", "link", remote_id)
    assert counts(clinic.run()) == {"read": 1, "update": 1}
    assert clinic.record("K1")["hs_object_id"] == remote_id
    assert counts(clinic.run()) == {"read": 1, "same": 1}


def test_a_creation_is_made_and_the_mail_stays_with_its_contact(clinic: Clinic) -> None:
    remote_id = doubtful(clinic)
    clinic.decide("K1", "create")
    assert counts(clinic.run()) == {"read": 1, "create": 1}
    record = clinic.record("K1")
    assert record["hs_object_id"] != remote_id
    assert (record.get("email"), record["shared_email"]) == (None, "person1@clinic.example")
    assert clinic.records()[remote_id]["email"] == "person1@clinic.example"
    assert counts(clinic.run()) == {"read": 1, "same": 1}
    assert clinic.plan(full=True).empty


def test_never_these_two_is_remembered_by_every_later_run(clinic: Clinic) -> None:
    clinic.write(PEOPLE + "unmatched: hold\n")
    remote_id = doubtful(clinic)
    clinic.decide("K1", "never", remote_id)
    for _ in range(2):
        assert counts(clinic.run()) == {"read": 1, "held": 1}
        assert clinic.reasons() == {"K1": "unmatched"}
    assert clinic.records()[remote_id].get("clinic_id") is None


def test_a_later_word_takes_back_an_earlier_one(clinic: Clinic) -> None:
    """Whoever said "never" by mistake and then "link" gets the link, not a second record."""
    remote_id = doubtful(clinic)
    clinic.decide("K1", "never", remote_id)
    clinic.decide("K1", "link", remote_id)
    assert counts(clinic.run()) == {"read": 1, "update": 1}
    assert clinic.links() == {"K1": remote_id}


def test_never_after_link_means_never(clinic: Clinic) -> None:
    remote_id = doubtful(clinic)
    clinic.decide("K1", "link", remote_id)
    clinic.decide("K1", "never", remote_id)
    assert counts(clinic.run()) == {"read": 1, "create": 1}
    assert clinic.links()["K1"] != remote_id


def test_a_decision_must_fit_what_is_held(clinic: Clinic) -> None:
    remote_id = doubtful(clinic)
    with pytest.raises(UsageFault, match="no held record"):
        clinic.decide("K9", "create")
    with pytest.raises(UsageFault, match="is no candidate"):
        clinic.decide("K1", "link", "999999")
    with pytest.raises(UsageFault, match="it can be settled with: link, create, never"):
        clinic.decide("K1", "source")
    clinic.decide("K1", "link", remote_id)


def test_unmatched_rows_are_held_where_the_sync_says_so(clinic: Clinic) -> None:
    clinic.write(PEOPLE + "unmatched: hold\n")
    clinic.define(BORN)
    clinic.seed(as_contact(someone(1)))
    clinic.rows([someone(1), someone(2)])
    assert counts(clinic.run()) == {"read": 2, "update": 1, "held": 1}
    assert clinic.reasons() == {"K2": "unmatched"}
    clinic.decide("K2", "create")
    assert counts(clinic.run()) == {"read": 2, "same": 1, "create": 1}


def test_a_plan_made_while_a_record_is_held_does_not_lose_the_hold(clinic: Clinic) -> None:
    """A plan may be made at any time, also between a run's holding of a record and that run's end."""
    doubtful(clinic)
    run = clinic.ask("select run from careloom.held")[0][0]
    clinic.plan()
    assert clinic.ask("select key, run from careloom.held") == [("K1", run)]


def test_every_decision_is_in_the_audit(clinic: Clinic) -> None:
    remote_id = doubtful(clinic)
    clinic.decide("K1", "link", remote_id)
    assert clinic.ask("select split_part(actor, ' ', 1), action, subject from careloom.audit") == [
        ("tester", "decide link", f"people/K1 → {remote_id}")
    ]
