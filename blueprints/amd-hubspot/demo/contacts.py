"""The portal as it was before: contacts that marketing and staff made, which overlap with the patients in every awkward way."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from .people import Person, Town, phone_as_written, plain, typo
from .tables import chance, shortened
from .words import LAST, NICKNAMES

Contact = dict[str, str]
FIRST_ID = 50_001
DECLARED = [
    {"name": "ncf_date_of_birth", "label": "Date of birth", "type": "date", "fieldType": "date", "groupName": "contactinformation"},
    {"name": "street_address_line_2", "label": "Street address line 2", "type": "string", "fieldType": "text", "groupName": "contactinformation"},
]  # fmt: skip


class Portal:
    """Collects contacts; a mail, first or secondary, belongs to one contact only, as HubSpot has it."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.contacts: list[Contact] = []
        self._mails: set[str] = set()

    def add(self, person: Person) -> str:
        """A contact for `person` as somebody typed them in; returns its id."""
        contact = self._typed(person)
        contact["id"] = str(FIRST_ID + len(self.contacts))
        self._give_mail(contact, person)
        self.contacts.append({name: value for name, value in contact.items() if value})
        return contact["id"]

    def _typed(self, person: Person) -> Contact:
        random = self.random
        first, last = person.first, person.last
        if chance(random, 0.12):
            first = NICKNAMES.get(first, first)
        elif chance(random, 0.05):
            first = typo(first, random)
        if person.sex == "F" and chance(random, 0.05):
            last = random.choice(LAST)  # before or after a marriage
        elif chance(random, 0.05):
            last = typo(last, random)
        if chance(random, 0.5):
            first, last = plain(first), plain(last)
        if chance(random, 0.05):
            first, last = first.lower(), last.lower()
        return {
            "firstname": first,
            "lastname": last,
            "ncf_date_of_birth": person.birth.isoformat() if chance(random, 0.7) else "",
            "gender": {"F": "Female", "M": "Male"}[person.sex] if chance(random, 0.4) else "",
            "phone": phone_as_written(person.phone, random) if chance(random, 0.7) else "",
            **(self._address(person) if chance(random, 0.6) else {}),
            "hs_lead_status": random.choice(("NEW", "OPEN", "IN_PROGRESS", "")),
            "company": random.choice(("", "", "", "Referred by a friend", "Web form")),
        }

    def _address(self, person: Person) -> Contact:
        street = shortened(person.street) if chance(self.random, 0.5) else person.street
        if chance(self.random, 0.1):
            street = f"{self.random.randrange(1, 999)} Former Street"  # moved since
        return {
            "address": street,
            "street_address_line_2": person.unit,
            "city": person.city,
            "state": person.state,
            "zip": person.zip,
        }

    def _give_mail(self, contact: Contact, person: Person) -> None:
        random = self.random
        other = f"{plain(person.first)[:1]}{random.randrange(10_000, 99_999)}@mail.example.org".lower()
        mails = [person.mail]
        if chance(random, 0.06):
            mails = [other, person.mail]  # the patient's mail is a secondary one here
        elif chance(random, 0.1):
            mails = [other]
        elif chance(random, 0.05):
            mails = []
        free = [mail for mail in mails if mail not in self._mails]
        self._mails.update(free)
        if free:
            contact["email"] = free[0]
        if len(free) > 1:
            contact["hs_additional_emails"] = ";".join(free[1:])


def make_contacts(
    people: Sequence[Person], town: Town, count: int, random: Random
) -> tuple[list[Contact], list[list[str]]]:
    """`count` contacts, and for each of `people` the ids of the contacts that are them (a duplicate makes two)."""
    portal = Portal(random)
    theirs: list[list[str]] = [[] for _ in people]
    known = random.sample(range(len(people)), min(int(count * 0.72), len(people)))
    for number in known:
        theirs[number].append(portal.add(people[number]))
    for number in known[: int(count * 0.06)]:
        theirs[number].append(portal.add(people[number]))
    neighbours = random.sample(range(len(people)), min(int(count * 0.1), len(people)))
    for number in neighbours:
        portal.add(town.neighbour(people[number]))
    for person in town.people(max(count - len(portal.contacts), 0)):
        portal.add(person)
    return portal.contacts[:count], theirs
