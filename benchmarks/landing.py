"""`python -m benchmarks.landing [PATIENTS]`: a first load out of the simulated practice's bulk lists, and the same again.

Each patient brings three insurance policies along; those that are empty are no records and make no rows. The simulator runs in a process of its own, without its limits; the store is the embedded PostgreSQL with fsync
and synchronous_commit on. The second time everything is read and compared, and nothing may be written.
"""

from __future__ import annotations

import os
import resource
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.servers import remove_server
from careloom.core.folders import HIDDEN
from careloom.project.model import Project
from careloom.services.landing.scan import scan
from careloom.services.operate.simulate import Simulation, connect_all, pointed_at
from careloom.services.session.logs import set_up_logs
from careloom.services.session.progress import Watch
from careloom.services.session.sessions import Session, open_session
from careloom.services.session.settings import read_settings
from careloom.systems.drchrono.options import LimitOptions
from careloom.systems.drchrono.simulator.process import RunningDrChrono

BLUEPRINT = Path(__file__).parents[1] / "blueprints" / "drchrono-clinical"
PATIENTS, AT_ONCE = 200_000, 20_000
GOAL = 5000
POLL, CALLS = 0.02, 1_000_000
IDLE = 11.0
"""Seconds after which every idle process of PostgreSQL has told what it wrote."""
SECRETS = {
    "DRCHRONO_CLIENT_ID": "sim-client",
    "DRCHRONO_CLIENT_SECRET": "sim-client-secret",
    "DRCHRONO_WEBHOOK_SECRET": "sim-webhook-secret",
    "DEEPCURA_SHARED_SECRET": "a shared secret",
}
_WRITTEN = """
    select coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0) from pg_stat_user_tables
    where schemaname = 'clinical' or relname in ('change_log', 'outbox')
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """One scan: `written` rows of the landing tables, the change log and the outbox."""

    what: str
    seconds: float
    patients: int
    records: int
    created: int
    written: int

    @property
    def speed(self) -> float:
        """Records a second."""
        return self.records / self.seconds

    def __str__(self) -> str:
        return (
            f"| {self.what} | {self.patients:,} | {self.records:,} | {self.seconds:.1f} | {self.speed:,.0f} "
            f"| {self.patients / self.seconds:,.0f} | {self.created:,} | {self.written:,} |"
        )


def main() -> int:
    """Load, load again, print both; 1 if a goal was missed."""
    patients = int(sys.argv[1]) if len(sys.argv) > 1 else PATIENTS
    folder = Path(tempfile.mkdtemp(prefix="careloom-bench-"))
    shutil.copytree(BLUEPRINT, folder / "clinic")
    settings = read_settings(SECRETS | {name: os.environ[name] for name in ("PATH", "USER") if name in os.environ})
    set_up_logs(settings)
    load = os.getloadavg()[0]
    try:
        with (
            RunningDrChrono("--tier", "unlimited", "--patients", "0") as vendor,
            open_session(folder / "clinic", settings) as plain,
        ):
            for first in range(0, patients, AT_ONCE):
                vendor.control("seed", patients=min(AT_ONCE, patients - first), lives=False)
            simulated = Simulation(settings=settings, addresses={"drchrono": vendor.url}, secrets={})
            ready = replace(plain, project=_unlimited(pointed_at(plain.project, simulated)))
            connect_all(ready, simulated)
            loads = [_timed(ready, patients, "first load"), _timed(ready, patients, "the same again", full=True)]
            ready.close()
    finally:
        remove_server(folder / "clinic" / HIDDEN)
        shutil.rmtree(folder, ignore_errors=True)
    _show(loads, load)
    return 0 if loads[0].speed >= GOAL and not loads[1].written else 1


def _show(loads: list[Loaded], load: float) -> None:
    print("|  | patients | records | seconds | records/s | patients/s | rows created | rows written |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    for one in loads:
        print(one)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"\ncareloom's own memory at most {peak:,.0f} MiB; load before: {load:.1f}")
    print(f"goal (first load at {GOAL:,} records/s, nothing written again): ", end="")
    print("reached" if loads[0].speed >= GOAL and not loads[1].written else "missed")


def _unlimited(project: Project) -> Project:
    """As many calls as it likes: this vendor counts none, and makes its lists at once."""
    system = project.systems["drchrono"]
    values = {"bulk_poll_seconds": POLL, "limits": LimitOptions(hourly=CALLS, secondly=CALLS)}
    options = system.options.model_copy(update=values)
    return replace(project, systems={**project.systems, "drchrono": replace(system, options=options)})


def _timed(session: Session, patients: int, what: str, *, full: bool = False) -> Loaded:
    before = _written(session)
    began = time.perf_counter()
    report = scan(session, "patients", Watch(), full=full)
    seconds = time.perf_counter() - began
    if report.status != "completed" or not report.balanced:
        raise SystemExit(f"the {what} is {report.status}: {'; '.join(report.notes)}")
    counts = report.counts
    return Loaded(
        what=what,
        seconds=seconds,
        patients=patients,
        records=counts["total"],
        created=counts["created"],
        written=_written(session) - before,
    )


def _written(session: Session) -> int:
    """Rows written so far, by PostgreSQL's own statistics."""
    time.sleep(IDLE)
    with session.store.transaction() as connection:
        row = connection.execute(_WRITTEN).fetchone()
    return int(row[0]) if row else 0


if __name__ == "__main__":
    sys.exit(main())
