"""`careloom risk claims`: files of claims become a file of diagnoses."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from careloom.cli.options import Json
from careloom.cli.risk_doing import THIS_YEAR, Year, asked
from careloom.cli.showing import out as page
from careloom.cli.showing import print_json, progress_for
from careloom.core.errors import UsageFault
from careloom.risk.desk import check_out, desk, write
from careloom.risk.inputs.gathering import DIAGNOSES, FHIR, X12, Gathered, claim_files, gather

HELD = 4
"""What it leaves with if something was held, as every command does."""
_MOST = 20
_REFUSED = {
    "cancelled": "the claim was cancelled or entered in error",
    "void": "the bill takes another one back",
    "type-of-bill": "bills of this type do not count",
    "procedure": "its CPT or HCPCS code is not eligible in the year",
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
    year: Year = THIS_YEAR,
    every_claim: Annotated[
        bool, typer.Option("--no-filter", help="Take every claim, not only those that CMS counts for the year.")
    ] = False,
    json: Json = False,
) -> None:
    """Read claims (FHIR ExplanationOfBenefit, X12 837) into a file of diagnoses that `score` takes."""
    begun = time.monotonic()
    with asked(), progress_for(quiet=json) as progress:
        check_out(out)
        if not fhir and not x12:
            raise UsageFault("there is nothing to read: give --fhir PATH or --x12 PATH")
        lists = {"fhir": claim_files(fhir or (), FHIR), "x12": claim_files(x12 or (), X12)}
        with desk() as at:
            progress.step(f"reading {sum(map(len, lists.values())):,} files of claims, by service line")
            found = gather(at, **lists, year=year, every_claim=every_claim, said=progress.advance)
            unread = bool(found.held) and not found.lines
            if not unread:
                progress.step("writing diagnoses")
                write(at, DIAGNOSES, out)
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
        raise typer.Exit(HELD)


def _show(found: Gathered, year: int, seconds: float) -> None:
    page.print(f"{found.files:,} files, {found.claims:,} claims, {found.lines:,} service lines in {seconds:.1f} s")
    if found.without_claims:
        page.print(f"  {found.without_claims:,} files have no claims")
    page.print(f"  {found.kept:>8,} lines kept")
    for reason, number in found.refused.items():
        page.print(f"  {number:>8,} refused: {reason}, {_REFUSED[reason]}", markup=False)
    page.print(f"{found.diagnoses:,} diagnoses of {found.people:,} people")
    if found.of_another_year:
        page.print(f"  {found.of_another_year:>8,} not of {year - 1}: `risk score` leaves them out", markup=False)
    if found.undated:
        page.print(f"  {found.undated:>8,} without a date: they always count")
    if found.held:
        _show_held(found)


def _show_held(found: Gathered) -> None:
    codes = ", ".join(f"{number:,} {code}" for code, number in sorted(Counter(one.code for one in found.held).items()))
    page.print(f"{len(found.held):,} held: {codes}", markup=False)
    for one in found.held[:_MOST]:
        page.print(f"  {one.source}, {one.place}: {one.reason} [{one.code}]", markup=False)
    if len(found.held) > _MOST:
        page.print(f"  … and {len(found.held) - _MOST:,} more; --json prints them all", markup=False)
