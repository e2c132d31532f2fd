"""Age and sex as the coefficient tables name them."""

from __future__ import annotations

from functools import cache

from careloom.risk.model.profiles import ENTITLED, Profile

GROUPED = ("0_34", "35_44", "45_54", "55_59", "60_64", "65_69", "70_74", "75_79", "80_84", "85_89", "90_94", "95_GT")
OLDEST = ("85_89", "90_94", "95_GT")
_SINGLE = {65: "65", 66: "66", 67: "67", 68: "68", 69: "69"}


@cache  # tens of thousands of kinds of people have but 17 ages
def grouped(age: int) -> str:
    """The five-year band of a continuing enrollee."""
    return next(band for band in reversed(GROUPED) if age >= int(band.split("_", maxsplit=1)[0]))


def single(age: int) -> str:
    """The band of a new enrollee: single years from 65 to 69."""
    return _SINGLE.get(age) or grouped(age)


def continuing(person: Profile) -> str:
    """Such as `F70_74`."""
    return person.sex + grouped(person.age)


def new(person: Profile) -> str:
    """Such as `NEF66`; at 64 one is about to be 65, unless entitled by disability or renal disease."""
    return f"NE{person.sex}{single(turned(person))}"


def new_on_dialysis(person: Profile) -> str:
    """Such as `NEF85_GT`: five-year bands, the last one open."""
    band = grouped(turned(person))
    return f"NE{person.sex}{'85_GT' if band in OLDEST else band}"


def turned(person: Profile) -> int:
    """The age by which a new enrollee is banded."""
    return ENTITLED if person.age == ENTITLED - 1 and person.orec in ("0", "") else person.age
