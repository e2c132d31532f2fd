"""Syncs and maintenance, started over the web by a scheduler; the answers have the shape that it has always read."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.responses import JSONResponse

from careloom.core.errors import CareloomError, Later, UsageFault
from careloom.core.log import LOG
from careloom.services.landing.scan import LandingReport, scan
from careloom.services.operate.retention import cleanup
from careloom.services.session.progress import Watch
from careloom.services.session.sessions import Session
from careloom.web.oidc import caller
from careloom.web.responses import AGAIN_AFTER, UNAVAILABLE

router = APIRouter(tags=["scheduler"], dependencies=[Depends(caller)])
TIME_LIMIT = 240.0
"""Seconds after which a scan stops at a checkpoint: Cloud Run ends requests after 300."""

_COUNTS = ("total", "created", "updated", "unchanged", "deleted", "failed")
_FAILED = 500
_STATUS_OF = {"completed": 200, "continues": 200, "running": 409, "unavailable": UNAVAILABLE, "failed": _FAILED}
_Full = Annotated[bool, Query(description="Read all of it, whatever the system says has changed.")]
_DryRun = Annotated[bool, Query(description="Only count what would be removed.")]


@router.post("/sync/all")
async def sync_all(request: Request, *, full: _Full = False) -> JSONResponse:
    """Land what changed in every stream that its system can be asked for, one after another.

    `continues`: not all was done in the time that there is; ask again, and it continues there.
    """
    session: Session = request.app.state.session
    deadline = time.monotonic() + TIME_LIMIT
    streams: dict[str, dict[str, Any]] = {}
    for name in asked_for(session):
        seconds = deadline - time.monotonic()
        streams[name] = await _sync(request, name, full, seconds) if seconds > 0 else _empty_body("continues")
    states = {result["status"] for result in streams.values()}
    # The worst of them; a stream that is being scanned already is in good hands.
    ranks = ("failed", "unavailable", "continues", "running")
    status = next((result for result in ranks if result in states), "completed")
    status = "continues" if status == "running" else status
    sums = {name: sum(result[name] for result in streams.values()) for name in _COUNTS}
    return JSONResponse({"status": status, **sums, "streams": streams}, _STATUS_OF[status])


@router.post("/sync/{stream}")
async def sync_one(request: Request, stream: str, *, full: _Full = False) -> JSONResponse:
    """Land what changed in one stream. 409 while it is being scanned; `continues`: ask again, it continues where it stopped."""
    session: Session = request.app.state.session
    name = stream.replace("-", "_")
    if name not in session.project.landings:
        raise HTTPException(404, "no-such-stream")
    result = await _sync(request, name, full, TIME_LIMIT)
    status = _STATUS_OF[result["status"]]
    headers = {"Retry-After": str(result.get("retry_after", AGAIN_AFTER))} if status in {409, UNAVAILABLE} else None
    return JSONResponse(result, status, headers)


@router.post("/maintenance/cleanup")
async def maintenance_cleanup(request: Request, *, dry_run: _DryRun = False) -> JSONResponse:
    """Remove what the project's rules of retention keep no longer; the answer is the receipt."""
    session: Session = replace(request.app.state.session, trigger="schedule")
    try:
        report = await run_sync(lambda: cleanup(session, dry_run=dry_run, stop=request.app.state.stop))
    except Later as error:
        status = 409 if error.after is not None else UNAVAILABLE
        return JSONResponse({"error": str(error)}, status, {"Retry-After": str(AGAIN_AFTER)})
    status_of = "completed" if report.complete else "continues"
    body = {"status": status_of, "dry_run": report.dry_run, "removed": report.removed, "receipt": report.receipt}
    return JSONResponse(body)


async def _sync(request: Request, name: str, full: bool, seconds: float) -> dict[str, Any]:
    session: Session = replace(request.app.state.session, trigger="schedule")
    watch = Watch(stop=request.app.state.stop)
    try:
        report: LandingReport = await run_sync(lambda: scan(session, name, watch, full=full, time_limit=seconds))
    except UsageFault as error:
        raise HTTPException(400, str(error)) from None
    except Later as error:
        # A scan that is under way says when to come again; a database that is away does not know.
        status = "running" if error.after is not None else "unavailable"
        return {**_empty_body(status), "message": str(error), "retry_after": int(error.after or AGAIN_AFTER)}
    except CareloomError as error:
        LOG.error("sync_request.failed", message="a sync failed", stream=name, reason=str(error))
        return {**_empty_body("failed"), "message": str(error)}
    return _report_body(report)


def _report_body(report: LandingReport) -> dict[str, Any]:
    body = {
        "status": "continues" if report.status == "interrupted" else report.status,
        **_counts(report.counts),
        "balanced": report.balanced,
        "run": report.run,
        "seconds": report.seconds,
    }
    if report.notes:
        body["message"] = "; ".join(report.notes)
    if report.after is not None:
        body["retry_after"] = int(report.after)
    return body


def _empty_body(status: str) -> dict[str, Any]:
    return {"status": status, **_counts({})}


def _counts(counts: Mapping[str, int]) -> dict[str, int]:
    """By the scheduler's names: what is held here has failed there."""
    return {name: counts.get("held" if name == "failed" else name, 0) for name in _COUNTS}


def asked_for(session: Session) -> list[str]:
    """Streams whose system answers, without those that come with another."""
    landings = session.project.landings
    present = {(landing.system, landing.stream.name) for landing in landings.values()}
    return [
        name
        for name, landing in landings.items()
        if session.tells_when_asked(landing.system) and (landing.system, landing.stream.out_of) not in present
    ]
