"""An invented town of families whose records are made twice, with the slips of real desks; who is who is known.

Rates are assumptions: couples and children on one mail, twins, sons with their father's name, one record in six without birth
date, nicknames, slips, new names, moves, placeholders.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from datetime import date, timedelta

from identity.match_cases import Row

MEN = [
    "robert",
    "john",
    "james",
    "william",
    "david",
    "daniel",
    "joseph",
    "thomas",
    "samuel",
    "benjamin",
    "edward",
    "anthony",
    "patrick",
    "gregory",
    "frederick",
    "walter",
]
WOMEN = [
    "elizabeth",
    "margaret",
    "susan",
    "katherine",
    "deborah",
    "patricia",
    "rebecca",
    "jennifer",
    "danielle",
    "florence",
    "ingrid",
    "ottilie",
    "rosalind",
    "beatrice",
]
NICK = {
    "robert": "Bob",
    "william": "Bill",
    "elizabeth": "Betty",
    "margaret": "Maggie",
    "katherine": "Kate",
    "james": "Jim",
    "thomas": "Tom",
}
PARTS = [
    "bar",
    "cor",
    "dun",
    "el",
    "fan",
    "gar",
    "hol",
    "ing",
    "jor",
    "ken",
    "lor",
    "mor",
    "nor",
    "os",
    "par",
    "quin",
    "ros",
    "sal",
    "tor",
    "ul",
    "van",
    "wes",
    "yor",
    "zel",
]
STREETS = ["Oak Street", "North Park Avenue", "Elm Rd", "Lake Drive", "S. Hill Boulevard", "Mill Lane"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Citizen:
    number: int
    first: str
    last: str
    suffix: str
    sex: str
    born: date
    mail: str
    phone: str
    street: str
    zip: str


def town(people: int, seed: int) -> list[Citizen]:
    dice = random.Random(seed)
    citizens: list[Citizen] = []
    while len(citizens) < people:
        citizens += _household(dice, len(citizens))
    return citizens


def _household(dice: random.Random, number: int) -> list[Citizen]:
    last = "".join(dice.choices(PARTS, k=2))
    street, zip_code = f"{dice.randint(1, 9800)} {dice.choice(STREETS)}", f"{dice.randint(10000, 99000)}"
    head = Citizen(
        number=number, first=dice.choice(MEN), last=last, suffix="", sex="M", born=_day(dice, 1935, 1990), mail=f"p{number}@example.com",
        phone=f"({dice.randint(201, 989)}) {dice.randint(201, 989)}-{dice.randint(1000, 9999)}", street=street, zip=zip_code,
    )  # fmt: skip
    members = [head]
    if dice.random() < 0.7:
        wife = replace(head, number=number + 1, first=dice.choice(WOMEN), sex="F", born=_day(dice, 1935, 1990))
        members.append(wife if dice.random() < 0.3 else replace(wife, mail=f"p{number + 1}@example.com"))
    names = dice.sample(MEN, 4) + dice.sample(WOMEN, 4)
    birth_date = _day(dice, 1992, 2022)
    for first in dice.sample([name for name in names if name != head.first], dice.choice([0, 0, 1, 2, 3])):
        # A brother or sister of the same day is a twin.
        birth_date = birth_date if dice.random() < 0.1 else _day(dice, 1992, 2022)
        members.append(
            replace(head, number=number + len(members), first=first, sex="M" if first in MEN else "F", born=birth_date)
        )
    if dice.random() < 0.05:
        members.append(replace(head, number=number + len(members), suffix="Jr.", born=_day(dice, 1992, 2022)))
    return members


def _day(dice: random.Random, since: int, until: int) -> date:
    return date(since, 1, 1) + timedelta(days=dice.randrange(365 * (until - since)))


def record(citizen: Citizen, dice: random.Random) -> dict[str, str | None]:
    """One desk's record of a citizen."""

    def chance(rate: float) -> bool:
        return dice.random() < rate

    first = (
        NICK.get(citizen.first, citizen.first)
        if chance(0.08)
        else _slip(citizen.first, dice)
        if chance(0.02)
        else citizen.first
    )
    last = (
        "".join(dice.choices(PARTS, k=2))
        if citizen.sex == "F" and chance(0.03)
        else _slip(citizen.last, dice)
        if chance(0.02)
        else citizen.last
    )
    birth_date = citizen.born
    if chance(0.01) and birth_date.day <= 12:
        birth_date = date(birth_date.year, birth_date.day, birth_date.month)
    moved = chance(0.08)
    return {
        "firstname": first.title(),
        "lastname": last.upper() + (f" {citizen.suffix}" if citizen.suffix and chance(0.5) else ""),
        "birthday": None
        if chance(0.15)
        else "1900-01-01"
        if chance(0.01)
        else birth_date.strftime(dice.choice(["%Y-%m-%d", "%m/%d/%Y"])),
        "gender": None if chance(0.1) else citizen.sex,
        "email": None if chance(0.3) else "noreply@clinic.example" if chance(0.02) else citizen.mail,
        "phone": None if chance(0.2) else citizen.phone,
        "address": None
        if chance(0.15)
        else f"{dice.randint(1, 9800)} {dice.choice(STREETS)}"
        if moved
        else citizen.street,
        "city": "Springfield",
        "state": dice.choice(["TX", "Texas"]),
        "zip": f"{dice.randint(10000, 99000)}" if moved else citizen.zip,
    }


def _slip(name: str, dice: random.Random) -> str:
    place = dice.randrange(1, len(name))
    return name[:place] + dice.choice(["", dice.choice("aeiourstn")]) + name[place + 1 :]


def two_systems(people: int, seed: int) -> tuple[list[Row], list[Row]]:
    """Rows with key and records with id, both the citizen's number; each holds four of five citizens."""
    dice = random.Random(seed + 1)
    citizens = town(people, seed)
    own_values: list[Row] = [{"key": str(c.number), **record(c, dice)} for c in citizens if dice.random() < 0.8]
    other_values: list[Row] = [{"id": str(c.number), **record(c, dice)} for c in citizens if dice.random() < 0.8]
    return own_values, other_values
