"""CMS-HCC scores of n people with ten codes each, Parquet to Parquet, beside hccinfhir and hccpy in the same run.

Run: python -m benchmarks.risk [N] [MODELS] [THREADS], MODELS such as `V24,V28`. Draws are even over the mapped codes: a stress mix, not
a cohort. The peers score a sample of it, one member a call, and are scaled. Each takes the best of its runs, and each model a process of its
own. CPU seconds are the steadier number on a machine that others use.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import sys
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType, SimpleNamespace
from typing import Any, cast

import duckdb
import pyarrow as pa

from careloom.risk import read_tables, score
from careloom.risk.model.models import MODELS

YEAR = 2026
RUNS = 3
SAMPLE = 3_000
OLD = {"V22": "22", "V24": "24", "V28": "28", "ESRD-V21": "ESRDv21"}
"""The models of hccpy, by its names."""

PEOPLE = """
select i as person_id, (case when random() < 0.85 then 65 + floor(random() * 35) else 20 + floor(random() * 45) end)::int as age,
    case when random() < 0.55 then 'F' else 'M' end as sex,
    (['NA', 'NA', 'NA', '00', '01', '02', '03', '04', '05', '06', '08'])[1 + floor(random() * 11)::int] as dual_elgbl_cd,
    (['0', '0', '0', '0', '1', '1', '2', '3'])[1 + floor(random() * 8)::int] as orec, '0' as crec,
    random() < 0.06 as new_enrollee, random() < 0.1 as snp, random() < 0.04 as lti, random() < 0.3 as low_income
from range($people) as r(i)
"""
DIAGNOSES = """
select i as person_id,
    case when random() < 0.4 then mapped[1 + floor(random() * len(mapped))::int] else 'Z' || (100 + floor(random() * 900)::int) end
        as diagnosis_code
from range($people) as r(i), range(10) as c(j), (select list(code) as mapped from mapped)
"""


def drawn(people: int, model: str, folder: Path) -> tuple[Path, Path]:
    """The two files."""
    db = duckdb.connect()
    db.execute("select setseed(0.4); set enable_progress_bar = false")
    db.register("mapped", pa.table({"code": sorted(read_tables(model, YEAR).codes)}))
    made = folder / "people.parquet", folder / "diagnoses.parquet"
    for query, file in zip((PEOPLE, DIAGNOSES), made, strict=True):
        text = query.replace("$people", str(people))
        db.execute(f"copy ({text}) to '{file}' (format parquet)")
    return made


def best(work: Callable[[], object], runs: int = RUNS) -> tuple[float, float]:
    """The least wall and the least CPU seconds of all runs."""
    wall, cpu = [], []
    for _ in range(runs):
        begun, spent = time.perf_counter(), time.process_time()
        work()
        wall.append(time.perf_counter() - begun)
        cpu.append(time.process_time() - spent)
    return min(wall), min(cpu)


Seconds = tuple[float, float]
"""Wall and CPU."""
Member = tuple[dict[str, Any], list[str], str]
"""What is known of somebody, the diagnosis codes, and the segment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One model: seconds for everybody, and the peak of the scores in MiB."""

    model: str
    scores: Seconds
    traced: Seconds
    hccinfhir: Seconds
    hccpy: Seconds | None
    peak: float
    load: float


def members(drew: tuple[Path, Path], scores: Path) -> list[Member]:
    """The first people as the peers take them."""
    db = duckdb.connect()
    rows = db.execute(f"from '{drew[0]}' where person_id < {SAMPLE} order by person_id").to_arrow_table().to_pylist()
    codes: dict[int, list[str]] = {row["person_id"]: [] for row in rows}
    for person, code in db.execute(f"from '{drew[1]}' where person_id < {SAMPLE}").fetchall():
        codes[person].append(code)
    segments = dict(db.execute(f"select person_id, segment from '{scores}' where person_id < {SAMPLE}").fetchall())
    return [
        (
            {name: value for name, value in row.items() if name != "person_id"},
            codes[row["person_id"]],
            segments[row["person_id"]],
        )
        for row in rows
    ]


def newer_peer(model: str, sample: list[Member]) -> Seconds:
    """hccinfhir's seconds for one member."""
    warnings.simplefilter("ignore")
    from hccinfhir import HCCInFHIR  # noqa: PLC0415 - optional dependency

    processor = HCCInFHIR(model_name=read_tables(model, YEAR).model.title)
    wall, cpu = best(lambda: [processor.calculate_from_diagnosis(codes, person) for person, codes, _ in sample])
    return wall / len(sample), cpu / len(sample)


