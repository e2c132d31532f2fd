"""What became of reports that were asked for: an outcome for each report of each account, and the run that they make up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from careloom.core.errors import CareloomError
from careloom.store.report_tables import ColumnDrift

UNANSWERED = ("no-answer", "not-permitted", "request-refused")
"""Codes of reports for which the system gave no answer that could be used, beside those for which files are held."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportOutcome:
    """What became of one report of one account. `ended`: loaded, unchanged, empty, failed, or waiting to continue."""

    report: str
    account: str
    ended: str
    rows: int = 0
    code: str = ""
    message: str = ""
    drifts: Sequence[ColumnDrift] = ()
    unasked: bool = False
    """The run was stopped before it came to this one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportsRun:
    """One run over reports: an outcome for each report of each account that was due."""

    outcomes: Sequence[ReportOutcome]
    seconds: float
    trouble: CareloomError | None = None
    """What ended the run over a system before all were asked for: no account had an answer any more."""

    @property
    def counts(self) -> dict[str, int]:
        """How many ended how; they add up to `due`."""
        totals = Counter(outcome.ended for outcome in self.outcomes)
        kinds = ("loaded", "unchanged", "empty", "failed", "waiting")
        return {"due": len(self.outcomes)} | {kind: totals[kind] for kind in kinds}

    @property
    def changed(self) -> bool:
        """Whether readers see other rows than before."""
        return any(outcome.ended in ("loaded", "empty") for outcome in self.outcomes)

    @property
    def exit_code(self) -> int:
        """0 all well, 3 something waits to continue, 4 something failed; any other is that of what ended the run."""
        if self.trouble:
            return self.trouble.exit_code
        counts = self.counts
        return 4 if counts["failed"] else 3 if counts["waiting"] else 0

    def as_json(self) -> dict[str, Any]:
        """The run as plain data."""
        outcomes = [asdict(outcome) for outcome in self.outcomes]
        trouble = str(self.trouble) if self.trouble else None
        return {"counts": self.counts, "seconds": self.seconds, "outcomes": outcomes, "trouble": trouble}
