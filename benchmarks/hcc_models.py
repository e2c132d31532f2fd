"""`python -m benchmarks.hcc_models [PEOPLE] [MODELS]`: `dbt build` and `dbt run` of all risk models on DuckDB.

People with ten codes each, three in ten of them of former years; one opportunity and one row of CMS's report for every other.
Draws are even over the mapped codes: a stress mix, not a cohort. MODELS are such as `V24,V28`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from careloom.risk import read_tables
from careloom.risk.dbt.emit import emit_models

BLUEPRINT = Path(__file__).parents[1] / "blueprints" / "hcc-analytics"
PEOPLE, MODELS, YEAR, GOAL = 1_000_000, "V24,V28", 2026, 60.0
FILLING = """
create schema raw;
create table raw.participants as
select i as person_id, (case when random() < 0.85 then 65 + floor(random() * 35) else 20 + floor(random() * 45) end)::int as age,
    case when random() < 0.55 then 'F' else 'M' end as sex,
    (['NA', 'NA', 'NA', '00', '01', '02', '03', '04', '05', '06', '08'])[1 + floor(random() * 11)::int] as dual_elgbl_cd,
    (['0', '0', '0', '0', '1', '1', '2', '3'])[1 + floor(random() * 8)::int] as orec, '0' as crec,
    random() < 0.06 as new_enrollee, random() < 0.1 as snp, random() < 0.04 as lti
from range($people) as r(i);
create table raw.participant_diagnosis_codes as
select i as person_id,
    case when random() < 0.4 then mapped[1 + floor(random() * len(mapped))::int] else 'Z' || (100 + floor(random() * 900)::int) end
        as diagnosis_code,
    case when j < 7 then date '2025-01-01' else date '2023-01-01' end + (random() * 364)::int as service_date
from range($people) as r(i), range(10) as c(j), (select list(code) as mapped from mapped);
create table raw.hcc_opportunities as
select i * 2 as person_id, 'V28' as model, 2026 as payment_year, 36 + i % 4 as hcc, 'lab' as reason, date '2025-05-05' as found_on
from range($people // 2) as r(i);
create table raw.hcc_participant as
select i * 2 as person_id, 'V28' as model, 2026 as payment_year, date '2026-03-01' as payment_month, 36 + i % 4 as hcc, 1.0 as risk_score
from range($people // 2) as r(i);
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """One run of dbt, with its nodes slowest first."""

    what: str
    seconds: float
    nodes: list[dict[str, Any]]

    @property
    def failed(self) -> int:
        """How many did not end well."""
        return sum(one["status"] not in {"success", "pass"} for one in self.nodes)

    def __str__(self) -> str:
        slowest = ", ".join(f"{one['unique_id'].split('.')[2]} {one['execution_time']:.1f}" for one in self.nodes[:4])
        return f"| {self.what} | {self.seconds:.1f} | {len(self.nodes)} | {self.failed} | {slowest} |"


def main() -> int:
    """Fill a file, run dbt, print all; 1 if something failed or `dbt run` took longer than the goal."""
    people = int(sys.argv[1]) if len(sys.argv) > 1 else PEOPLE
    models = (sys.argv[2] if len(sys.argv) > 2 else MODELS).split(",")
    folder = Path(tempfile.mkdtemp(prefix="careloom-bench-"))
    try:
        shutil.copytree(BLUEPRINT / "models", folder / "models", ignore=shutil.ignore_patterns("hcc", "target"))
        emit_models(folder, models=models, years=[YEAR])
        fill(folder / "warehouse.duckdb", people, models[-1])
        load = os.getloadavg()[0]
        results = [ran(folder, "seed"), ran(folder, "run"), ran(folder, "build")]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{people:,} people x 10 codes, {', '.join(models)} of {YEAR}, load before {load:.1f}\n")
    print("| dbt | s | nodes | failed | slowest, s |\n|---|---:|---:|---:|---|")
    for one in results:
        print(one)
    reached = results[1].seconds < GOAL and not any(one.failed for one in results)
    print(f"\ngoal (run < {GOAL:.0f} s): {'reached' if reached else 'missed'}")
    return 0 if reached else 1


def fill(warehouse: Path, people: int, model: str) -> None:
    """The four sources."""
    with duckdb.connect(str(warehouse)) as db:
        db.execute("select setseed(0.4)")
        db.register("mapped", pa.table({"code": sorted(read_tables(model, YEAR).codes)}))
        db.execute(FILLING.replace("$people", str(people)))


def ran(folder: Path, action: str) -> Ran:
    """One process of dbt over what is there."""
    output = {"type": "duckdb", "path": str(folder / "warehouse.duckdb"), "schema": "analytics", "threads": 2}
    profile = {"careloom": {"target": "bench", "outputs": {"bench": output}}}
    (folder / "profiles.yml").write_text(json.dumps(profile), encoding="utf-8")
    words = [action, "--project-dir", str(folder / "models"), "--profiles-dir", str(folder)]
    places = ["--target-path", str(folder / "target"), "--log-path", str(folder / "logs"), "--quiet", "--no-use-colors"]
    environment = os.environ | {"DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "DO_NOT_TRACK": "1"}
    command = [sys.executable, "-W", "ignore", "-m", "dbt.cli.main", *words, *places]
    started = time.perf_counter()
    subprocess.run(command, cwd=folder, env=environment, check=False)
    seconds = time.perf_counter() - started
    nodes = json.loads((folder / "target" / "run_results.json").read_bytes())["results"]
    return Ran(what=action, seconds=seconds, nodes=sorted(nodes, key=lambda one: -one["execution_time"]))


if __name__ == "__main__":
    sys.exit(main())
