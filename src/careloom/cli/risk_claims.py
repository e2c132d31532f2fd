"""`careloom risk claims`: files of claims become a file of diagnoses."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from careloom.cli.console import out as page
from careloom.cli.console import print_json, progress_for
from careloom.cli.options import Json
from careloom.cli.risk_doing import Year, asked
from careloom.core.errors import UsageFault
from careloom.risk import workspace as risk_desk
from careloom.risk.inputs import gather
from careloom.risk.inputs import rules as input_rules
from careloom.risk.payment_years import DEFAULT_YEAR

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
    out: Annotated[Path, typer.Option("--out", help="Where the diagnoses go: .parquet or .csv.", metavar="FILE")],
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
    year: Year = DEFAULT_YEAR,
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
    held: Annotated[
        Path | None, typer.Option("--held", help="Where all that is held goes: .parquet or .csv.", metavar="FILE")
    ] = None,
    json: Json = False,
) -> None:
    """Read claims (FHIR ExplanationOfBenefit, X12 837) into a file of diagnoses that `score` takes."""
    begun = time.monotonic()
    with asked(), progress_for(quiet=json) as progress:
        for written in (out, held):
            if written is not None:
                risk_desk.check_out(written)
        rules = input_rules.claim_rules(year, count or (), leave_out or ())
        lists = _files(fhir or (), x12 or ())
        with risk_desk.desk() as at:
            progress.step(f"reading {sum(map(len, lists.values())):,} files of claims, by service line")
            found = gather.gather(at, **lists, year=year, every_claim=every_claim, rules=rules, said=progress.advance)
            unread = bool(found.held) and not found.lines
            if not unread:
                progress.step("writing diagnoses")
                risk_desk.write(at, gather.DIAGNOSES, out)
            if held is not None:
                risk_desk.write(at, gather.HELD_ROWS, held)
        progress.rest()
    if json:
        print_json({"year": year, **asdict(found), "seconds": round(time.monotonic() - begun, 3)})
    else:
        _show(found, year, time.monotonic() - begun)
    if unread:
        raise UsageFault(f"not one claim could be read, so {out} was not written; mend what is held")
    if not json:
        page.print(f"Wrote {out}, which only you can read.", markup=False)
    if found.held:
        raise typer.Exit(_LEFT)


def _files(fhir: Sequence[Path], x12: Sequence[Path]) -> dict[str, Sequence[Path]]:
    """The files to read, by their format."""
    if not fhir and not x12:
        raise UsageFault("there is nothing to read: give --fhir PATH or --x12 PATH")
    return {"fhir": gather.claim_files(fhir, gather.FHIR), "x12": gather.claim_files(x12, gather.X12)}


def _show(found: gather.Gathered, year: int, seconds: float) -> None:
    page.print(f"{found.files:,} files, {found.claims:,} claims, {found.lines:,} service lines in {seconds:.1f} s")
    if found.without_claims:
        page.print(f"  {found.without_claims:,} files have no claims")
    page.print(f"  {found.kept:>8,} lines kept")
    for reason, number in found.refused.items():
        page.print(f"  {number:>8,} refused: {reason}, {_REFUSED[reason]}", markup=False)
    for action, number in found.untied.items():
        page.print(
            f"  {number:>8,} of an unknown claim: {action}, what it is about is not among these files", markup=False
        )
    page.print(f"{found.diagnoses:,} diagnoses of {found.people:,} people")
    for reason, number in found.uncounted.items():
        page.print(f"  {number:>8,} not counted: {reason}, {_UNCOUNTED[reason]}", markup=False)
    if found.of_another_year:
        page.print(f"  {found.of_another_year:>8,} not of {year - 1}: `risk score` leaves them out", markup=False)
    if found.undated:
        page.print(f"  {found.undated:>8,} without a date: they always count")
    if found.held:
        _show_held(found)


def _show_held(found: gather.Gathered) -> None:
    total = sum(found.held_by_code.values())
    page.print(
        f"{total:,} held: {', '.join(f'{many:,} {code}' for code, many in found.held_by_code.items())}", markup=False
    )
    for fault in found.held[:_MOST]:
        page.print(f"  {fault.source}, {fault.place}: {fault.reason} [{fault.code}]", markup=False)
    if total > _MOST:
        page.print(f"  … and {total - _MOST:,} more; --held FILE writes them all", markup=False)
