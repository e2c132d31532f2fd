"""How much a field tells about a person, and how a value is shown to someone who need not know it."""

from __future__ import annotations

from enum import IntEnum


class Phi(IntEnum):
    """Classes of personal data, in rising order of harm."""

    NONE = 0
    CONTACT = 1
    IDENTITY = 2
    CLINICAL = 3

    @classmethod
    def named(cls, name: str) -> Phi:
        """The class called `name` ("none", "contact", "identity", "clinical"); KeyError otherwise."""
        return cls[name.upper()]


MASK = "•••"


def masked(value: object) -> str:
    """`value` without what it says: whether it is empty is all that remains."""
    return "∅" if value is None or value == "" else MASK
