"""Who may do what: tokens, their scopes, and the scopes that each request needs."""

from __future__ import annotations

from careloom.systems.hubspot.simulator.endpoints.request import Request
from careloom.systems.hubspot.simulator.portal.definitions import Kind
from careloom.systems.hubspot.simulator.responses import token_expired, unauthenticated
from careloom.systems.hubspot.simulator.server.routes import Route
from careloom.systems.hubspot.simulator.settings import Settings, Token

_BEARER = "bearer "
# Every token that begins so has run out, without being named in the settings.
EXPIRED_PREFIX = "pat-expired"


def token_of(settings: Settings, header: str) -> tuple[str, Token]:
    """The token of an Authorization header; 401 where there is none, or it has run out."""
    if header[: len(_BEARER)].lower() != _BEARER:
        raise unauthenticated()
    name = header[len(_BEARER) :].strip()
    token = settings.tokens.get(name)
    if name.startswith(EXPIRED_PREFIX) or (token is not None and token.is_expired):
        raise token_expired()
    if not name or (token is None and not settings.unknown_tokens):
        raise unauthenticated()
    return name, token or Token()


def check(request: Request, route: Route) -> None:
    """A refusal where the token lacks what the endpoint needs. Schemas, owners and the account ask for themselves."""
    if not route.scope or request.token.scopes is None:
        return
    for place in request.places[:1] if route.area != "associations" else request.places[:2]:
        kind = request.portal.table(place).kind
        request.need(*_scopes(_family(kind), route.scope, area=route.area))


def _family(kind: Kind) -> str:
    """Whose scopes an object goes by: activities by those of contacts, custom objects by one for all."""
    if kind.custom:
        return "custom"
    return "contacts" if kind.activity else kind.name


def _scopes(family: str, act: str, *, area: str) -> tuple[str, ...]:
    """The scopes of which one is enough. Tickets have one scope for everything; commerce has an older one besides."""
    if family == "tickets":
        return ("tickets",)
    if act == "define":
        return (f"crm.schemas.{family}.write",)
    objects = f"crm.objects.{family}.{act}"
    also = ("e-commerce",) if family in {"products", "line_items"} else ()
    if act == "read" and area in {"properties", "pipelines"}:
        return (f"crm.schemas.{family}.read", objects, *also)
    return (objects, *also)
