"""Two people never become one: families that share mails, phones, addresses and names, through the whole way."""

from __future__ import annotations

import pytest

from services.sync_project import BORN, Clinic

PEOPLE = """\
sync: people
from: {system: files, table: Family, key: ID}
to: {system: crm, object: contacts, key: clinic_id}
match:
  - [email]
  - [firstname, lastname, born]
  - [address, city, state, zip]
accept: provisional
fields:
  firstname: First
  lastname: Last
  born: {from: Born, type: date, role: birth_date}
  gender: Sex
  email: Email
  phone: Phone
  address: Street
  city: City
  state: State
  zip: Zip
"""

COLUMNS = ("ID", "First", "Last", "Born", "Sex", "Email", "Phone", "Street", "City", "State", "Zip")
HOME = {"Street": "12 Mill Rd", "City": "Salem", "State": "MA", "Zip": "01970"}
CONTACT = {"address": "12 Mill Road", "city": "Salem", "state": "MA", "zip": "01970"}


def row(key: str, first: str, born: str, **more: str) -> dict[str, str]:
    return {"ID": key, "First": first, "Last": "Winter", "Born": born, **HOME, **more}


def contact(first: str, born: str = "", **more: str) -> dict[str, str]:
    return {"firstname": first, "lastname": "Winter", "born": born, **CONTACT, **more}


FAMILIES = {
    "twins": (
        [
            row("1", "Anna", "2001-03-04", Email="w@home.example"),
            row("2", "Bella", "2001-03-04", Email="w@home.example"),
        ],
        [contact("Anna", "2001-03-04", email="w@home.example")],
        {"1": 0},
    ),
    "twins whose names are one letter apart": (
        [
            row("1", "Anna", "2001-03-04", Email="w@home.example"),
            row("2", "Hanna", "2001-03-04", Email="w@home.example"),
        ],
        [contact("Anna", "2001-03-04", email="w@home.example")],
        {},
    ),
    "a mother and a daughter with one mail and phone": (
        [
            row("1", "Marie", "1970-01-02", Email="m@home.example", Phone="978-555-0101"),
            row("2", "Lena", "1999-05-06", Email="m@home.example", Phone="978-555-0101"),
        ],
        [contact("Marie", "1970-01-02", email="m@home.example", phone="+19785550101")],
        {"1": 0},
    ),
    "only the daughter is a patient": (
        [row("2", "Lena", "1999-05-06", Email="m@home.example", Phone="978-555-0101")],
        [contact("Marie", "1970-01-02", email="m@home.example", phone="+19785550101")],
        {},
    ),
    "a couple at one address": (
        [row("1", "Paul", "1960-01-02", Sex="M"), row("2", "Paula", "1961-03-04", Sex="F")],
        [contact("Paula", "1961-03-04", gender="Female")],
        {"2": 0},
    ),
    "a patient who took another name": (
        [row("1", "Clara", "1988-08-08", Email="clara@home.example")],
        [contact("Clara", "1988-08-08", email="clara@home.example", lastname="Sommer")],
        {"1": 0},
    ),
    "junior and senior": (
        [
            row("1", "John", "1950-01-02", Email="john@home.example", Last="Winter Sr"),
            row("2", "John", "1980-03-04", Email="john@home.example", Last="Winter Jr"),
        ],
        [contact("John", email="john@home.example")],
        {},
    ),
    "junior, whose father the portal knows": (
        [row("2", "John", "1980-03-04", Email="john@home.example")],
        [contact("John", "1950-01-02", email="john@home.example")],
        {},
    ),
    "placeholders in common": (
        [row("1", "Ida", "1900-01-01", Email="noreply@clinic.example", Street="unknown", City="", State="", Zip="")],
        [contact("Ida", "1900-01-01", email="noreply@clinic.example", address="unknown", city="", state="", zip="")],
        {},
    ),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_each_record_keeps_one_person(clinic: Clinic, family: str) -> None:
    rows, contacts, expected = FAMILIES[family]
    clinic.define(BORN)
    ids = clinic.seed(*contacts)
    clinic.rows(rows, table="Family", columns=COLUMNS)
    clinic.write(PEOPLE)
    for _ in range(2):
        report = clinic.run()
        assert report.balanced
        links = clinic.links()
        assert {key: remote for key, remote in links.items() if remote in ids} == {
            k: ids[n] for k, n in expected.items()
        }
        records = clinic.records()
        for key, remote in links.items():
            source = next(one for one in rows if one["ID"] == key)
            assert (records[remote]["firstname"], records[remote]["clinic_id"]) == (source["First"], key)
        for number, known in enumerate(contacts):
            if number not in expected.values():
                assert records[ids[number]]["firstname"] == known["firstname"]
                assert not records[ids[number]].get("clinic_id")
        held = {key for key in clinic.held() if key in {one["ID"] for one in rows}}
        assert set(links) | held == {one["ID"] for one in rows}
        assert not set(links) & held


def test_a_mail_stays_with_its_contact_and_the_other_person_keeps_it_in_a_plain_property(clinic: Clinic) -> None:
    rows, contacts, _ = FAMILIES["a mother and a daughter with one mail and phone"]
    clinic.define(BORN)
    clinic.seed(*contacts)
    clinic.rows(rows, table="Family", columns=COLUMNS)
    clinic.write(PEOPLE)
    report = clinic.run()
    assert report.rerouted == {"email → shared_email": 1}
    assert clinic.record("1")["email"] == "m@home.example"
    assert not clinic.record("2").get("email")
    assert clinic.record("2")["shared_email"] == "m@home.example"
