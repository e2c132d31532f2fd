"""Read files of claims into a file of diagnoses."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from careloom.core.errors import UsageFault
from careloom.risk import workspace as risk_workspace
from careloom.risk.inputs import gather
from careloom.risk.inputs import rules as claim_rules
from careloom.risk.inputs.gather import ClaimCounts
from careloom.services.session.progress import Progress

__all__ = ["ClaimCounts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimsRun:
    """What was read; `unread` where not one claim could be, so that no diagnoses were written."""

    counts: gather.ClaimCounts
    unread: bool
    seconds: float


def read_claims(  # noqa: PLR0913 - two formats, two files and the rules between them
    output: Path,
    held_file: Path | None,
    progress: Progress,
    *,
    fhir: Sequence[Path],
    x12: Sequence[Path],
    year: int,
    every_claim: bool,
    count: Sequence[str],
    leave_out: Sequence[str],
) -> ClaimsRun:
    """Write the diagnoses that count for `year` to `output`, and all that is held to `held_file`."""
    start = time.monotonic()
    for file in filter(None, (output, held_file)):
        risk_workspace.check_output(file)
    rules = claim_rules.claim_rules(year, count, leave_out)
    files = _files(fhir, x12)
    with risk_workspace.open_workspace() as workspace:
        progress.step(f"reading {sum(map(len, files.values())):,} files of claims, by service line")
        counts = gather.gather(
            workspace, **files, year=year, every_claim=every_claim, rules=rules, on_progress=progress.advance
        )
        unread = bool(counts.held) and not counts.lines
        if not unread:
            progress.step("writing diagnoses")
            risk_workspace.write_rows(workspace, gather.DIAGNOSES, output)
        if held_file is not None:
            risk_workspace.write_rows(workspace, gather.HELD_ROWS, held_file)
    return ClaimsRun(counts=counts, unread=unread, seconds=time.monotonic() - start)


def _files(fhir: Sequence[Path], x12: Sequence[Path]) -> dict[str, Sequence[Path]]:
    """The files to read, by their format."""
    if not fhir and not x12:
        raise UsageFault("there is nothing to read: give --fhir PATH or --x12 PATH")
    return {"fhir": gather.claim_files(fhir, gather.FHIR), "x12": gather.claim_files(x12, gather.X12)}
