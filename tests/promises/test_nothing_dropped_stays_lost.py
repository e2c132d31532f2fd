"""What a vendor never told is found by asking: webhooks get lost, ticks are missed, and the store is equal in the end."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Any

import psycopg
import pytest

from careloom.project.model import Project
from careloom.services.landing.process import process_inbox
from careloom.services.landing.scan import LandingReport, reconcile, scan
from careloom.services.operate.simulate import Simulation, connect_all, pointed_at
from careloom.services.session.progress import Watch
from careloom.services.session.sessions import Session, open_session
from careloom.services.session.settings import read_settings
from careloom.services.session.streams import scannable
from careloom.systems.drchrono.options import LimitOptions
from careloom.systems.drchrono.simulator.process import RunningDrChrono
from hang import HANG
from web.fake_scheduler import Google, serve_scheduler

BLUEPRINT = Path(__file__).parents[2] / "blueprints" / "drchrono-clinical"
ASKS = 6
SECRETS = {
    "DRCHRONO_CLIENT_ID": "sim-client",
    "DRCHRONO_CLIENT_SECRET": "sim-client-secret",
    "DRCHRONO_WEBHOOK_SECRET": "sim-webhook-secret",
    "DEEPCURA_SHARED_SECRET": "a shared secret of the clinic",
    "CARELOOM_SEAL_KEY": "A" * 43 + "=",
}
TOLD = ("patients", "appointments", "medications", "problems", "allergies", "clinical_notes")
RANKS = ("primary", "secondary", "tertiary")
Truth = Mapping[str, Mapping[str, Mapping[str, Any]]]


@dataclass
class Day:
    """A practice's day: what its staff does, in an order that chance decides."""

    vendor: RunningDrChrono
    dice: random.Random = field(default_factory=lambda: random.Random(5))
    deleted: set[tuple[str, str]] = field(default_factory=set)
    created: set[tuple[str, str]] = field(default_factory=set)

    def pass_by(self, truth: Truth) -> None:
        patients = list(truth["patients"])
        patients += [self._create("patients", first_name="Ada", last_name="Zzyzx") for _ in range(12)]
        for table in ("appointments", "medications", "problems", "allergies", "line_items"):
            for _ in range(15):
                owner = self.dice.choice(patients)
                self._create(
                    table,
                    patient=int(owner),
                    **({"scheduled_time": "2026-03-02T09:00:00"} if table == "appointments" else {}),
                )
            for key in self.dice.sample(list(truth[table]), 20):
                self._change(table, key, notes=f"changed {key}")
            for key in self.dice.sample(list(truth[table]), 4):
                self.vendor.control("delete", table=table, key=key)
                self.deleted.add((table, key))
        for key in self.dice.sample(list(truth["patients"]), 30):
            self._change("patients", key, city=f"Town {key}")
        for key in self.dice.sample(list(truth["patients"]), 8):
            policy = truth["patients"][key]["primary_insurance"]
            self._change("patients", key, primary_insurance={**policy, "insurance_company": f"Payer {key}"})
            self._change(
                "patients", key, secondary_insurance={**policy, "insurance_company": ""} | dict.fromkeys(_SAYS, "")
            )
        for key in self.dice.sample(list(truth["clinical_notes"]), 20):
            self.vendor.control("lock", key=key, locked=self.dice.random() < 0.5)

    def _create(self, table: str, **values: Any) -> str:
        key = str(self.vendor.control("create", table=table, values=values)["key"])
        self.created.add((table, key))
        return key

    def _change(self, table: str, key: str, **values: Any) -> None:
        assert self.vendor.control("change", table=table, key=key, values=values)["changed"]


_SAYS = ("insurance_payer_id", "insurance_id_number", "insurance_group_number")


