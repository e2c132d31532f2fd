"""Invented people and their diagnoses, with the odd ones far more frequent than they are."""

from __future__ import annotations

import random
from typing import Any

from careloom.risk.published.tables import read_tables

AGES = (
    0,
    1,
    2,
    5,
    8,
    10,
    14,
    17,
    18,
    20,
    34,
    35,
    44,
    49,
    50,
    54,
    59,
    60,
    63,
    64,
    65,
    66,
    67,
    68,
    69,
    70,
    74,
    79,
    80,
    84,
    85,
    89,
    90,
    94,
    95,
    103,
)
DUALS = ("NA", "", "99", *(f"{code:02}" for code in range(11)), None)
OREC = ("0", "0", "0", "1", "1", "2", "3", "", None)


def people(count: int, *, seed: int, odd: bool = True) -> list[dict[str, Any]]:
    """`count` people as the library takes them; `odd` ones have fractions of years and no known entitlement."""
    draw = random.Random(seed)
    return [_person(draw, number, odd=odd) for number in range(count)]


def _person(draw: random.Random, number: int, *, odd: bool) -> dict[str, Any]:
    age: float = draw.choice(AGES) if draw.random() < 0.6 else draw.randrange(105)
    if odd and draw.random() < 0.1:
        age += draw.choice((0.25, 0.5, 0.999))
    return {
        "person_id": number,
        "age": age,
        "sex": draw.choice("MF12"),
        "dual_elgbl_cd": draw.choice(DUALS if odd else DUALS[3:-1]),
        "orec": draw.choice(OREC if odd else OREC[:-2]),
        "crec": draw.choice(OREC if odd else OREC[:-2]),
        "new_enrollee": draw.random() < 0.25,
        "snp": draw.random() < 0.3,
        "lti": draw.random() < 0.2,
        "low_income": draw.random() < 0.4,
        "graft_months": draw.choice((None, None, None, 0, 1, 2, 3, 4, 6, 9, 10, 30)),
    }


def diagnoses(population: list[dict[str, Any]], *, model: str, seed: int, most: int = 14) -> dict[int, list[str]]:
    """Codes for each person: mapped ones, ruled ones, families that push each other out, unknown ones, repeated ones."""
    draw = random.Random(seed)
    tables = read_tables("RX-V08-MAPD", 2027) if model.startswith("RX") else read_tables(model, 2026)
    mapped_codes, ruled = sorted(tables.codes), sorted(tables.edits) or sorted(tables.codes)
    by_category: dict[str, list[str]] = {}
    for code in mapped_codes:
        for category in tables.codes[code]:
            by_category.setdefault(category, []).append(code)
    parents = sorted(category for category in tables.hierarchy if category in by_category)
    values: dict[int, list[str]] = {}
    for person in population:
        codes = [_code(draw, mapped_codes, ruled) for _ in range(draw.randrange(most))]
        if draw.random() < 0.5:
            codes += _family(draw, draw.choice(parents), by_category, tables.hierarchy)
        if draw.random() < 0.3:
            codes += [draw.choice(by_category[category]) for category in draw.sample(sorted(by_category), 8)]
        values[person["person_id"]] = [*codes, *codes[: draw.randrange(3)]]
    return values


def _code(draw: random.Random, mapped: list[str], ruled: list[str]) -> str:
    chance = draw.random()
    if chance < 0.15:
        return draw.choice(("Z0000", "ZZZ", "", "Z23", "12345", "e11"))
    code = draw.choice(ruled if chance < 0.25 else mapped)
    if chance > 0.9:
        return f"{code[:3]}.{code[3:]}".lower()
    return code.lower() if chance > 0.85 else code


def _family(draw: random.Random, parent: str, by_category: dict[str, list[str]], hierarchy: Any) -> list[str]:
    members = [parent, *(child for child in sorted(hierarchy[parent]) if child in by_category)]
    return [draw.choice(by_category[member]) for member in members if draw.random() < 0.7]
