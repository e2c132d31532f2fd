"""What waits in one stream, for the page that shows it: ids and reasons, and in the audit who asked."""

from __future__ import annotations

from collections.abc import Sequence

from careloom.project.model import Landing
from careloom.services.landing.link import Unlinked, unlinked
from careloom.services.session.sessions import Session
from careloom.store.audit import write_audit
from careloom.store.landing_held import HeldLanding, held_landings


def list_unlinked(session: Session, stream: str, actor: str) -> Sequence[Unlinked]:
    """Landed rows of `stream` that lack a link, oldest first. KeyError if the project has no such stream."""
    landing = session.project.landings[stream]
    _audit(session, actor, "unlinked", landing)
    return unlinked(session, landing)


def list_held(session: Session, stream: str, actor: str) -> Sequence[HeldLanding]:
    """Records of `stream` that could not be landed, oldest first. KeyError if the project has no such stream."""
    landing = session.project.landings[stream]
    _audit(session, actor, "held", landing)
    return held_landings(session.store, landing.name)


def _audit(session: Session, actor: str, list_name: str, landing: Landing) -> None:
    subject = f"{list_name} {landing.name}"
    write_audit(session.store, moment=session.clock(), actor=actor, action="list", subject=subject)
