"""Invented people in households: alone, couples, families, twins, juniors and seniors, housemates."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from random import Random
from unicodedata import combining, normalize

from .words import KINDS, LAST, MAIL_HOSTS, MEN, STREETS, TOWNS, WOMEN

_BIRTHDAYS_FROM = date(1935, 1, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One invented person, as they really are; tables and portals each know a worse version. `sex` is M or F."""

    first: str
    last: str
    sex: str
    birth: date
    mail: str
    phone: str
    street: str
    unit: str
    city: str
    state: str
    zip: str


class Town:
    """Gives out households until told to stop; no two people share first name, last name and birth date."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self._known: set[tuple[str, str, date]] = set()
        self._mails: set[str] = set()

    def people(self, count: int) -> list[Person]:
        """`count` people, household by household."""
        found: list[Person] = []
        while len(found) < count:
            found.extend(self._household())
        return found[:count]

    def neighbour(self, person: Person) -> Person:
        """Somebody else at the same address: a spouse, a parent, a housemate, or a namesake of another age."""
        kind = self.random.random()
        other = self._person(home=person, last=person.last if kind < 0.7 else None)  # noqa: PLR2004
        if kind < 0.3:  # noqa: PLR2004 - shares mail and phone too
            return replace(other, mail=person.mail, phone=person.phone)
        if kind > 0.9:  # noqa: PLR2004 - a namesake, a generation apart
            return self._new(replace(other, first=person.first, sex=person.sex, last=person.last))
        return other

    def _household(self) -> list[Person]:  # noqa: PLR0911 - one for each kind of household
        head = self._person()
        kind = self.random.choices(
            ("alone", "couple", "one mail", "mother", "family", "twins", "junior", "mates"),
            weights=(44, 16, 6, 9, 11, 4, 4, 6),
        )[0]
        if kind == "couple":
            return [head, self._person(home=head, last=head.last, sex=_other(head.sex))]
        if kind == "one mail":
            return [head, replace(self._person(home=head, last=head.last), mail=head.mail, phone=head.phone)]
        if kind == "mother":
            mother = self._person(home=head, last=head.last, sex="F")
            return [mother, self._child(mother, "F")]
        if kind == "family":
            return [head, self._child(head), self._child(head)]
        if kind == "twins":
            one = self._child(head)
            other = self._new(replace(self._child(head), birth=one.birth))
            return [head, one, other]
        if kind == "junior":
            junior = self._child(head, head.sex)
            return [
                replace(head, last=f"{head.last} Sr"),
                self._new(replace(junior, first=head.first, last=f"{head.last} Jr")),
            ]
        if kind == "mates":
            return [head, self._person(home=head), self._person(home=head)]
        return [head]

    def _person(self, home: Person | None = None, last: str | None = None, sex: str | None = None) -> Person:
        random = self.random
        sex = sex or random.choice("FM")
        first, last = random.choice(WOMEN if sex == "F" else MEN), last or random.choice(LAST)
        city, state, zip_code, area = random.choice(TOWNS)
        person = Person(
            first=first,
            last=last,
            sex=sex,
            birth=_BIRTHDAYS_FROM + timedelta(days=random.randrange(365 * 68)),
            mail=self._mail(first, last),
            phone=f"{area}555{random.randrange(2000, 9999):04d}",
            street=f"{random.randrange(1, 999)} {random.choice(STREETS)} {random.choice(KINDS)[0]}",
            unit=f"Apt {random.randrange(1, 40)}" if random.random() < 0.3 else "",  # noqa: PLR2004
            city=city,
            state=state,
            zip=zip_code,
        )
        if home is not None:
            place = {"street": home.street, "unit": home.unit, "city": home.city, "state": home.state, "zip": home.zip}
            person = replace(person, **place)  # type: ignore[arg-type]
        return self._new(person)

    def _child(self, parent: Person, sex: str | None = None) -> Person:
        """A child who lives with `parent` and is reached at the parent's mail and phone."""
        child = self._person(home=parent, last=parent.last, sex=sex)
        born = date(min(parent.birth.year + self.random.randrange(20, 38), 2019), 1, 1)
        birth = born + timedelta(days=self.random.randrange(365))
        return self._new(replace(child, birth=birth, mail=parent.mail, phone=parent.phone))

    def _new(self, person: Person) -> Person:
        while (person.first, person.last, person.birth) in self._known:
            person = replace(person, birth=person.birth + timedelta(days=1))
        self._known.add((person.first, person.last, person.birth))
        return person

    def _mail(self, first: str, last: str) -> str:
        name = f"{plain(first)}.{plain(last)}".lower().replace("'", "").replace(" ", "")
        while True:
            mail = f"{name}{self.random.randrange(1, 9999)}@{self.random.choice(MAIL_HOSTS)}"
            if mail not in self._mails:
                self._mails.add(mail)
                return mail


def _other(sex: str) -> str:
    return "M" if sex == "F" else "F"


def plain(text: str) -> str:
    """`text` without accents."""
    return "".join(letter for letter in normalize("NFD", text) if not combining(letter))


def typo(text: str, random: Random) -> str:
    """`text` with two neighbouring letters swapped; short texts stay."""
    if len(text) < 5:  # noqa: PLR2004
        return text
    at = random.randrange(1, len(text) - 2)
    return text[:at] + text[at + 1] + text[at] + text[at + 2 :]


def phone_as_written(phone: str, random: Random) -> str:
    """A ten-digit number in one of the forms that people write."""
    area, middle, line = phone[:3], phone[3:6], phone[6:]
    forms = (
        phone,
        f"({area}) {middle}-{line}",
        f"{area}-{middle}-{line}",
        f"+1 {area} {middle} {line}",
        f"{area}.{middle}.{line}",
    )
    return random.choice(forms)
