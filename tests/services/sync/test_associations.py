"""Ties between records: made, changed, removed, and left alone where nothing changed."""

from __future__ import annotations

from typing import Any

import pytest

from services.sync_project import PEOPLE, Clinic, counts, someone

VISITS = """\
sync: visits
from: {system: files, table: Visits, key: VisitID}
to:
  system: crm
  object: visit
  key: visit_id
  create: {label: Visit, plural_label: Visits, primary: visit_id, associated: [contacts]}
fields:
  place: {from: Place, type: string}
  held_on: {from: Day, type: date}
associations:
  - {to: contacts, via: people, key: PersonID}
"""
COLUMNS = ("VisitID", "Place", "Day", "PersonID", "SecondID")


def visit(number: int, person: str, **fields: str) -> dict[str, str]:
    return {"VisitID": f"V{number}", "Place": "Albany", "Day": "2026-05-01", "PersonID": person, **fields}


@pytest.fixture
def visits(clinic: Clinic) -> Clinic:
    clinic.write(PEOPLE, visits=VISITS)
    clinic.rows([someone(1), someone(2)])
    clinic.run()
    return clinic


def put(clinic: Clinic, *rows: dict[str, str]) -> None:
    clinic.rows(rows, "Visits", COLUMNS)


def ties(clinic: Clinic) -> set[tuple[str, str]]:
    """(visit, person) as the portal has them."""
    people = {contact_id: values["clinic_id"] for contact_id, values in clinic.records().items()}
    pairs = set()
    for record, values in clinic.records("visit").items():
        answer: Any = clinic.api("GET", f"/crm/v4/objects/visit/{record}/associations/contacts")
        pairs |= {(values["visit_id"], people[str(contact_id["toObjectId"])]) for contact_id in answer["results"]}
    return pairs


def test_a_new_record_is_tied_in_the_run_that_makes_it_and_the_plan_said_so(visits: Clinic) -> None:
    put(visits, visit(1, "K1"), visit(2, "K2"), visit(3, ""), visit(4, "K99"))
    plan = visits.plan("visits")
    assert {kind: number for kind, number in plan.associations.items() if number} == {"made": 2, "waiting": 1}
    result = visits.apply("visits")
    assert result.associations["made"] == 2
    assert ties(visits) == {("V1", "K1"), ("V2", "K2")}


def test_nothing_is_sent_when_nothing_changed(visits: Clinic) -> None:
    put(visits, visit(1, "K1"), visit(2, "K2"))
    visits.run("visits")
    wrote = visits.writes()
    again = visits.run("visits")
    assert visits.writes() == wrote
    assert again.associations["same"] == 2
    assert visits.plan("visits").empty


def test_a_tie_follows_its_row(visits: Clinic) -> None:
    put(visits, visit(1, "K1"), visit(2, "K2"))
    visits.run("visits")
    put(visits, visit(1, "K2"), visit(2, ""))
    plan = visits.plan("visits")
    assert (plan.associations["made"], plan.associations["removed"]) == (1, 2)
    assert not plan.empty
    visits.apply("visits")
    assert ties(visits) == {("V1", "K2")}


def test_a_row_that_is_held_keeps_its_ties(visits: Clinic) -> None:
    put(visits, visit(1, "K1"))
    visits.run("visits")
    put(visits, visit(1, "K1", Day="in May"))
    assert counts(visits.run("visits")) == {"read": 1, "held": 1}
    assert ties(visits) == {("V1", "K1")}


def test_a_row_that_left_and_is_kept_keeps_its_ties(visits: Clinic) -> None:
    put(visits, visit(1, "K1"), visit(2, "K2"))
    visits.run("visits")
    put(visits, visit(2, "K2"))
    visits.run("visits")
    assert ties(visits) == {("V1", "K1"), ("V2", "K2")}


def test_a_tie_that_waits_is_made_once_the_other_record_is_there(visits: Clinic) -> None:
    put(visits, visit(1, "K3"))
    assert visits.run("visits").associations["waiting"] == 1
    visits.rows([someone(1), someone(2), someone(3)])
    visits.run()
    assert visits.run("visits").associations["made"] == 1
    assert ties(visits) == {("V1", "K3")}


def test_two_associations_to_one_object_do_not_undo_each_other(visits: Clinic) -> None:
    visits.write(PEOPLE, visits=VISITS + "  - {to: contacts, via: people, key: SecondID}\n")
    put(visits, visit(1, "K1", SecondID="K2"))
    for _ in range(2):
        visits.run("visits")
        assert ties(visits) == {("V1", "K1"), ("V1", "K2")}
    assert visits.plan("visits").empty
    put(visits, visit(1, "K1", SecondID=""))
    visits.run("visits")
    assert ties(visits) == {("V1", "K1")}


def test_a_key_that_cannot_be_computed_removes_nothing(visits: Clinic) -> None:
    visits.write(PEOPLE, visits=VISITS.replace("key: PersonID", "key: \"'K' || CAST(PersonID AS INTEGER)\""))
    put(visits, visit(1, "1"))
    visits.run("visits")
    put(visits, visit(1, "one"))
    again = visits.run("visits")
    assert (again.associations["waiting"], again.associations.get("removed", 0)) == (1, 0)
    assert ties(visits) == {("V1", "K1")}
