"""Whether the process lives (/health), and whether it can take events now and they are read (/ready)."""

from __future__ import annotations

from typing import Any

import psycopg
import structlog
from anyio.to_thread import run_sync
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from careloom.core.errors import Fix, Later
from careloom.services.opening import Opened
from careloom.store.inbox import inbox_depth
from careloom.store.migrations import pending
from careloom.web.answers import UNAVAILABLE

router = APIRouter(tags=["health"])
OLDEST = 900.0
"""An event that is due for longer than so many seconds is not being read: the worker is away, or its source is."""


@router.get("/health")
async def health() -> dict[str, str]:
    """The process answers; nothing else is asked. What restarts a process, or sends it requests, asks here."""
    return {"status": "ok"}


@router.get(
    "/ready", responses={UNAVAILABLE: {"description": "Something that events need is away; `lacks` says what."}}
)
async def ready(request: Request) -> JSONResponse:
    """The database answers, is of this release, and what came in is read. 503 if not: somebody must look."""
    opened: Opened = request.app.state.ready
    return await run_sync(_look, opened, sorted(request.app.state.door.systems))


def _look(opened: Opened, sources: list[str]) -> JSONResponse:
    lacks: list[str] = []
    inbox: dict[str, Any] = {}
    try:
        # By a connection of its own: it knows at once that nobody is there, while the pool hopes for long.
        if pending(opened.store.url):
            lacks.append("migrations")
        else:
            for one in inbox_depth(opened.store, sources):
                inbox[one.source] = {"waiting": one.waiting, "held": one.held, "oldest": round(one.oldest or 0.0)}
                if (one.oldest or 0.0) > OLDEST:
                    lacks.append(f"worker:{one.source}")
    except Fix:
        lacks.append("migrations")
    except (Later, psycopg.OperationalError) as error:
        structlog.get_logger().error("the service is not ready", reason=type(error).__name__)
        lacks.append("database")
    found = {"status": "not ready" if lacks else "ready", "lacks": lacks, "inbox": inbox}
    return JSONResponse(found, UNAVAILABLE if lacks else 200)
