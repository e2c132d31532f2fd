"""A run as the store knows it: begun under the sync's lock, ended with its numbers whatever became of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

from careloom.core.errors import CareloomError, Stop, safe_text
from careloom.core.log import LOG
from careloom.core.ports import Writable
from careloom.services.session.attempts import Attempt
from careloom.services.sync.prepare import PreparedSync
from careloom.services.sync.summary import RunSummary


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """Counts the seconds and the target's requests since it was made."""

    target: Writable
    requests_before: int
    began: float

    @classmethod
    def of(cls, target: Writable) -> Meter:
        """A meter that begins now."""
        return cls(target=target, requests_before=target.requests(), began=time.monotonic())

    def measured(self, summary: RunSummary) -> RunSummary:
        """`summary` with what was counted."""
        return replace(summary, requests=self.target.requests() - self.requests_before, seconds=self.seconds())

    def seconds(self) -> float:
        """Seconds so far."""
        return round(time.monotonic() - self.began, 3)


@dataclass(slots=True, kw_only=True)
class RecordedRun:
    """A run under way; whoever carries it out leaves its summary here."""

    number: int
    summary: RunSummary


@contextmanager
def recorded_run(context: PreparedSync, entry: Attempt, meter: Meter, *, full: bool) -> Iterator[RecordedRun]:
    """Begin a run of the sync and write down how it ends. Fix if another run of it is under way; Stop if it does not balance."""
    meter = replace(meter, began=time.monotonic())
    name = context.sync.name
    with context.ledger.lock():
        run = RecordedRun(number=context.runs.start(name), summary=RunSummary(sync=name, counts={}))
        entry.run = run.number
        log = LOG.bind(sync=name, run=run.number)
        log.info("run.started", message="a run started", full=full)
        try:
            yield run
        except BaseException as error:
            with suppress(CareloomError):
                _finish_failed(context, run.number, error, meter.seconds())
            log.error("run.failed", message="a run failed", error=type(error).__name__)  # noqa: TRY400 a traceback could quote a person
            raise
        summary = run.summary = meter.measured(replace(run.summary, run=run.number))
        _finish(context, run.number, summary)
        entry.ended(summary.state, summary.counts, is_balanced=summary.balanced)
        entry.error = "; ".join(summary.notes)
        log.info(
            "run.ended",
            message="a run ended",
            state=summary.state,
            counts=dict(summary.counts),
            requests=summary.requests,
        )
    if not summary.balanced:
        raise Stop(f"run {run.number} of {name!r} does not balance: {dict(summary.counts)}; please report this")


def _finish(context: PreparedSync, number: int, summary: RunSummary) -> None:
    context.runs.finish(
        number,
        state=summary.state if summary.balanced else "failed",
        counts=summary.counts,
        requests=summary.requests,
        seconds=summary.seconds,
        is_balanced=summary.balanced,
        error="; ".join(summary.notes) or None,
    )


def _finish_failed(context: PreparedSync, number: int, error: BaseException, seconds: float) -> None:
    context.runs.finish(
        number,
        state="interrupted" if isinstance(error, KeyboardInterrupt) else "failed",
        counts=None,
        requests=context.target.requests(),
        seconds=seconds,
        is_balanced=False,
        error=safe_text(error),
    )
