"""Writes the records of a foreign population for `benchmarks.households`: python household_records.py FILE.parquet

It needs pseudopeople and nothing of careloom, so it runs in an environment of its own:

    python -m venv made && made/bin/python -m pip install pseudopeople==1.3.1
    made/bin/python benchmarks/household_records.py households.parquet

Each simulated person of its 2020 census is read twice, each time with its own slips of pen, ear and scanner. `side` is ours
(everybody) or theirs (one in two). Its sample has one ZIP code and one city for all and no mails; these are ours, by household:
a plausible ZIP code and city, one mailbox for 35 of 100 households, a fifth of all mails missing on each side.
"""

from __future__ import annotations

import sys
import zlib
from typing import Any

import pandas as pd
from pseudopeople import generate_decennial_census

CITIES = ("Albany", "Troy", "Utica", "Rome", "Ithaca", "Elmira", "Oswego", "Geneva")


def drawn(*words: object) -> int:
    """The same large number for the same words."""
    return zlib.crc32(repr(words).encode())


def mail(person: str, household: str, side: str) -> str | None:
    """The mailbox of a person, which other people of the household may use as well."""
    if drawn("none", person, side) % 100 < 20:
        return None
    shared = drawn("shared", household) % 100 < 35
    return f"box{household if shared else person}@example.org"


def records(seed: int, side: str) -> pd.DataFrame:
    """One reading of the census, with the columns that a practice has."""
    census: Any = generate_decennial_census(seed=seed, year=2020)
    homes = census["household_id"].astype(str)
    people = census["simulant_id"].astype(str)
    street = (
        census["street_number"].astype("string").fillna("") + " " + census["street_name"].astype("string").fillna("")
    )
    return pd.DataFrame(
        {
            "side": side,
            "person": people,
            "firstname": census["first_name"].astype("string"),
            "lastname": census["last_name"].astype("string"),
            "birthday": census["date_of_birth"].astype("string"),
            "gender": census["sex"].astype("string"),
            "email": [mail(person, home, side) for person, home in zip(people, homes, strict=True)],
            "address": street.str.strip(),
            "address2": census["unit_number"].astype("string"),
            "city": [CITIES[drawn("city", home) % len(CITIES)] for home in homes],
            "state": "NY",
            "zip": [str(10_000 + drawn("zip", home) % 4_900) for home in homes],
        }
    )


def main() -> None:
    """Write both sides."""
    ours, theirs = records(1, "ours"), records(2, "theirs")
    half = theirs[[drawn("half", person) % 2 == 0 for person in theirs["person"]]]
    pd.concat([ours, half]).to_parquet(sys.argv[1], index=False)


if __name__ == "__main__":
    main()
