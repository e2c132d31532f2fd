"""How things stand, in numbers: what is landed, and what is linked."""

from __future__ import annotations

from careloom.services.session.sessions import Session
from careloom.store.inbox import totals
from careloom.store.links import count_links, count_rows


def landed_rows(session: Session) -> int:
    """The live rows of all landing tables."""
    return sum(count_rows(session.store, landing.stream) for landing in session.project.landings.values())


def linked_rows(session: Session) -> int:
    """The links that live rows have."""
    return sum(
        count_links(session.store, landing.stream, rule)
        for landing in session.project.landings.values()
        for rule in landing.stream.links
    )


def inbox_totals(session: Session) -> tuple[int, int, int, int]:
    """Events received, waiting and held, and changes that are yet to be published."""
    return totals(session.store)
