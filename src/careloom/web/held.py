"""What waits for a person, for the page that shows it: ids and reasons, never what a record says."""

from __future__ import annotations

from typing import Any

from anyio.to_thread import run_sync
from fastapi import APIRouter, HTTPException, Request

from careloom.project.model import Landing
from careloom.services.landing.link import unlinked
from careloom.services.session.sessions import Session
from careloom.store.audit import write_audit
from careloom.store.landing_held import held_landings
from careloom.web.oidc import Caller

router = APIRouter(prefix="/api", tags=["review"])


@router.get("/unlinked/{stream}")
async def list_unlinked(request: Request, stream: str, actor: Caller) -> list[dict[str, Any]]:
    """Landed rows that lack a link, oldest first, each with the reason: none, ambiguous or contradiction."""
    session: Session = request.app.state.session
    landing = _landing(session, stream)
    await run_sync(_audit, session, actor, f"unlinked {landing.name}")
    rows = await run_sync(unlinked, session, landing)
    return [{"id": row.record_id, "key": row.key, "link": row.column, "why": row.why} for row in rows]


@router.get("/held/{stream}")
async def list_held(request: Request, stream: str, actor: Caller) -> list[dict[str, Any]]:
    """Records that could not be landed, oldest first, each with its reason."""
    session: Session = request.app.state.session
    landing = _landing(session, stream)
    await run_sync(_audit, session, actor, f"held {landing.name}")
    rows = await run_sync(held_landings, session.store, landing.name)
    return [{"key": row.key, "code": row.code, "column": row.column, "since": row.first_seen} for row in rows]


def _landing(session: Session, stream: str) -> Landing:
    name = stream.replace("-", "_")
    if name not in session.project.landings:
        raise HTTPException(404, f"no such stream; there are: {', '.join(session.project.landings)}")
    return session.project.landings[name]


def _audit(session: Session, actor: str, subject: str) -> None:
    write_audit(session.store, moment=session.clock(), actor=actor, action="list", subject=subject)
