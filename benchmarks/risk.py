"""CMS-HCC scores of n people with ten codes each, Parquet to Parquet, beside hccinfhir in the same run.

Run: python -m benchmarks.risk [N] [MODEL] [THREADS]. Draws are even over the mapped codes: a stress mix, not a cohort.
hccinfhir scores a sample of it, one member a call, and is scaled; so are the traces. Each takes the best of its runs: CPU seconds are the
steadier number on a machine that others use.
"""

from __future__ import annotations

import os
import resource
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pyarrow as pa

from careloom.risk import read_tables, score

YEAR = 2026
RUNS = 3
SAMPLE = 3_000
TRACED = 100_000
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
    db.execute("select setseed(0.4)")
    db.register("mapped", pa.table({"code": sorted(read_tables(model, YEAR).codes)}))
    files = folder / "people.parquet", folder / "diagnoses.parquet"
    for query, file in zip((PEOPLE, DIAGNOSES), files, strict=True):
        text = query.replace("$people", str(people))
        db.execute(f"copy ({text}) to '{file}' (format parquet)")
    return files


def best(work: Callable[[], object], runs: int = RUNS) -> tuple[float, float]:
    """The least wall and the least CPU seconds of all runs."""
    wall, cpu = [], []
    for _ in range(runs):
        begun, spent = time.perf_counter(), time.process_time()
        work()
        wall.append(time.perf_counter() - begun)
        cpu.append(time.process_time() - spent)
    return min(wall), min(cpu)


def members(files: tuple[Path, Path]) -> list[tuple[dict[str, object], list[str]]]:
    """The first people as the peer takes them."""
    db = duckdb.connect()
    rows = db.execute(f"from '{files[0]}' where person_id < {SAMPLE} order by person_id").to_arrow_table().to_pylist()
    codes: dict[int, list[str]] = {row["person_id"]: [] for row in rows}
    for person, code in db.execute(f"from '{files[1]}' where person_id < {SAMPLE}").fetchall():
        codes[person].append(code)
    return [
        ({name: value for name, value in row.items() if name != "person_id"}, codes[row["person_id"]]) for row in rows
    ]


def peer(model: str, files: tuple[Path, Path]) -> tuple[float, float]:
    """hccinfhir's wall and CPU seconds for one member."""
    warnings.simplefilter("ignore")
    from hccinfhir import HCCInFHIR  # noqa: PLC0415 - optional dependency

    processor, sample = HCCInFHIR(model_name=read_tables(model, YEAR).model.title), members(files)
    wall, cpu = best(lambda: [processor.calculate_from_diagnosis(codes, person) for person, codes in sample], 3)
    return wall / len(sample), cpu / len(sample)


def main() -> None:
    asked = sys.argv[1:]
    people = int(asked[0]) if asked else 1_000_000
    model = asked[1] if len(asked) > 1 else "V28"
    threads = int(asked[2]) if len(asked) > 2 else os.cpu_count()
    with TemporaryDirectory(prefix="careloom-risk-") as folder:
        files = drawn(people, model, Path(folder))
        out = Path(folder) / "scores.parquet"
        wall, cpu = best(lambda: score(*files, model=model, year=YEAR, out=out, threads=threads))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        few = min(people, TRACED)
        fewer = drawn(few, model, Path(folder))
        steps = best(lambda: score(*fewer, model=model, year=YEAR, out=out, threads=threads, trace=True), 1)
        traced = [seconds * people / few for seconds in steps]
        theirs = [seconds * people for seconds in peer(model, fewer)]
    print(f"{model}, {people:,} people x 10 codes, {threads} threads, load {os.getloadavg()[0]:.1f}")
    print(f"careloom   wall {wall:8.2f} s   CPU {cpu:8.2f} s   peak {peak:.0f} MiB")
    print(f"  traced   wall {traced[0]:8.2f} s   CPU {traced[1]:8.2f} s")
    print(f"hccinfhir  wall {theirs[0]:8.2f} s   CPU {theirs[1]:8.2f} s   (from {SAMPLE:,})")
    print(f"for each core: {theirs[1] / cpu:.1f} times; traced {theirs[1] / traced[1]:.1f} times")


if __name__ == "__main__":
    main()
