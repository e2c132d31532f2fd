"""What waits for a person, for the page that shows it: ids and reasons, never what a record says."""

from __future__ import annotations

from typing import Any

from anyio.to_thread import run_sync
from fastapi import APIRouter, HTTPException, Request

from careloom.project.model import Landing
from careloom.services.landing.link import unlinked
from careloom.services.session.session import Opened
from careloom.store.audit import write_audit
from careloom.store.landing_held import held_landings
from careloom.web.oidc import Caller

router = APIRouter(prefix="/api", tags=["review"])


@router.get("/unlinked/{stream}")
async def list_unlinked(request: Request, stream: str, who: Caller) -> list[dict[str, Any]]:
    """Landed rows that lack a link, oldest first, each with the reason: none, ambiguous or contradiction."""
    ready: Opened = request.app.state.ready
    landing = _landing(ready, stream)
    await run_sync(_audit, ready, who, f"unlinked {landing.name}")
    found = await run_sync(unlinked, ready, landing)
    return [{"id": one.record_id, "key": one.key, "link": one.column, "why": one.why} for one in found]


@router.get("/held/{stream}")
async def list_held(request: Request, stream: str, who: Caller) -> list[dict[str, Any]]:
    """Records that could not be landed, oldest first, each with its reason."""
    ready: Opened = request.app.state.ready
    landing = _landing(ready, stream)
    await run_sync(_audit, ready, who, f"held {landing.name}")
    found = await run_sync(held_landings, ready.store, landing.name)
    return [{"key": one.key, "code": one.code, "column": one.column, "since": one.first_seen} for one in found]


def _landing(ready: Opened, stream: str) -> Landing:
    name = stream.replace("-", "_")
    if name not in ready.project.landings:
        raise HTTPException(404, f"no such stream; there are: {', '.join(ready.project.landings)}")
    return ready.project.landings[name]


def _audit(ready: Opened, who: str, subject: str) -> None:
    write_audit(ready.store, at=ready.clock(), actor=who, action="list", subject=subject)
