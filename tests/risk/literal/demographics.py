"""The coefficients that need no diagnosis, of whichever model."""

from __future__ import annotations

from risk.literal.defects import Defect
from risk.literal.esrd import esrd
from risk.literal.persons import Person
from risk.literal.segments import cms_hcc, rx


def demographics(person: Person, model: str, defects: frozenset[Defect]) -> tuple[str, list[str]]:
    """The segment's prefix and the names of the coefficients that need no diagnosis."""
    if model.startswith("ESRD"):
        return esrd(person, model, defects)
    return rx(person, defects) if model.startswith("RxHCC") else cms_hcc(person, defects)
