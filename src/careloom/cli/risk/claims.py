"""`careloom risk claims`: files of claims become a file of diagnoses."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from careloom.cli.console import print_json, progress_for
from careloom.cli.console import printer as page
from careloom.cli.options import Json
from careloom.cli.risk.options import Year
from careloom.core.errors import UsageFault
from careloom.services.risk import claims as claim_files
from careloom.services.risk import defaults, faults

_LEFT = 4
"""What it leaves with if something was held, as every command does."""
_MOST = 20
_REFUSED = {
    "not-a-claim": "it asks beforehand (preauthorization, predetermination)",
    "cancelled": "the claim was cancelled, is a draft or was entered in error",
    "failed": "the payer could not process the claim",
    "void": "the bill takes another one back",
    "voided": "another bill took it back",
    "replaced": "another claim took its place",
    "older-version": "the same claim is there in a newer version",
    "chart-review-delete": "a chart review that takes diagnoses back",
    "unlinked-chart-review": "a chart review of no encounter",
    "audio-only": "the service was by voice only (modifier 93 or FQ)",
    "type-of-bill": "bills of this type do not count",
    "no-type-of-bill": "the bill does not say its type",
    "procedure": "its CPT or HCPCS code is not eligible in the year",
}
_UNCOUNTED = {
    "admitting": "what the person was admitted for",
    "reason-for-visit": "the person's own reason for the visit",
    "external-cause": "the cause of an injury",
    "unconfirmed": "diagnoses of a type that is not one of the encounter's own",
    "chart-review-delete": "a chart review took them back",
    "icd-9": "in ICD-9",
    "another-system": "in another code system than ICD-10-CM",
    "no-code": "without a code",
}


def claims(
    output: Annotated[Path, typer.Option("--out", help="Where the diagnoses go: .parquet or .csv.", metavar="FILE")],
    *,
    fhir: Annotated[
        list[Path] | None,
        typer.Option(
            "--fhir", help="FHIR claims: a file, a folder or a '*' pattern; may be given again.", metavar="PATH"
        ),
    ] = None,
    x12: Annotated[
        list[Path] | None,
        typer.Option("--x12", help="X12 837 claims: likewise.", metavar="PATH"),
    ] = None,
    year: Year = defaults.YEAR,
    every_claim: Annotated[
        bool, typer.Option("--no-filter", help="Take every claim, not only those that CMS counts for the year.")
    ] = False,
    count: Annotated[
        list[str] | None,
        typer.Option("--count", help="Count it, whatever the year's rules say; may be given again.", metavar="REASON"),
    ] = None,
    leave_out: Annotated[
        list[str] | None,
        typer.Option("--leave-out", help="Leave it out, whatever the year's rules say: likewise.", metavar="REASON"),
    ] = None,
    held_file: Annotated[
        Path | None, typer.Option("--held", help="Where all that is held goes: .parquet or .csv.", metavar="FILE")
    ] = None,
    json: Json = False,
) -> None:
    """Read claims (FHIR ExplanationOfBenefit, X12 837) into a file of diagnoses that `score` takes."""
    with faults.usage_faults(), progress_for(quiet=json) as progress:
        run = claim_files.read_claims(
            output,
            held_file,
            progress,
            fhir=fhir or (),
            x12=x12 or (),
            year=year,
            every_claim=every_claim,
            count=count or (),
            leave_out=leave_out or (),
        )
        progress.rest()
    if json:
        print_json({"year": year, **asdict(run.counts), "seconds": round(run.seconds, 3)})
    else:
        _show(run.counts, year, run.seconds)
    if run.unread:
        raise UsageFault(f"not one claim could be read, so {output} was not written; mend what is held")
    if not json:
        page.print(f"Wrote {output}, which only you can read.", markup=False)
    if run.counts.held:
        raise typer.Exit(_LEFT)


def _show(counts: claim_files.ClaimCounts, year: int, seconds: float) -> None:
    page.print(f"{counts.files:,} files, {counts.claims:,} claims, {counts.lines:,} service lines in {seconds:.1f} s")
    if counts.without_claims:
        page.print(f"  {counts.without_claims:,} files have no claims")
    page.print(f"  {counts.kept:>8,} lines kept")
    for reason, number in counts.refused.items():
        page.print(f"  {number:>8,} refused: {reason}, {_REFUSED[reason]}", markup=False)
    for action, number in counts.untied.items():
        page.print(
            f"  {number:>8,} of an unknown claim: {action}, what it is about is not among these files", markup=False
        )
    page.print(f"{counts.diagnoses:,} diagnoses of {counts.people:,} people")
    for reason, number in counts.uncounted.items():
        page.print(f"  {number:>8,} not counted: {reason}, {_UNCOUNTED[reason]}", markup=False)
    if counts.of_another_year:
        page.print(f"  {counts.of_another_year:>8,} not of {year - 1}: `risk score` leaves them out", markup=False)
    if counts.undated:
        page.print(f"  {counts.undated:>8,} without a date: they always count")
    if counts.held:
        _show_held(counts)


def _show_held(counts: claim_files.ClaimCounts) -> None:
    total = sum(counts.held_by_code.values())
    page.print(
        f"{total:,} held: {', '.join(f'{number:,} {code}' for code, number in counts.held_by_code.items())}",
        markup=False,
    )
    for fault in counts.held[:_MOST]:
        page.print(f"  {fault.source}, {fault.place}: {fault.reason} [{fault.code}]", markup=False)
    if total > _MOST:
        page.print(f"  … and {total - _MOST:,} more; --held FILE writes them all", markup=False)