@dataclass
class Practice:
    session: Session
    vendor: RunningDrChrono

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        with self.session.store.transaction() as connection:
            return connection.execute(statement).fetchall()  # type: ignore[call-overload, no-any-return]

    def differences(self) -> list[tuple[str, str]]:
        """(table, key) of everything that the store says otherwise than the practice, or not at all, or too much."""
        truth = dict(self.vendor.control("truth"))
        truth["insurance"] = dict(_policies(truth["patients"]))
        found: list[tuple[str, str]] = []
        for table, records in truth.items():
            key, raw = self._columns(table)
            rows = dict(self.ask(f"select {key}::text, {raw} from clinical.{table} where deleted_at is null"))
            found += [(table, one) for one in rows.keys() ^ records.keys()]
            found += [
                (table, one)
                for one in rows.keys() & records.keys()
                if any(rows[one].get(name) != value for name, value in records[one].items())
            ]
        return found

    def _columns(self, table: str) -> tuple[str, str]:
        stream = self.session.project.landings[table].stream
        return stream.key_column, stream.raw

    def received(self) -> None:
        """Wait until all that was sent has come, then land it."""

        def all_sent() -> bool:
            counts = self.vendor.control("hooks")
            return not counts["waiting"] and self.ask("select count(*) from inbox") == [
                (counts["events"] - counts["dropped"],)
            ]

        until(all_sent)
        process_inbox(self.session, "drchrono", stop=Event())
        # What the system did not show yet is asked for again after some seconds; they pass at once here.
        for _ in range(ASKS):
            with self.session.store.transaction() as connection:
                connection.execute("update inbox set due_at = now() where state = 'new'")
            process_inbox(self.session, "drchrono", stop=Event())
        assert self.ask("select state, count(*) > 0 from inbox group by 1") == [("done", True)]

    def each(self, how: Callable[[Session, str, Watch], LandingReport]) -> dict[str, LandingReport]:
        names = [name for name in scannable(self.session) if self.session.project.landings[name].system == "drchrono"]
        return {name: how(self.session, name, Watch()) for name in names}


def _policies(patients: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for key, patient in patients.items():
        for rank in RANKS:
            policy = patient.get(f"{rank}_insurance") or {}
            if any(policy.get(name) for name in ("insurance_company", *_SAYS)):
                yield f"{key}:{rank}", {**policy, "patient": int(key), "rank": rank}


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + HANG
    while not true():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.05)


def unlimited(project: Project) -> Project:
    system = project.systems["drchrono"]
    calls = LimitOptions(hourly=1_000_000, secondly=1_000_000)
    options = system.options.model_copy(update={"limits": calls, "bulk_poll_seconds": 0.01})
    return replace(project, systems={**project.systems, "drchrono": replace(system, options=options)})


@pytest.fixture
def practice(tmp_path: Path, database: str) -> Iterator[Practice]:
    shutil.copytree(BLUEPRINT, tmp_path / "clinic")
    settings = read_settings(SECRETS | {"CARELOOM_DATABASE_URL": database})
    with (
        RunningDrChrono("--tier", "unlimited", "--patients", "80") as vendor,
        open_session(tmp_path / "clinic", settings) as plain,
    ):
        simulated = Simulation(settings=settings, addresses={"drchrono": vendor.url}, secrets={})
        ready = replace(plain, project=unlimited(pointed_at(plain.project, simulated)))
        connect_all(ready, simulated)
        with serve_scheduler(ready, Google()) as url:
            vendor.control("settings", hooks_url=f"{url}/webhooks/drchrono", lag_seconds=0)
            yield Practice(ready, vendor)
        ready.close()


def test_a_day_on_which_one_webhook_in_twenty_is_lost_is_repaired_by_the_reconcile(practice: Practice) -> None:
    practice.each(scan)
    assert practice.differences() == []
    practice.vendor.control("settings", drop_percent=5)
    day = Day(practice.vendor)
    day.pass_by(practice.vendor.control("truth"))
    practice.received()
    counts = practice.vendor.control("hooks")
    assert 0 < counts["dropped"] < counts["events"] / 8, "chance must have lost some, and not too many"
    lost = set(practice.differences())
    assert {table for table, _ in lost} > {"line_items", "medications"}
    assert lost & day.created
    assert lost & day.deleted

    reports = practice.each(reconcile)
    assert {(one.status, one.balanced, one.counts["held"]) for one in reports.values()} == {("completed", True, 0)}
    assert practice.differences() == []
    # Each lost record was repaired once, and whoever counts them hears of no other. (Policies are counted with patients.)
    assert {name for name, one in reports.items() if one.repaired} >= {"line_items", "medications", "patients"}
    assert sum(one.repaired for one in reports.values()) >= len(lost)
    assert {name: one.repaired for name, one in practice.each(reconcile).items() if one.repaired} == {}
    recorded = practice.ask("select sum(records_repaired) from sync_log where sync_type = 'reconcile'")
    assert recorded == [(sum(one.repaired for one in reports.values()),)]


