"""The webhooks' routes: one address for each system, GET for its handshake and POST for its events."""

from __future__ import annotations

from dataclasses import dataclass, field

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from careloom.core.errors import safe_text
from careloom.core.log import LOG
from careloom.core.webhooks import WebhookAnswer, WebhookRequest
from careloom.services.landing.receive import examine
from careloom.services.session.sessions import Session
from careloom.web.body import BadBody, Memory, read_body
from careloom.web.client_ip import Senders
from careloom.web.content_type import METHODS, is_event_type
from careloom.web.group_commit import GroupCommit
from careloom.web.public_address import PublicAddress, public_address
from careloom.web.refusals import Refusals
from careloom.web.responses import refuse, respond

UNSIGNED = {401, 403}
GONE = 499
"""nginx's word for a sender that did not wait; only the log reads it."""


@dataclass(slots=True, kw_only=True)
class WebhookEndpoint:
    """What all webhooks of a service share. `systems`: the names of those that call us."""

    session: Session
    senders: Senders
    systems: frozenset[str]
    group_commit: GroupCommit
    address: PublicAddress = field(default_factory=PublicAddress)
    refusals: Refusals = field(default_factory=Refusals)
    memory: Memory = field(default_factory=Memory)


def webhook_endpoint(session: Session, senders: Senders) -> WebhookEndpoint:
    """The door of an open project."""
    return WebhookEndpoint(
        session=session,
        senders=senders,
        systems=session.calling_systems(),
        group_commit=GroupCommit(session),
        address=public_address(session.settings.environment),
    )


async def webhook(request: Request) -> Response:
    """Hand the request to its system's room; the answer is the room's, or that the event is kept."""
    endpoint: WebhookEndpoint = request.app.state.door
    source = request.path_params["system"]
    if source not in endpoint.systems:
        return refuse(404, "not-found")
    if request.method not in METHODS:
        return refuse(405, "wrong-method", {"Allow": ", ".join(METHODS)})
    client = f"{source} {endpoint.senders.client(request)}"
    try:
        with endpoint.memory.share(client) as share:
            body = await read_body(request, share)
            return await _received(endpoint, source, client, request, body)
    except BadBody as bad:
        LOG.warning("event.refused", message="an event was refused", source=source, outcome=bad.reason)
        return refuse(bad.status, bad.reason)
    except ClientDisconnect:
        return Response(status_code=GONE)


async def _received(endpoint: WebhookEndpoint, source: str, client: str, request: Request, body: bytes) -> Response:
    options = endpoint.session.project.systems[source].options
    if body and not is_event_type(request.headers.get("content-type", ""), options):
        return refuse(415, "wrong-content-type")
    hook = WebhookRequest(
        method=request.method,
        # Starlette gives names in lower case; of a header that is there twice, the last one stands, as of a query.
        headers=dict(request.headers.items()),
        query=dict(request.query_params),
        body=body,
        url=endpoint.address.of(request),
    )
    try:
        examination = examine(endpoint.session, source, hook)
    except Exception as error:  # noqa: BLE001 a room that fails is not its sender's fault: it is to come again
        reason = safe_text(error)
        LOG.error("webhook.failed", message="a room could not look at a request", source=source, reason=reason)
        return refuse(503, "not-ready")
    if not isinstance(examination, WebhookAnswer):
        return respond(await endpoint.group_commit.keep(examination))
    if examination.status in UNSIGNED:
        # Only after the room has looked: who knows the secret is let in, whatever others do from the same address.
        if wait := endpoint.refusals.wait(client):
            return refuse(429, "too-many-refusals", {"Retry-After": str(wait)})
        endpoint.refusals.note(client)
    return respond(examination)
