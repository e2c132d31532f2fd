"""What waits for a person, for the page that shows it: ids and reasons, never what a record says."""

from __future__ import annotations

from typing import Any

from anyio.to_thread import run_sync
from fastapi import APIRouter, HTTPException, Request

from careloom.services.review import stream_lists
from careloom.services.session.sessions import Session
from careloom.web.oidc import Caller

router = APIRouter(prefix="/api", tags=["review"])


@router.get("/unlinked/{stream}")
async def list_unlinked(request: Request, stream: str, actor: Caller) -> list[dict[str, Any]]:
    """Landed rows that lack a link, oldest first, each with the reason: none, ambiguous or contradiction."""
    session: Session = request.app.state.session
    rows = await run_sync(stream_lists.list_unlinked, session, _stream(session, stream), actor)
    return [{"id": row.record_id, "key": row.key, "link": row.column, "why": row.why} for row in rows]


@router.get("/held/{stream}")
async def list_held(request: Request, stream: str, actor: Caller) -> list[dict[str, Any]]:
    """Records that could not be landed, oldest first, each with its reason."""
    session: Session = request.app.state.session
    rows = await run_sync(stream_lists.list_held, session, _stream(session, stream), actor)
    return [{"key": row.key, "code": row.code, "column": row.column, "since": row.first_seen} for row in rows]


def _stream(session: Session, words: str) -> str:
    name = words.replace("-", "_")
    if name not in session.project.landings:
        raise HTTPException(404, f"no such stream; there are: {', '.join(session.project.landings)}")
    return name
