"""The kinds of systems that there are."""

from __future__ import annotations

from collections.abc import Mapping

from careloom import systems
from careloom.core.rooms import Room


def rooms() -> Mapping[str, Room]:
    """Every room by its kind."""
    return systems.rooms()
