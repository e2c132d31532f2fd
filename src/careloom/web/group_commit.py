"""Keeping many events with one commit: what arrives while the disk is busy goes to it together.

A commit waits for the disk, however much it holds. So no request has a transaction of its own; and no event is answered before
the one that holds it is committed.
"""

from __future__ import annotations

import asyncio
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from careloom.core.errors import Later
from careloom.core.log import LOG
from careloom.core.webhooks import WebhookAnswer
from careloom.services.landing.receive import AWAY, Arrival, store_arrivals
from careloom.services.session.sessions import Session

WRITERS = 2
MOST_EVENTS, MOST_BYTES = 64, 16 * 1024 * 1024
"""Of one transaction; a single event may be larger."""
WAITING_EVENTS = 4096
"""So many events may wait for a writer; a request that comes then is told to come again."""
PATIENCE = 10.0
"""Seconds after which a sender is told to come again. What it sent may yet be kept: its repetition is then the same event."""


@dataclass(frozen=True, slots=True)
class _PendingArrival:
    arrival: Arrival
    answer: asyncio.Future[WebhookAnswer]


@dataclass(slots=True)
class GroupCommit:
    """Keeps events for the requests of one event loop; `receive.store_arrivals` is called in its threads."""

    session: Session
    failed_bytes: int = 0
    """Bytes of the largest event that could not be kept last; 0 where the last one was kept."""
    _queue: deque[_PendingArrival] = field(default_factory=deque)
    _writers: set[asyncio.Task[None]] = field(default_factory=set)
    _threads: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(WRITERS, thread_name_prefix="careloom inbox")
    )

    async def keep(self, arrival: Arrival) -> WebhookAnswer:
        """The answer once the event is committed; AWAY if it is not, or not for sure."""
        if len(self._queue) >= WAITING_EVENTS:
            return AWAY
        waiting = _PendingArrival(arrival, asyncio.get_running_loop().create_future())
        self._queue.append(waiting)
        if len(self._writers) < WRITERS:
            writer = asyncio.create_task(self._write())
            self._writers.add(writer)
            writer.add_done_callback(self._writers.discard)
        try:
            async with asyncio.timeout(PATIENCE):
                return await waiting.answer
        except TimeoutError:
            return AWAY

    async def _write(self) -> None:
        """Keep what waits, batch by batch, until nothing does."""
        while batch := self._batch():
            answers = await self._kept(batch)
            for pending, answer in zip(batch, answers, strict=True):
                if not pending.answer.done():
                    pending.answer.set_result(answer)

    def _batch(self) -> list[_PendingArrival]:
        batch: list[_PendingArrival] = []
        size = 0
        while self._queue and len(batch) < MOST_EVENTS:
            size += len(self._queue[0].arrival.body)
            if batch and size > MOST_BYTES:
                break
            pending = self._queue.popleft()
            # A request that gave up has been told to come again.
            if not pending.answer.done():
                batch.append(pending)
        return batch

    async def _kept(self, batch: list[_PendingArrival]) -> list[WebhookAnswer]:
        """The answers for a batch. If it fails by a fault that may be one event's, each of them is kept by itself."""
        loop = asyncio.get_running_loop()
        arrivals = [pending.arrival for pending in batch]
        try:
            answers = await loop.run_in_executor(self._threads, store_arrivals, self.session, arrivals)
        except Later:
            self.failed_bytes = max(len(arrival.body) for arrival in arrivals)
            return [AWAY] * len(batch)
        except Exception as error:  # noqa: BLE001 whatever it was, no one may wait for an answer that never comes
            LOG.error(
                "event.not_stored",
                message="events could not be stored",
                outcome=type(error).__name__,
                events=len(batch),
            )
            if len(batch) == 1:
                self.failed_bytes = len(arrivals[0].body)
                return [AWAY]
        else:
            self.failed_bytes = 0
            return answers
        return [(await self._kept([pending]))[0] for pending in batch]

    def close(self) -> None:
        """End the threads, when nothing is received any more."""
        self._threads.shutdown(wait=True)
