"""OAuth2 with DrChrono. Refresh tokens rotate: each may be used once, and a used one is refused with invalid_grant."""

from __future__ import annotations

from careloom.core.rooms import RoomContext
from careloom.core.tokens import Token
from careloom.systems.drchrono.options import Options
from careloom.vendor_kit import oauth
from careloom.vendor_kit.oauth import Application, Grants
from careloom.vendor_kit.retry import RetryPolicy

NAME = "DrChrono"
_LIFETIME = 172_800


def authorize_url(options: Options, context: RoomContext, redirect_uri: str, state: str) -> str:
    """The page on which a person lets this application in."""
    return oauth.authorize_url(
        f"{options.base_url.rstrip('/')}/o/authorize/",
        client_id=context.secret(options.client_id),
        redirect_uri=options.redirect_uri or redirect_uri,
        scopes=options.scopes,
        state=state,
    )


def application(options: Options, context: RoomContext) -> Application:
    """The API application of these options."""
    return Application(
        name=NAME,
        token_url=f"{options.base_url.rstrip('/')}/o/token/",
        client_id=context.secret(options.client_id),
        client_secret=context.secret(options.client_secret),
        lifetime=_LIFETIME,
    )


def exchange(options: Options, context: RoomContext, redirect_uri: str, code: str) -> Token:
    """The first token pair for a code. NotPermitted where it was refused."""
    policy = RetryPolicy(read_timeout=options.timeout_seconds)
    grants = Grants(application(options, context), context.clock, policy=policy)
    try:
        return grants.exchange(code, options.redirect_uri or redirect_uri)
    finally:
        grants.close()