# ---------------------------------------------------------------- schedules, by a worker of its own

ZONED = """\
project: clinic
timezone: {zone}
systems:
  drchrono:
    kind: drchrono
    base_url: {url}
    client_id: secret:drchrono-client-id
    client_secret: secret:drchrono-client-secret
    bulk_poll_seconds: 0.05
    limits: {{secondly: 100}}
retention: {{inbox: 90 days}}
"""
PATIENTS = "{stream: patients, from: {system: drchrono, stream: patients}, schedule: daily at 00:00, reconcile: daily at 00:00}\n"


def noon_zone() -> str:
    """A zone in which it is about noon: far from the midnight and the early morning at which things are due."""
    ahead = 12 - datetime.now(UTC).hour
    return f"Etc/GMT{-ahead:+d}"


@contextmanager
def worker(folder: Path, database: str) -> Iterator[None]:
    command = [sys.executable, "-m", "careloom.cli.start", "work"]
    environment = os.environ | SECRETS | {"CARELOOM_DATABASE_URL": database}
    with subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.terminate()
            process.wait(HANG)


def runs(database: str) -> dict[str, int]:
    """How often each kind of work was recorded as done."""
    with psycopg.connect(database, options="-c search_path=careloom") as connection:
        logged = connection.execute(
            "select sync_type, count(*) from sync_log where status = 'completed' and balanced group by 1"
        )
        found = dict(logged.fetchall())
        receipts = connection.execute("select count(*) from cleanup_receipt where not dry_run").fetchone()
        others = connection.execute("select count(*) from sync_log where status <> 'completed'").fetchone()
    return {**found, "cleanup": receipts[0] if receipts else 0, "else": others[0] if others else 0}


def change(database: str, statement: str) -> None:
    with psycopg.connect(database, options="-c search_path=careloom") as connection:
        connection.execute(statement)  # type: ignore[call-overload]


@pytest.mark.slow
def test_a_worker_does_what_is_due_once_and_a_tick_that_it_missed_once_and_late(tmp_path: Path, database: str) -> None:
    with RunningDrChrono("--tier", "unlimited", "--patients", "30") as vendor:
        (tmp_path / "careloom.yaml").write_text(ZONED.format(zone=noon_zone(), url=vendor.url))
        (tmp_path / "streams").mkdir()
        (tmp_path / "streams" / "patients.yaml").write_text(PATIENTS)
        settings = read_settings(SECRETS | {"CARELOOM_DATABASE_URL": database})
        with open_session(tmp_path, settings) as session:
            connect_all(session, Simulation(settings=settings, addresses={"drchrono": vendor.url}, secrets={}))
        with worker(tmp_path, database):
            # A first scan is a whole one, so that nothing is left to reconcile.
            until(lambda: runs(database) == {"full_sync": 1, "cleanup": 1, "else": 0})
        key = next(iter(vendor.control("truth")["patients"]))
        vendor.control("change", table="patients", key=key, values={"city": "Elsewhere"})
        change(database, "update stream_state set scanned_at = scanned_at - interval '3 days'")
        change(database, "update stream_state set reconciled_at = reconciled_at - interval '3 days'")
        change(database, "update cleanup_receipt set at = at - interval '3 days'")
        with worker(tmp_path, database):
            wanted = {"full_sync": 1, "incremental": 1, "reconcile": 1, "cleanup": 2, "else": 0}
            until(lambda: runs(database) == wanted)
            time.sleep(5)  # two rounds, in which nothing may come again
        assert runs(database) == wanted
    with psycopg.connect(database) as connection:
        rows = connection.execute("select count(*), count(*) filter (where city = 'Elsewhere') from clinical.patients")
        assert rows.fetchone() == (30, 1)