def _file_of(module: str, name: str) -> str:
    return str(files(module.split(".", maxsplit=1)[0]) / name)


def older_peer(model: str, sample: list[Member]) -> Seconds | None:
    """hccpy's seconds for one member; it is told the segment, and only ESRD's for dialysis."""
    if model not in OLD:
        return None
    # It asks setuptools where its files are, which newer ones do not say any more.
    sys.modules.setdefault("pkg_resources", cast("ModuleType", SimpleNamespace(resource_filename=_file_of)))
    from hccpy.hcc import HCCEngine  # type: ignore[import-untyped]  # noqa: PLC0415 - optional dependency

    engine, esrd = HCCEngine(OLD[model]), model.startswith("ESRD")

    def all_of_them() -> None:
        for person, codes, segment in sample:
            engine.profile(codes, person["age"], person["sex"], "DI" if esrd else segment, person["orec"])

    wall, cpu = best(all_of_them)
    return wall / len(sample), cpu / len(sample)


def measured(model: str, people: int, threads: int) -> Measured:
    """One model, in a process of its own."""
    load = os.getloadavg()[0]
    with TemporaryDirectory(prefix="careloom-risk-") as folder:
        drew = drawn(people, model, Path(folder))
        out = Path(folder) / "scores.parquet"
        scores = best(lambda: score(*drew, model=model, year=YEAR, out=out, threads=threads))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        sample = members(drew, out)
        traced = best(lambda: score(*drew, model=model, year=YEAR, out=out, threads=threads, trace=True), 1)
    newer, older = newer_peer(model, sample), older_peer(model, sample)
    return Measured(
        model=model,
        scores=scores,
        traced=traced,
        hccinfhir=(newer[0] * people, newer[1] * people),
        hccpy=older and (older[0] * people, older[1] * people),
        peak=peak,
        load=load,
    )


def row(one: Measured) -> str:
    """A row of the table."""
    times = one.hccinfhir[1] / one.scores[1], one.hccinfhir[1] / one.traced[1]
    older = f"{one.hccpy[1]:.1f} | {one.hccpy[1] / one.scores[1]:.1f}" if one.hccpy else "has no such model |"
    return (
        f"| {one.model} | {one.scores[0]:.2f} | {one.scores[1]:.2f} | {one.peak:.0f} | {one.traced[0]:.1f} | {one.traced[1]:.1f} "
        f"| {one.hccinfhir[1]:.1f} | {times[0]:.1f} | {times[1]:.1f} | {older} | {one.load:.1f} |"
    )


def main() -> None:
    asked = sys.argv[1:]
    people = int(asked[0]) if asked else 1_000_000
    models = asked[1].split(",") if len(asked) > 1 else [name for name, one in MODELS.items() if not one.variant]
    threads = int(asked[2]) if len(asked) > 2 else os.cpu_count() or 1
    print(f"{people:,} people x 10 codes, {threads} threads, {YEAR}; the peers from {SAMPLE:,} of them\n")
    print(
        "| model | wall s | CPU s | peak MiB | traced: wall s | CPU s | hccinfhir: CPU s | times | traced | hccpy: CPU s | times | load |"
    )
    print("|---|" + "---:|" * 11)
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), max_tasks_per_child=1) as pool:
        for one in pool.map(measured, models, [people] * len(models), [threads] * len(models)):
            print(row(one), flush=True)


if __name__ == "__main__":
    main()
