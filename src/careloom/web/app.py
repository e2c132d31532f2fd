"""The web door as one application."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from threading import Event
from time import perf_counter
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from psycopg.errors import InsufficientPrivilege
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from careloom import __version__
from careloom.core.log import LOG
from careloom.services.landing.write import prepare
from careloom.services.session.sessions import Session
from careloom.web import health, held, syncs
from careloom.web.client_ip import senders
from careloom.web.oidc import callers_of
from careloom.web.openapi import describe
from careloom.web.responses import refuse
from careloom.web.webhooks import webhook, webhook_endpoint

_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"strict-transport-security", b"max-age=31536000"),
)


def make_app(session: Session, *, certificates: Callable[..., Any] | None = None, stop: Event | None = None) -> FastAPI:
    """The application over an open project. `certificates` stands in for asking Google; `stop` ends scans at a checkpoint.

    Fix where callers are named without what their tokens must be made out to.
    """
    _prepare(session)
    app = FastAPI(title="careloom", version=__version__, docs_url=None, redoc_url=None, lifespan=_until_closed)
    app.state.session = session
    app.state.stop = stop or Event()
    app.state.senders = senders(session.settings.environment)
    app.state.door = webhook_endpoint(session, app.state.senders)
    app.state.health = health.health_of(session, app.state.door.group_commit)
    app.state.callers = callers_of(session.project.service, session.settings.environment, certificates)
    app.add_route("/webhooks/{system}", webhook, methods=["GET", "POST"], include_in_schema=False)
    for part in (health, syncs, held):
        app.include_router(part.router)
    app.add_exception_handler(HTTPException, _refusal)
    app.add_exception_handler(RequestValidationError, _refusal)
    app.add_middleware(Watched)
    describe(app, sorted(app.state.door.systems))
    return app


def _prepare(session: Session) -> None:
    """Make the tables of all streams, unless this process's role of the database is one that only receives."""
    try:
        prepare(session)
    except InsufficientPrivilege:
        LOG.info("migration.skipped", message="the worker creates the tables")


@asynccontextmanager
async def _until_closed(app: FastAPI) -> AsyncIterator[None]:
    yield
    app.state.stop.set()
    app.state.door.group_commit.close()
    app.state.health.close()
    app.state.callers.desk.close()


async def _refusal(_request: Request, error: Exception) -> Response:
    """HTTP's own refusals, and queries that say what cannot be; what was sent is not repeated."""
    if isinstance(error, HTTPException):
        return refuse(error.status_code, str(error.detail), error.headers)
    return refuse(400, "bad-request")


class Watched:
    """Adds headers, writes one log line a request without its address, and lets no exception out with its words."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = perf_counter(), 0

        async def send_watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), *_HEADERS]
            await send(message)

        try:
            await self._app(scope, receive, send_watched)
        except Exception as error:  # noqa: BLE001 its words may quote the request
            LOG.error("request.failed", message="a request failed", reason=type(error).__name__)
            if not status:
                await refuse(500, "failed")(scope, receive, send_watched)
        route = getattr(scope.get("route"), "path", "") or _template(scope)
        milliseconds = round((perf_counter() - began) * 1000, 1)
        LOG.info("request.answered", message="a request was answered", route=route, status=status, ms=milliseconds)


def _template(scope: Scope) -> str:
    """The route of what has none in its scope: an address that no one knows may hold anything."""
    return "/webhooks/{system}" if "system" in scope.get("path_params", {}) else ""
