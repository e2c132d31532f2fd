"""What people saw or decided, in the audit under their name."""

from __future__ import annotations

from careloom.services.session.sessions import Session
from careloom.store.audit import write_audit


def write(session: Session, action: str, subject: str) -> None:
    """Write down that this user did `action` with `subject`."""
    write_audit(session.store, moment=session.clock(), actor=session.settings.witness, action=action, subject=subject)
