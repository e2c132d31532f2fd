"""Receiving: verify, keep, answer. Nothing else happens while a sender waits; a 2xx means that the event is on disk."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from careloom.core.errors import Later
from careloom.core.listeners import Listener
from careloom.core.log import LOG
from careloom.core.webhooks import Accepted, WebhookAnswer, WebhookRequest
from careloom.services.session.sessions import Session
from careloom.store.inbox import Arrival, keep_events

__all__ = ["AWAY", "NOTHING", "STORED", "Arrival", "examine", "receive", "store_arrivals", "store_message"]

STORED = WebhookAnswer(status=200, body=b'{"status":"ok"}')
AWAY = WebhookAnswer(status=503, body=b'{"error":"try-later"}', reason="store-away")
"""Nothing was kept: the sender must send it again."""

NOTHING = WebhookAnswer(status=400, body=b'{"error":"nothing-to-keep"}', reason="nothing-to-keep")
"""Its sender believes that it told us something: a body that a proxy lost must be sent again, not thanked for."""

_FIRST_REFUSAL = 300
_LONGEST_ID, _LONGEST_NAME = 512, 200
_OUTCOMES = {"new": "stored", "again": "again", "held": "held"}


def receive(session: Session, source: str, request: WebhookRequest) -> WebhookAnswer:
    """Answer one request of the system called `source`. Fix if that system does not call us."""
    arrival = examine(session, source, request)
    if isinstance(arrival, WebhookAnswer):
        return arrival
    try:
        return store_arrivals(session, [arrival])[0]
    except Later:
        return AWAY


def examine(session: Session, source: str, request: WebhookRequest) -> Arrival | WebhookAnswer:
    """What is to be kept of a request, or what is to be answered at once. Quick: it asks neither store nor network."""
    result = session.webhooks(source).receive(request)
    if isinstance(result, WebhookAnswer):
        if request.method == "POST" and result.status < _FIRST_REFUSAL and not result.thanks_for:
            result = NOTHING
        if result.reason:
            LOG.warning("event.refused", message="an event was refused", source=source, outcome=result.reason)
        elif result.thanks_for:
            LOG.info(
                "event.ignored",
                message="an event was answered and not stored",
                source=source,
                outcome=result.thanks_for,
            )
        return result
    return _arrival(source, result, request.body)


def store_message(session: Session, source: str, listener: Listener, message: bytes) -> bytes:
    """The reply to a message of the system called `source`: an acknowledgement only once it is on disk."""
    event = listener.receive(message)
    if event is None:
        LOG.warning("event.refused", message="an event was refused", source=source, outcome="refused-message")
        return listener.reply(message, is_kept=False)
    try:
        store_arrivals(session, [_arrival(source, event, message)])
    except Later:
        return listener.reply(message, is_kept=False)
    return listener.reply(message, is_kept=True)


def store_arrivals(session: Session, arrivals: Sequence[Arrival]) -> list[WebhookAnswer]:
    """Keep these in one transaction; the answer for each. Later if the store is away: then none of them is kept."""
    try:
        fates = keep_events(session.store, arrivals)
    except Later:
        LOG.error("event.not_stored", message="events could not be stored", outcome="store-away", events=len(arrivals))
        raise
    log = LOG
    for arrival, fate in zip(arrivals, fates, strict=True):
        log.info("event.received", message="an event was received", source=arrival.source, outcome=_OUTCOMES[fate])
        if fate == "held":
            log.warning(
                "event.held", message="an event bears the id of another one and was held", source=arrival.source
            )
    return [STORED] * len(arrivals)


def _arrival(source: str, event: Accepted, body: bytes) -> Arrival:
    return Arrival(
        source=source,
        event_id=_keepable(event.event_id, _LONGEST_ID),
        event=_keepable(event.event, _LONGEST_NAME),
        body=body,
    )


def _keepable(text: str, longest: int) -> str:
    """The text itself where PostgreSQL can keep and index it, else its digest: another text, but as much of its own."""
    if len(text) <= longest and text.isprintable() and text:
        return text
    return "sha256:" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
