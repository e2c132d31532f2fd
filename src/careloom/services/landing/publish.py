"""Change events, told to every publisher of the project: at least once, and in order."""

from __future__ import annotations

from collections.abc import Sequence

from careloom.core.errors import safe_text
from careloom.core.log import LOG
from careloom.services.session.sessions import Session
from careloom.store.inbox_queue import (
    Backoff,
    changes_told,
    claim_changes,
    forget_changes,
    forget_settled,
    rest,
    rested,
    resting,
)
from careloom.store.locks import advisory_lock

BATCH = 500
FORGET = 5000
BACKOFF = Backoff(first=1.0, maximum=300.0)


def publish_outbox(session: Session) -> int:
    """Tell what waits in the outbox; returns how many acknowledgements came. One publisher at a time keeps the order.

    A change event leaves once every publisher has acknowledged it. One that does not answer rests, and holds up no other.
    """
    publishers = session.project.publish
    with advisory_lock(session.store, "publish", "outbox") as has_lock:
        if not has_lock:
            return 0
        if not publishers:
            return _forget(session)
        with session.store.transaction() as connection:
            forget_settled(connection, publishers)
            away = resting(connection)
        return sum(_tell(session, name, publishers) for name in publishers if _what(name) not in away)


def _forget(session: Session) -> int:
    """There is no publisher: the outbox is emptied, so that a publisher declared later does not begin with the past."""
    while True:
        with session.store.transaction() as connection:
            if forget_changes(connection, FORGET) < FORGET:
                return 0


def _tell(session: Session, name: str, publishers: Sequence[str]) -> int:
    """Tell one publisher all that it has not acknowledged, until it does not acknowledge something."""
    count = 0
    while True:
        with session.store.transaction() as connection:
            events = claim_changes(connection, name, BATCH)
        if not events:
            return count
        try:
            acknowledgements = session.publisher(name).publish(events)
        except Exception as error:  # noqa: BLE001 a publisher's fault must not stop the others
            _rest(session, name, error)
            return count
        count += len(acknowledgements)
        with session.store.transaction() as connection:
            changes_told(connection, name, acknowledgements, publishers)
            if acknowledgements:
                rested(connection, _what(name))
        if len(acknowledgements) < len(events):
            # Going on would tell a record's later change before its earlier one.
            _rest(session, name, None)
            return count


def _rest(session: Session, name: str, error: Exception | None) -> None:
    with session.store.transaction() as connection:
        rest(connection, _what(name), BACKOFF, getattr(error, "after", None))
    reason = safe_text(error) if error else "partly acknowledged"
    LOG.warning("publisher.failed", message="a publisher does not acknowledge", publisher=name, reason=reason)


def _what(name: str) -> str:
    return f"publisher:{name}"
