"""Invented people to try the reading on."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import cache

from risk.literal.persons import Person
from risk.literal.published import tables

EDGES = (0, 1, 2, 5, 6, 14, 15, 17, 18, 19, 34, 35, 44, 45, 49, 50, 54, 55, 59, 60, 63, 64, 65, 66, 67, 68, 69)
LATE_EDGES = (70, 74, 75, 79, 80, 84, 85, 89, 90, 94, 95, 104, 1.5, 17.25, 49.5, 64.9)
DUALS = ("NA", "NA", "00", "01", "02", "03", "04", "05", "06", "08", "09", "10", "99", "", None)
REASONS = ("0", "0", "0", "0", "1", "1", "2", "3", "", None)


def anybody(chance: random.Random) -> Person:
    """An invented person; the ages, entitlements and durations at which a rule turns are far more frequent than real."""
    return Person(
        age=chance.choice((chance.randint(0, 104), chance.choice(EDGES + LATE_EDGES))),
        sex=chance.choice("MF12"),
        dual_elgbl_cd=chance.choice(DUALS),
        orec=chance.choice(REASONS),
        crec=chance.choice(REASONS),
        new_enrollee=chance.random() < 0.25,
        snp=chance.random() < 0.3,
        lti=chance.random() < 0.2,
        low_income=chance.random() < 0.4,
        graft_months=chance.choice((None, None, None, 0, 1, 2, 3, 4, 9, 10, 24)),
    )


@cache
def _pools(model: str) -> tuple[list[str], list[str]]:
    read = tables(model)
    return sorted(read.codes), sorted(code for code in read.edits if code in read.codes)


def some_codes(chance: random.Random, model: str) -> list[str]:
    """None to thirty codes of the model, some dotted or in lower case, some under an edit, some unknown."""
    mapped, edited = _pools(model)
    codes = [chance.choice(mapped) for _ in range(chance.choice((0, 0, 1, 2, 3, 5, 8, 12, 30)))]
    if edited and chance.random() < 0.25:
        codes.append(chance.choice(edited))
    if chance.random() < 0.25:
        codes += ["Z0000", "", "E11.9", "i509", "E119"]
    return [code[:3] + "." + code[3:] if chance.random() < 0.1 else code for code in codes]


def population(model: str, count: int, seed: str = "") -> Iterator[tuple[Person, list[str]]]:
    chance = random.Random(f"{model} {seed}")
    for _ in range(count):
        yield anybody(chance), some_codes(chance, model)
