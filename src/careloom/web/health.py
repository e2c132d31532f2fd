"""Whether the process lives (/health), whether it can take events now (/ready), and whether they are worked at (/progress).

Three questions, since three parts act on the answers: what restarts a process, what sends it requests, and who mends a worker.
A worker that is away must never make the receiver refuse: events would be lost that could have been kept.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Annotated, Any, Generic, TypeVar

from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse

from careloom.core.log import LOG
from careloom.services.operate.readiness import Work, inbox_depths, lack_for_events, work_of
from careloom.services.session.sessions import Session
from careloom.web.group_commit import GroupCommit
from careloom.web.oidc import caller
from careloom.web.responses import UNAVAILABLE

Answer = TypeVar("Answer")

router = APIRouter(tags=["health"])
LATE = 900.0
"""An event that is due for longer than so many seconds is not being read: the worker is away, or its source is."""
FRESH = 2.0
"""Seconds for which an answer stands: however many ask, the database is asked once in that time."""


@dataclass(slots=True)
class CachedAnswer(Generic[Answer]):
    """A question whose answer is kept for a moment. One at a time is asked; who comes meanwhile gets the same answer."""

    ask: Callable[[], Answer]
    clock: Callable[[], float] = time.monotonic
    _answer: list[Answer] = field(default_factory=list)
    _answer_time: float = 0.0
    _asking: asyncio.Lock = field(default_factory=asyncio.Lock)
    _thread: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(1, thread_name_prefix="careloom ready")
    )

    async def answer(self) -> Answer:
        """The answer, FRESH seconds old at most. A thread of its own: requests that hang elsewhere do not hold it up."""
        async with self._asking:
            if not self._answer or self.clock() - self._answer_time > FRESH:
                self._answer[:] = [await asyncio.get_running_loop().run_in_executor(self._thread, self.ask)]
                self._answer_time = self.clock()
            return self._answer[0]

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown(wait=True)


@dataclass(slots=True)
class Health:
    """What the two routes below ask of one service."""

    readiness: CachedAnswer[str]
    work: CachedAnswer[Work | None]

    def close(self) -> None:
        """End the threads."""
        self.readiness.close()
        self.work.close()


def health_of(session: Session, group_commit: GroupCommit) -> Health:
    """The questions of a service that keeps events by `group_commit`."""
    return Health(
        readiness=CachedAnswer(lambda: _lack(session, group_commit)), work=CachedAnswer(lambda: work_of(session))
    )


def _lack(session: Session, group_commit: GroupCommit) -> str:
    """What is lacking. Where an event could not be kept, one of its size is tried: a smaller one may still find room."""
    lack = lack_for_events(session, group_commit.failed_bytes)
    if lack:
        LOG.error("service.not_ready", message="the service is not ready", lack=lack)
    else:
        group_commit.failed_bytes = 0
    return lack


@router.get("/health")
async def health() -> dict[str, str]:
    """The process answers; nothing else is asked. What restarts a process asks here."""
    return {"status": "ok"}


@router.get("/ready", responses={UNAVAILABLE: {"description": "An event would be refused now; `lacks` says why."}})
async def ready(request: Request) -> JSONResponse:
    """An event that comes now would be kept: one was put in and taken back. What sends requests to a process asks here."""
    lack = await request.app.state.health.readiness.answer()
    body = {"status": "not ready" if lack else "ready", "lacks": [lack] if lack else []}
    return JSONResponse(body, UNAVAILABLE if lack else 200)


@router.get("/progress", responses={UNAVAILABLE: {"description": "Somebody must look; `lacks` says at what."}})
async def work(request: Request) -> JSONResponse:
    """What came in is worked at. Who alarms people asks here; it says nothing of whether events are taken.

    `late`: an event waits since fifteen minutes. `stopped`: events wait for a person, as when a token was revoked.
    `failing`: a job failed three times in a row. `database`: no one knows.
    """
    state: Work | None = await request.app.state.health.work.answer()
    lacks = ["database"] if state is None else _lacks(state)
    return JSONResponse({"status": "not well" if lacks else "well", "lacks": lacks}, UNAVAILABLE if lacks else 200)


@router.get("/api/progress", tags=["review"])
async def work_by_system(request: Request, _caller: Annotated[str, Depends(caller)]) -> dict[str, Any]:
    """How much waits and is held of each system that sends, and for how many seconds the oldest has been due."""
    session: Session = request.app.state.session
    depths = await run_sync(inbox_depths, session, sorted(request.app.state.door.systems))
    return {
        depth.source: {"waiting": depth.waiting, "held": depth.held_count, "oldest": round(depth.oldest or 0.0)}
        for depth in depths
    }


def _lacks(state: Work) -> list[str]:
    lacks = {"late": state.late > LATE, "stopped": state.stopped > 0, "failing": state.failing > 0}
    return [name for name, lacking in lacks.items() if lacking]
