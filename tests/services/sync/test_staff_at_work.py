"""What people do in the portal between two runs, and what the next run makes of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from careloom.core.errors import UsageFault
from careloom.core.ports import Batch
from careloom.systems.hubspot.target.target import HubSpotTarget
from services.sync_project import BORN, PEOPLE, Clinic, Row, as_contact, counts, someone

ALL_OURS = PEOPLE.replace("match:", "owner: source\nmatch:")


def settle(clinic: Clinic, *rows: Row) -> list[Row]:
    clinic.rows(rows)
    assert counts(clinic.run()) == {"read": len(rows), "create": len(rows)}
    return list(rows)


# ---------------------------------------------------------------- edits


def test_an_edit_by_staff_stays_while_the_source_says_what_it_said(clinic: Clinic) -> None:
    settle(clinic, someone(1, Phone="+12125550111"))
    clinic.staff("edit", id=clinic.links()["K1"], properties={"phone": "+12125550199", "jobtitle": "baker"})
    clinic.rows([someone(1, Phone="+12125550111", Note="moved")])
    assert counts(clinic.run()) == {"read": 1, "update": 1}
    record = clinic.record("K1")
    assert (record["phone"], record["note"], record["jobtitle"]) == ("+12125550199", "moved", "baker")
    assert clinic.plan(full=True).empty


def test_what_both_sides_changed_waits_for_a_person_and_the_rest_goes_on(clinic: Clinic) -> None:
    settle(clinic, someone(1, Note="a"))
    clinic.staff("edit", id=clinic.links()["K1"], properties={"note": "c"})
    clinic.rows([someone(1, Note="b", Phone="+12125550111")])
    plan = clinic.plan()
    assert counts(plan) == {"read": 1, "conflict": 1}
    assert clinic.run().counts == plan.counts
    assert (clinic.record("K1")["note"], clinic.record("K1")["phone"]) == ("c", "+12125550111")
    assert clinic.reasons() == {"K1": "both-changed"}
    assert clinic.held()["K1"].property == "note"
    assert counts(clinic.run()) == {"read": 1, "conflict": 1}


@pytest.mark.parametrize(("keep", "stays"), [("source", "b"), ("destination", "c")])
def test_a_conflict_is_settled_by_a_persons_word_and_stays_settled(clinic: Clinic, keep: str, stays: str) -> None:
    settle(clinic, someone(1, Note="a"))
    clinic.staff("edit", id=clinic.links()["K1"], properties={"note": "c"})
    clinic.rows([someone(1, Note="b")])
    clinic.run()
    clinic.decide("K1", keep)
    clinic.run()
    assert clinic.record("K1")["note"] == stays
    assert clinic.held() == {}
    assert counts(clinic.run()) == {"read": 1, "same": 1}
    assert clinic.plan(full=True).empty


def test_a_conflict_ends_when_the_source_goes_back_and_leaves_nothing_half_undone(clinic: Clinic) -> None:
    """The other field was written meanwhile: it must go back too."""
    settle(clinic, someone(1, Note="a", Phone="+12125550111"))
    clinic.staff("edit", id=clinic.links()["K1"], properties={"note": "c"})
    clinic.rows([someone(1, Note="b", Phone="+12125550122")])
    assert counts(clinic.run()) == {"read": 1, "conflict": 1}
    assert clinic.record("K1")["phone"] == "+12125550122"
    clinic.rows([someone(1, Note="a", Phone="+12125550111")])
    assert counts(clinic.run()) == {"read": 1, "update": 1}
    assert (clinic.record("K1")["note"], clinic.record("K1")["phone"]) == ("c", "+12125550111")
    assert clinic.held() == {}


def test_owners_decide_where_they_are_named(clinic: Clinic) -> None:
    clinic.write(PEOPLE.replace("phone: Phone", "phone: {from: Phone, owner: destination}"))
    settle(clinic, someone(1, Phone="+12125550111", Visits="1"), someone(2, Visits="1"))
    clinic.staff("edit", id=clinic.links()["K1"], properties={"phone": "+12125550199", "visits": "99"})
    clinic.rows([someone(1, Phone="+12125550122", Visits="2"), someone(2, Phone="+12125550133", Visits="1")])
    assert counts(clinic.run()) == {"read": 2, "update": 2}
    assert (clinic.record("K1")["phone"], clinic.record("K1")["visits"]) == ("+12125550199", "2")
    assert clinic.record("K2")["phone"] == "+12125550133"
    assert clinic.plan(full=True).empty


def test_a_full_run_repairs_what_the_source_owns_and_then_finds_nothing(clinic: Clinic) -> None:
    settle(clinic, someone(1, Visits="7", Phone="+12125550111"))
    clinic.staff("edit", id=clinic.links()["K1"], properties={"visits": "99", "phone": "+12125550199"})
    assert counts(clinic.run()) == {"read": 1, "same": 1}
    assert counts(clinic.run(full=True)) == {"read": 1, "update": 1}
    assert (clinic.record("K1")["visits"], clinic.record("K1")["phone"]) == ("7", "+12125550199")
    assert clinic.plan(full=True).empty


def test_a_full_run_finds_nothing_after_people_were_just_matched(clinic: Clinic) -> None:
    clinic.define(BORN, {"name": "visits", "type": "number", "fieldType": "number"})
    clinic.seed(as_contact(someone(1), visits="12", phone="+12125550111"))
    clinic.rows([someone(1, Visits="")])
    assert counts(clinic.run()) == {"read": 1, "update": 1}
    assert clinic.record("K1")["phone"] == "+12125550111"
    assert clinic.plan(full=True).empty


# ---------------------------------------------------------------- keys


@pytest.mark.parametrize("key", ["X9", ""])
@pytest.mark.parametrize("sync", [PEOPLE, ALL_OURS])
def test_a_record_that_no_longer_carries_the_rows_key_is_not_written(clinic: Clinic, sync: str, key: str) -> None:
    clinic.write(sync)
    settle(clinic, someone(1))
    clinic.staff("edit", id=clinic.links()["K1"], properties={"clinic_id": key})
    records_before = clinic.records()
    clinic.rows([someone(1, Note="news")])
    assert counts(clinic.run()) == {"read": 1, "held": 1}
    assert clinic.reasons() == {"K1": "not-our-record"}
    assert clinic.records() == records_before
    clinic.staff("edit", id=clinic.links()["K1"], properties={"clinic_id": "K1"})
    assert clinic.retry(code="not-our-record") == 1
    assert counts(clinic.run()) == {"read": 1, "update": 1}
    assert clinic.record("K1")["note"] == "news"


# ---------------------------------------------------------------- merged, archived, restored


@pytest.mark.parametrize(
    ("sync", "keeps_id", "changed_key"),
    [
        (PEOPLE, False, "K1"),
        (PEOPLE, True, "K1"),
        (PEOPLE, True, "K2"),
        (ALL_OURS, False, "K2"),
        (ALL_OURS, True, "K1"),
    ],
)
def test_two_rows_whose_records_were_merged_are_held_whichever_of_them_changes(
    clinic: Clinic, sync: str, changed_key: str, *, keeps_id: bool
) -> None:
    clinic.simulator.control("POST", "settings", {"keep_primary_id": keeps_id})
    clinic.write(sync)
    rows = settle(clinic, someone(1), someone(2))
    links = clinic.links()
    clinic.staff("merge", primary=links["K1"], other=links["K2"])
    clinic.rows([row | ({"Note": "news", "Visits": "77"} if row["ID"] == changed_key else {}) for row in rows])
    records_before = clinic.records()
    result = clinic.run()
    assert counts(result) == {"read": 2, "same": 1, "held": 1}
    assert clinic.reasons() == {changed_key: "two-rows-one-record"}
    assert clinic.records() == records_before
    clinic.rows([row | {"Note": "news"} for row in rows])
    assert counts(clinic.run()) == {"read": 2, "held": 2}
    assert clinic.records() == records_before


def test_a_merge_with_a_stranger_is_followed(clinic: Clinic) -> None:
    settle(clinic, someone(1))
    stranger = clinic.seed({"firstname": "Zelda", "lastname": "Zorn", "email": "zelda@clinic.example"})[0]
    clinic.staff("merge", primary=stranger, other=clinic.links()["K1"])
    clinic.rows([someone(1, Note="news")])
    result = clinic.run()
    assert result.balanced
    survivor = next(iter(clinic.records()))
    assert clinic.links() == {"K1": survivor}
    assert clinic.records()[survivor]["note"] == "news"


def test_a_record_that_was_archived_holds_its_row_until_it_is_back(clinic: Clinic) -> None:
    settle(clinic, someone(1), someone(2))
    remote_id = clinic.links()["K1"]
    clinic.staff("archive", id=remote_id)
    clinic.rows([someone(1, Note="news"), someone(2)])
    assert counts(clinic.run()) == {"read": 2, "same": 1, "held": 1}
    assert clinic.reasons() == {"K1": "missing-remote"}
    assert counts(clinic.run()) == {"read": 2, "same": 1, "held": 1}
    assert len(clinic.records()) == 1
    clinic.staff("restore", id=remote_id)
    assert clinic.retry(code="missing-remote") == 1
    assert counts(clinic.run()) == {"read": 2, "same": 1, "update": 1}
    assert clinic.record("K1")["note"] == "news"
    assert clinic.held() == {}


def test_a_record_that_was_archived_is_made_anew_if_a_person_says_so(clinic: Clinic) -> None:
    settle(clinic, someone(1))
    clinic.staff("archive", id=clinic.links()["K1"])
    clinic.rows([someone(1, Note="news")])
    clinic.run()
    with pytest.raises(UsageFault, match="can be settled with: create"):
        clinic.decide("K1", "link", "1")
    clinic.decide("K1", "create")
    assert counts(clinic.run()) == {"read": 1, "create": 1}
    assert clinic.record("K1")["note"] == "news"
    assert counts(clinic.run()) == {"read": 1, "same": 1}


def test_an_archived_person_is_matched_no_more(clinic: Clinic) -> None:
    clinic.define(BORN)
    remote_id = clinic.seed(as_contact(someone(1)))[0]
    clinic.rows([someone(2)])
    clinic.run()
    clinic.staff("archive", id=remote_id)
    clinic.rows([someone(2), someone(1)])
    assert counts(clinic.run()) == {"read": 2, "same": 1, "create": 1}
    assert clinic.links()["K1"] != remote_id


# ---------------------------------------------------------------- spellings of one value, and the older of two mails


def test_another_spelling_of_a_value_is_no_edit_by_staff(clinic: Clinic) -> None:
    settle(clinic, someone(1, Phone="+12125550111", Note="a", Visits="1"))
    spelt = {"email": "PERSON1@Clinic.Example", "phone": "(212) 555-0111", "note": " a ", "visits": "1.0"}
    clinic.staff("edit", id=clinic.links()["K1"], properties=spelt)
    assert clinic.plan(full=True).empty
    row = someone(1, Email="new1@clinic.example", Phone="+12125550122", Note="b", Visits="2")
    clinic.rows([row])
    assert counts(clinic.run()) == {"read": 1, "update": 1}
    record = clinic.record("K1")
    assert (record["email"], record["phone"], record["note"], record["visits"]) == (
        "new1@clinic.example",
        "+12125550122",
        "b",
        "2",
    )
    assert clinic.held() == {}


def test_another_phone_number_is_an_edit_and_not_a_spelling(clinic: Clinic) -> None:
    settle(clinic, someone(1, Phone="+12125550111"))
    clinic.staff("edit", id=clinic.links()["K1"], properties={"phone": "+12125550199"})
    clinic.rows([someone(1, Phone="+12125550122")])
    assert counts(clinic.run()) == {"read": 1, "conflict": 1}


def test_a_first_link_keeps_the_mail_to_which_the_sources_is_a_secondary_one(clinic: Clinic) -> None:
    clinic.define(BORN)
    row = someone(1, Email="ana@old.example", Note="x")
    clinic.seed(as_contact(row, email="ana@new.example", hs_additional_emails="ana@old.example"))
    clinic.rows([row])
    assert counts(clinic.run()) == {"read": 1, "update": 1}
    record = clinic.record("K1")
    assert (record["email"], record["hs_additional_emails"], record["note"]) == (
        "ana@new.example",
        "ana@old.example",
        "x",
    )
    assert clinic.plan(full=True).empty
    clinic.rows([someone(1, Email="ana@newest.example", Note="x")])
    assert counts(clinic.run()) == {"read": 1, "conflict": 1}, "both sides have a newer mail than was agreed on"
    assert clinic.record("K1")["email"] == "ana@new.example"


# ---------------------------------------------------------------- between our read and our write


@contextmanager
def between(clinic: Clinic, *edits: dict[str, str]) -> Iterator[None]:
    """Staff edit K1 each time that something is about to be written to it, as long as edits are left."""
    deliver, remaining = HubSpotTarget.deliver, list(edits)

    def edited(self: HubSpotTarget, batch: Batch) -> Any:
        if batch.kind == "update" and remaining:
            clinic.staff("edit", id=clinic.links()["K1"], properties=remaining.pop(0))
        return deliver(self, batch)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(HubSpotTarget, "deliver", edited)
        yield


@pytest.mark.parametrize("edits", [1, 2, 3])
def test_an_edit_between_the_read_and_the_write_is_a_conflict_and_stays(clinic: Clinic, edits: int) -> None:
    settle(clinic, someone(1, Note="a", Phone="+12125550111"), someone(2))
    clinic.rows([someone(1, Note="b", Phone="+12125550122"), someone(2, Note="x")])
    with between(clinic, *({"note": f"staff {number}"} for number in range(edits))):
        assert counts(clinic.run()) == {"read": 2, "update": 1, "conflict": 1}
    assert (clinic.record("K1")["note"], clinic.record("K1")["phone"]) == (f"staff {edits - 1}", "+12125550122")
    assert (clinic.reasons(), clinic.held()["K1"].property) == ({"K1": "both-changed"}, "note")
    assert counts(clinic.run()) == {"read": 2, "same": 1, "conflict": 1}
    clinic.decide("K1", "source")
    clinic.run()
    assert clinic.record("K1")["note"] == "b"
    assert clinic.plan(full=True).empty


def test_an_empty_value_that_staff_filled_meanwhile_is_theirs(clinic: Clinic) -> None:
    clinic.write(PEOPLE.replace("phone: Phone", "phone: {from: Phone, owner: destination}"))
    settle(clinic, someone(1))
    clinic.rows([someone(1, Phone="+12125550122")])
    with between(clinic, {"phone": "+12125550199"}):
        assert counts(clinic.run()) == {"read": 1, "conflict": 1}
    assert clinic.record("K1")["phone"] == "+12125550199"
    assert clinic.run().balanced
    assert clinic.record("K1")["phone"] == "+12125550199"
    assert clinic.held() == {}


def test_what_the_source_owns_is_written_whatever_came_between(clinic: Clinic) -> None:
    settle(clinic, someone(1, Visits="1"))
    clinic.rows([someone(1, Visits="2")])
    with between(clinic, {"visits": "9"}):
        assert counts(clinic.run()) == {"read": 1, "update": 1}
    assert clinic.record("K1")["visits"] == "2"


# ---------------------------------------------------------------- definitions that staff take away

CHOSEN = PEOPLE.replace(
    "  note:", "  plan: {from: Note, type: enumeration, options: [gold, silver], label: Plan}\n  note2:"
)


def test_an_option_that_staff_removed_holds_only_the_rows_that_need_it(clinic: Clinic) -> None:
    clinic.write(CHOSEN)
    settle(clinic, someone(1, Note="gold"), someone(2, Note="silver"))
    clinic.api("PATCH", "/crm/v3/properties/contacts/plan", {"options": [{"value": "gold", "label": "gold"}]})
    clinic.rows([someone(1, Note="gold", Visits="9"), someone(2, Note="silver", Visits="9"), someone(3, Note="gold")])
    report = clinic.run()
    assert counts(report) == {"read": 3, "update": 1, "create": 1, "held": 1}
    assert (clinic.reasons(), clinic.held()["K2"].property) == ({"K2": "invalid-option"}, "plan")
    assert any("`plan` has no option `silver` any more" in note for note in report.notes)


def test_a_property_that_staff_archived_is_noticed_and_filled_again(clinic: Clinic) -> None:
    settle(clinic, someone(1, Note="a"), someone(2, Note="b"))
    assert counts(clinic.run()) == {"read": 2, "same": 2}
    clinic.staff_lose("note")
    plan = clinic.plan()
    assert counts(plan) == {"read": 2, "update": 2}
    report = clinic.run()
    assert report.counts == plan.counts
    assert any("note" in note for note in report.notes)
    assert {clinic.record(key)["note"] for key in ("K1", "K2")} == {"a", "b"}
    assert counts(clinic.run()) == {"read": 2, "same": 2}
    assert clinic.plan(full=True).empty
