"""What every worker does every few seconds: wake what is due, and put back what a dead worker left.

Rounds have a thread of their own instead of a place in the queue: there they would wait behind the very jobs that they watch.
Any number of workers may make them at once, since a wake is one waiting row.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Event

from careloom.core.errors import CareloomError
from careloom.core.log import LOG
from careloom.services.operate.job_queue import put_back
from careloom.services.operate.scheduler import enqueue_due
from careloom.services.session.sessions import Session
from careloom.worker.app import JobRun


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Seconds. A killed worker's job is put back after `silence` and one `pause` at most.

    `poll` is how long a job may wait that came while one of its subject was just ending: no one is told when a lock is free.
    """

    pause: float = 2.0
    heartbeat: float = 4.0
    silence: float = 20.0
    poll: float = 0.5
    grace: float = 25.0


@dataclass(slots=True, kw_only=True)
class PeriodicTasks:
    """The rounds of one worker process."""

    session: Session
    running: JobRun
    timing: Timing
    _strays: set[int] = field(default_factory=set)

    def go(self, stop: Event) -> None:
        """Make rounds until `stop` is set. A round that fails is told of, and the next one is made."""
        while not stop.is_set():
            try:
                self.once()
            except CareloomError as error:
                LOG.warning("round.failed", message="a round failed", reason=str(error))
            except Exception as error:  # noqa: BLE001 without rounds, a lost wake would sleep for ever
                LOG.error("round.failed", message="a round failed", reason=type(error).__name__)
            stop.wait(self.timing.pause)

    def once(self) -> None:
        """One round."""
        self._put_back()
        enqueue_due(self.session)

    def _put_back(self) -> None:
        self._strays = put_back(
            self.session,
            self.timing.silence,
            worker_ids=self.running.worker_ids(),
            running_ids=self.running.ids,
            strays=self._strays,
        )
